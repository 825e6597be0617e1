"""An asyncua client with everything the settings say about security; not connected yet."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol

from asyncua import Client, ua
from asyncua.crypto import security_policies
from asyncua.crypto.uacrypto import CertProperties, x509_from_der
from asyncua.ua.uaerrors import BadSecurityChecksFailed, UaError
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from connectors.errors import SourceUnavailable
from connectors.opcua.application_certificate import own_certificate
from connectors.opcua.refusal import explained, may_mean_our_certificate
from connectors.opcua.security_settings import IdentitySettings, SecurityMode, SecurityPolicy, SecuritySettings
from connectors.opcua.trust_store import TrustStore, Untrusted, load_certificate
from wire.errors import ConfigurationError

REQUEST_TIMEOUT_S: Final = 4.0
# asyncua's default of 1 s takes a slow server, or a second in which this process got no CPU, for a lost link.
_WATCHDOG_S: Final = 5.0
# A killed client's session is gone from the server by then. Shorter: a link that is silent for half a minute, of which
# ten seconds pass until it is noticed, loses session and values.
_SESSION_MS: Final = 60_000
# A certificate that was not believed becomes so when a person decides; asking more often fills the server's log.
_UNTRUSTED_RETRY_S: Final = 10.0

_POLICIES: Final[Mapping[SecurityPolicy, type[security_policies.SecurityPolicy]]] = {
    SecurityPolicy.BASIC256SHA256: security_policies.SecurityPolicyBasic256Sha256,
    SecurityPolicy.AES128_SHA256_RSAOAEP: security_policies.SecurityPolicyAes128Sha256RsaOaep,
    SecurityPolicy.AES256_SHA256_RSAPSS: security_policies.SecurityPolicyAes256Sha256RsaPss,
}
_MODES: Final = {
    SecurityMode.SIGN: ua.MessageSecurityMode.Sign,
    SecurityMode.SIGN_AND_ENCRYPT: ua.MessageSecurityMode.SignAndEncrypt,
}

# Whose certificate it is (``own`` or ``server``), and when it expires.
CertificateSeen = Callable[[str, datetime], None]


class Reachable(Protocol):
    """What has to be known of a server: the settings of the connector and of the result writer have it."""

    @property
    def endpoint(self) -> str:
        """``opc.tcp://host:port/path``."""

    @property
    def security(self) -> SecuritySettings:
        """The secure channel."""

    @property
    def identity(self) -> IdentitySettings:
        """Who logs in."""


@dataclass(frozen=True, kw_only=True)
class ClientName:
    """How a client introduces itself to servers."""

    role: str  # "connector", "result writer"
    line: str

    @property
    def text(self) -> str:
        """For people who look at the server's list of sessions."""
        return f"Lineside {self.role} of {self.line}"

    @property
    def application_uri(self) -> str:
        """For the certificate, unless the settings name another."""
        return f"urn:lineside:{self.role.replace(' ', '-')}:{self.line}"


def _unseen(_: str, __: datetime) -> None:
    """Stand in where nobody watches the expiry of certificates."""


async def secure_client(settings: Reachable, name: ClientName, *, seen: CertificateSeen = _unseen) -> Client:
    """Make a client; with a security policy the server is asked for its endpoints, and its certificate is checked.

    SourceUnavailable if the server does not answer, has no such endpoint or is not trusted; ConfigurationError if a
    file of the settings cannot be used.
    """
    security = settings.security
    client = Client(settings.endpoint, timeout=REQUEST_TIMEOUT_S, watchdog_intervall=_WATCHDOG_S)
    client.name = client.description = name.text
    client.application_uri = security.application_uri or name.application_uri
    client.session_timeout = _SESSION_MS
    _log_in(client, settings.identity)
    if security.is_secure:
        await _secure(client, security, name, seen)
    return client


async def connect(client: Client, *, reconnect_longest_s: float | None = None) -> None:
    """Open channel and session. ``reconnect_longest_s``: asyncua restores a lost link, with pauses up to this.

    SourceUnavailable if the server may have refused our certificate because it has expired; LINK_ERRORS otherwise.
    """
    try:
        await _open(client, reconnect_longest_s)
    except (OSError, UaError) as error:
        _tell_expiry(client, error)
        raise


async def _open(client: Client, reconnect_longest_s: float | None) -> None:
    try:
        await client.connect(
            auto_reconnect=reconnect_longest_s is not None, reconnect_max_delay=reconnect_longest_s or 30.0
        )
    except AssertionError as error:
        # A server that answers OpenSecureChannel with a fault meets an assert of asyncua's; the fault itself is lost.
        raise BadSecurityChecksFailed from error


