"""The client's own certificate: made once, kept, and never changed behind the back of a server that trusts it."""

import ipaddress
import os
import socket
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import structlog
from asyncua.crypto.cert_gen import dump_private_key_as_pem, generate_private_key, generate_self_signed_app_certificate
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID

from connectors.opcua.trust_store import thumbprint
from wire.errors import ConfigurationError

_ORGANISATION: Final = "Lineside"


@dataclass(frozen=True, kw_only=True)
class ApplicationCertificate:
    """Where certificate (DER) and key (PEM) lie, and what the certificate says."""

    path: Path
    key_path: Path
    application_uri: str
    thumbprint: str
    expires_at: datetime

    @property
    def has_expired(self) -> bool:
        """Whether every server will refuse it."""
        return self.expires_at <= datetime.now(UTC)


def own_certificate(pki: Path, *, application_uri: str, name: str, days: int) -> ApplicationCertificate:
    """Return the certificate below ``pki/own``; make key and certificate if there are none.

    The application URI stands in the certificate (subjectAltName), because servers refuse a client whose URI differs.
    An expired one is kept: a new one has to be trusted by each server first, so a person decides when to remove the
    file. ConfigurationError if the files are damaged, do not belong together, or name another application.
    """
    folder = pki / "own"
    path, key_path = folder / "certificate.der", folder / "private_key.pem"
    try:
        _make_missing(path, key_path, application_uri=application_uri, name=name, days=days)
        return _read(path, key_path, application_uri)
    except OSError as error:
        raise ConfigurationError([f"{folder}: cannot be used: {error.strerror}; make it writable"]) from error


def _make_missing(path: Path, key_path: Path, *, application_uri: str, name: str, days: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not key_path.exists():
        if path.exists():
            raise ConfigurationError([f"{path}: its key {key_path.name} is gone; remove the certificate, too"])
        _write(key_path, dump_private_key_as_pem(generate_private_key()), mode=0o600)
    if path.exists():
        return
    host = socket.gethostname()
    certificate = generate_self_signed_app_certificate(
        load_pem_private_key(key_path.read_bytes(), password=None),  # type: ignore[arg-type]  # made as RSA above
        name,
        {"organizationName": _ORGANISATION},
        [x509.UniformResourceIdentifier(application_uri), _host_name(host)],
        # A server of ours (VisionSystem) shows the same certificate.
        [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH],
        days=days,
    )
    _write(path, certificate.public_bytes(Encoding.DER), mode=0o644)
    structlog.get_logger("connectors.opcua").info(
        "certificate_made", path=str(path), thumbprint=thumbprint(certificate), application_uri=application_uri
    )


def _host_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _write(path: Path, content: bytes, *, mode: int) -> None:
    """Write the file, whole or not at all, readable as ``mode`` says from its first byte on."""
    draft = path.with_name(f".{path.name}~")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _read(path: Path, key_path: Path, application_uri: str) -> ApplicationCertificate:
    try:
        certificate = x509.load_der_x509_certificate(path.read_bytes())
        key = load_pem_private_key(key_path.read_bytes(), password=None)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, TypeError, x509.ExtensionNotFound) as error:
        raise ConfigurationError([
            f"{path.parent}: certificate or key cannot be read ({error}); put back what was there, or remove both files"
        ]) from error  # fmt: skip
    if key.public_key() != certificate.public_key():
        raise ConfigurationError([f"{path}: does not belong to {key_path.name}; remove the one that is not yours"])
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    if application_uri not in uris:
        raise ConfigurationError([
            f"{path}: was made for {', '.join(uris) or 'no application'}, the settings say {application_uri}; "
            "set security.application_uri to the former, or remove the certificate and let the servers trust a new one"
        ])  # fmt: skip
    return ApplicationCertificate(
        path=path,
        key_path=key_path,
        application_uri=application_uri,
        thumbprint=thumbprint(certificate),
        expires_at=certificate.not_valid_after_utc,
    )
