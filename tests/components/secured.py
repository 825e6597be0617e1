"""Kafka and PostgreSQL as a plant has them: encrypted, with passwords, and with rights."""

import shutil
from collections.abc import Iterable

import psycopg
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)
from psycopg import sql

from tests.components.certificates import Authority
from tests.components.kafka import RealKafka
from tests.components.ports import free_port
from tests.components.postgres import SUPERUSER, RealPostgres

# What the product may do in Kafka: as in helm/README.md.
RIGHTS = (
    (ResourceType.TOPIC, "lineside.", (AclOperation.READ, AclOperation.WRITE, AclOperation.DESCRIBE,
                                       AclOperation.DESCRIBE_CONFIGS)),
    (ResourceType.TOPIC, "lineside.", (AclOperation.CREATE,)),
    (ResourceType.GROUP, "lineside-", (AclOperation.READ, AclOperation.DESCRIBE)),
)  # fmt: skip


class SecuredKafka(RealKafka):
    """One node whose clients speak TLS and SASL/SCRAM-SHA-512 and need rights. Tests come in by another door."""

    def __init__(self, authority: Authority) -> None:
        super().__init__()
        self.authority = authority  # another one signs the certificate of the next start
        self._clients_port = free_port()

    @property
    def secured_bootstrap(self) -> str:
        """The address for clients with a password."""
        return f"127.0.0.1:{self._clients_port}"

    def add_user(self, name: str, password: str) -> None:
        """Make a user without any right, or give it another password."""
        credential = UserScramCredentialUpsertion(
            name, ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096), password.encode()
        )
        with self._admin() as admin:
            for made in admin.alter_user_scram_credentials([credential]).values():
                made.result(timeout=30)

    def allow(self, user: str, rights: Iterable[tuple[ResourceType, str, Iterable[AclOperation]]] = RIGHTS) -> None:
        """Give a user rights on everything whose name begins so."""
        bindings = [
            AclBinding(
                kind, prefix, ResourcePatternType.PREFIXED, f"User:{user}", "*", operation, AclPermissionType.ALLOW
            )
            for kind, prefix, operations in rights
            for operation in operations
        ]
        with self._admin() as admin:
            for made in admin.create_acls(bindings).values():
                made.result(timeout=30)

    def _settings(self) -> dict[str, object]:
        certificate = self.authority.issue("kafka")
        keystore = self.data_dir / "kafka.pem"
        keystore.write_text(certificate.key + certificate.crt)
        plain = super()._settings()
        clients = f"CLIENTS://{self.secured_bootstrap}"
        return {
            **plain,
            "listeners": f"{plain['listeners']},{clients}",
            "advertised.listeners": f"{plain['advertised.listeners']},{clients}",
            "listener.security.protocol.map": f"{plain['listener.security.protocol.map']},CLIENTS:SASL_SSL",
            "inter.broker.listener.name": "PLAINTEXT",
            "listener.name.clients.ssl.keystore.type": "PEM",
            "listener.name.clients.ssl.keystore.location": keystore,
            "listener.name.clients.sasl.enabled.mechanisms": "SCRAM-SHA-512",
            "listener.name.clients.scram-sha-512.sasl.jaas.config":
                "org.apache.kafka.common.security.scram.ScramLoginModule required;",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
        }  # fmt: skip


class SecuredPostgres(RealPostgres):
    """A server that lets users in over TLS alone, with their password; its superuser comes in as in every test."""

    def __init__(self, authority: Authority) -> None:
        super().__init__()
        certificate = authority.issue("postgres")
        for name, text in (("server.crt", certificate.crt), ("server.key", certificate.key)):
            path = self.data_dir / name
            path.write_text(text)
            path.chmod(0o600)
            if self._user is not None:
                shutil.chown(path, self._user, self._user)

    def owned_database(self, user: str, password: str) -> str:
        """Make a user with a database of its own; the address as that user writes it."""
        url = self.fresh_database()
        name = url.rsplit("/", 1)[1]
        self._execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(user), sql.Literal(password)))
        self._execute(sql.SQL("ALTER DATABASE {} OWNER TO {}").format(sql.Identifier(name), sql.Identifier(user)))
        with psycopg.connect(f"{self._conninfo} dbname={name}", autocommit=True) as connection:
            connection.execute(sql.SQL("ALTER SCHEMA public OWNER TO {}").format(sql.Identifier(user)))
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{name}"

    def _initialise(self) -> None:
        super()._initialise()
        rules = self._cluster / "pg_hba.conf"
        rules.write_text(f"host all {SUPERUSER} 127.0.0.1/32 trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n")

    def _settings(self) -> dict[str, object]:
        return {
            **super()._settings(),
            "ssl": "on",
            "ssl_cert_file": self.data_dir / "server.crt",
            "ssl_key_file": self.data_dir / "server.key",
        }