def _tell_expiry(client: Client, error: Exception) -> None:
    """Servers seldom say why they refuse a certificate, and some accept expired ones: only a refusal shows it."""
    der = client.security_policy.host_certificate
    if not der or not may_mean_our_certificate(error):
        return
    expired_at = x509.load_der_x509_certificate(der).not_valid_after_utc
    if expired_at <= datetime.now(UTC):
        raise SourceUnavailable(
            f"this client's certificate expired on {expired_at:%Y-%m-%d %H:%M} UTC: remove pki/own/certificate.der and "
            f"let the server trust the new one (the server: {explained(error).partition(':')[0]})",
            retry_after_s=_UNTRUSTED_RETRY_S,
        ) from error


async def _secure(client: Client, security: SecuritySettings, name: ClientName, seen: CertificateSeen) -> None:
    if security.pki is None:
        raise ConfigurationError(["security: a policy needs pki"])
    own = own_certificate(
        security.pki, application_uri=client.application_uri, name=name.text, days=security.certificate_days
    )
    seen("own", own.expires_at)
    endpoint = chosen_endpoint(await client.connect_and_get_server_endpoints(), security)
    der = endpoint.ServerCertificate
    try:
        certificate = x509_from_der(der)  # type: ignore[no-untyped-call]
    except ValueError as error:
        raise SourceUnavailable(f"the server's certificate cannot be read: {error}") from error
    if certificate is None:
        raise SourceUnavailable("the server has no certificate for this policy; make one on the server")
    seen("server", certificate.not_valid_after_utc)
    _check(certificate, security, security.pki, endpoint.Server.ApplicationUri)
    await client.set_security(
        _POLICIES[security.policy],
        str(own.path),
        str(own.key_path),
        server_certificate=CertProperties(der, "der"),
        mode=_MODES[security.mode],
    )


def _check(certificate: x509.Certificate, security: SecuritySettings, pki: Path, application_uri: str | None) -> None:
    if security.accepts_any:
        return
    try:
        TrustStore(pki).check(certificate, application_uri=application_uri)
    except Untrusted as error:
        raise SourceUnavailable(str(error), retry_after_s=_UNTRUSTED_RETRY_S) from error
    except OSError as error:
        raise ConfigurationError([f"{pki}: cannot be used: {error}"]) from error


def chosen_endpoint(offered: list[ua.EndpointDescription], security: SecuritySettings) -> ua.EndpointDescription:
    """The endpoint that the settings ask for. SourceUnavailable lists what there is instead."""
    policy, mode = _POLICIES[security.policy].URI, _MODES[security.mode]
    for one in offered:
        if one.SecurityPolicyUri == policy and one.SecurityMode == mode:
            return one
    raise SourceUnavailable(
        f"the server has no endpoint {security.policy.value}/{security.mode.value}; it offers "
        f"{', '.join(sorted({endpoint_name(one) for one in offered})) or 'none'}"
    )


def endpoint_name(endpoint: ua.EndpointDescription) -> str:
    """``Basic256Sha256/Sign`` and the like, in the words of the settings."""
    policy = (endpoint.SecurityPolicyUri or "").rpartition("#")[2].replace("_", "")
    if endpoint.SecurityMode is ua.MessageSecurityMode.None_:
        return policy or "None"
    return f"{policy}/{endpoint.SecurityMode.name}"


def _log_in(client: Client, identity: IdentitySettings) -> None:
    try:
        if identity.user is not None:
            client.set_user(identity.user)
            client.set_password(_password(identity))
        if identity.certificate is not None and identity.private_key is not None:
            client.user_certificate = load_certificate(identity.certificate.read_bytes())
            client.user_private_key = load_pem_private_key(identity.private_key.read_bytes(), password=None)
    except OSError as error:
        raise ConfigurationError([f"identity: {error.filename}: cannot be read: {error.strerror}"]) from error
    except (ValueError, TypeError) as error:
        raise ConfigurationError([
            f"identity: {identity.certificate} or {identity.private_key} is no certificate with an unencrypted key: "
            f"{error}"
        ]) from error  # fmt: skip


def _password(identity: IdentitySettings) -> str:
    if identity.password is not None:
        return identity.password.get_secret_value()
    if identity.password_file is None:
        raise ConfigurationError(["identity: user needs a password"])
    return identity.password_file.read_text(encoding="utf-8").rstrip("\r\n")
