"""Which servers are believed: certificates in a folder, put there by a person."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import Encoding

_SUFFIXES: Final = (".der", ".pem", ".crt", ".cer")
# A server that makes a new certificate at each start, or somebody who scans: the newest are what a person looks at.
_REJECTED_KEPT: Final = 100


class Untrusted(Exception):
    """The server's certificate is not believed; the message says why and what to do."""


def thumbprint(certificate: x509.Certificate) -> str:
    """SHA-1 of the certificate in upper-case hex, as OPC UA servers show it (Part 6, 6.2.2); a name, no security."""
    return certificate.fingerprint(SHA1()).hex().upper()


@dataclass(frozen=True, kw_only=True)
class RejectedCertificate:
    """A certificate that waits for a decision."""

    path: Path
    thumbprint: str
    subject: str
    expires_at: datetime


class TrustStore:
    """The folders ``trusted`` (servers, or authorities that sign them), ``rejected`` and ``crl`` below ``pki``.

    Read anew at each check, so that a decision needs no restart.
    """

    def __init__(self, pki: Path) -> None:
        self._trusted = pki / "trusted"
        self._rejected = pki / "rejected"
        self._revocations = pki / "crl"

    def check(self, certificate: x509.Certificate, *, application_uri: str | None) -> None:
        """Untrusted unless the certificate is valid now, trusted, not revoked, and of that application.

        One that nobody decided about is put into ``rejected``.
        """
        now = datetime.now(UTC)
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            raise Untrusted(
                f"the server's certificate is valid from {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} to "
                f"{certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC and it is {now:%Y-%m-%d %H:%M}; renew it on the "
                "server, or set the clocks"
            )
        if self._is_revoked(certificate):
            raise Untrusted(f"the server's certificate {thumbprint(certificate)} is revoked by a list in crl/")
        if not self._is_trusted(certificate):
            self._reject(certificate)
            raise Untrusted(
                f"the server's certificate {thumbprint(certificate)} ({certificate.subject.rfc4514_string()}) is not "
                "trusted; compare the thumbprint with the server's own display, then: "
                f"python -m connectors opcua trust --config FILE {thumbprint(certificate)[:8]}"
            )
        uris = _uris(certificate)
        if application_uri is not None and application_uri not in uris:
            raise Untrusted(
                f"the server calls itself {application_uri}, its certificate {', '.join(uris) or 'nothing'}; "
                "make a new certificate on the server"
            )

    def rejected(self) -> Sequence[RejectedCertificate]:
        """Certificates that wait for a decision, newest first."""
        return [
            RejectedCertificate(
                path=path,
                thumbprint=thumbprint(certificate),
                subject=certificate.subject.rfc4514_string(),
                expires_at=certificate.not_valid_after_utc,
            )
            for path, certificate in sorted(
                _certificates(self._rejected), key=lambda one: one[0].stat().st_mtime, reverse=True
            )
        ]

    def trust(self, beginning: str) -> RejectedCertificate:
        """Believe the one rejected certificate whose thumbprint begins so. LookupError if there is none, or several."""
        wanted = beginning.replace(":", "").replace(" ", "").upper()
        found = [one for one in self.rejected() if wanted and one.thumbprint.startswith(wanted)]
        if len(found) != 1:
            raise LookupError(f"{len(found)} rejected certificates begin with {beginning!r}")
        self._trusted.mkdir(parents=True, exist_ok=True)
        found[0].path.replace(self._trusted / found[0].path.name)
        return found[0]

    def _is_trusted(self, certificate: x509.Certificate) -> bool:
        return any(one == certificate or _has_signed(one, certificate) for _, one in _certificates(self._trusted))

    def _is_revoked(self, certificate: x509.Certificate) -> bool:
        return any(
            one.issuer == certificate.issuer
            and one.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None
            for one in _revocation_lists(self._revocations)
        )

    def _reject(self, certificate: x509.Certificate) -> None:
        self._rejected.mkdir(parents=True, exist_ok=True)
        path = self._rejected / f"{thumbprint(certificate)}.der"
        path.write_bytes(certificate.public_bytes(Encoding.DER))
        for old in self.rejected()[_REJECTED_KEPT:]:
            old.path.unlink(missing_ok=True)


def _has_signed(authority: x509.Certificate, certificate: x509.Certificate) -> bool:
    """Whether a certificate that may sign others, and is valid now, signed this one."""
    if authority.subject != certificate.issuer or authority.not_valid_after_utc < datetime.now(UTC):
        return False
    try:
        if not authority.extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
            return False
        certificate.verify_directly_issued_by(authority)
    except (x509.ExtensionNotFound, InvalidSignature, ValueError, TypeError):
        return False
    return True


def _uris(certificate: x509.Certificate) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return names.get_values_for_type(x509.UniformResourceIdentifier)


def _certificates(folder: Path) -> Iterator[tuple[Path, x509.Certificate]]:
    """Every certificate in a folder; a file that is none is passed over, since people drop all sorts of files there."""
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.suffix.lower() not in _SUFFIXES:
            continue
        content = path.read_bytes()
        try:
            yield path, load_certificate(content)
        except ValueError:
            continue


def load_certificate(content: bytes) -> x509.Certificate:
    """Read DER or PEM. ValueError if it is neither."""
    if content.lstrip().startswith(b"-----BEGIN"):
        return x509.load_pem_x509_certificate(content)
    return x509.load_der_x509_certificate(content)


def _revocation_lists(folder: Path) -> Iterator[x509.CertificateRevocationList]:
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        content = path.read_bytes()
        try:
            if content.lstrip().startswith(b"-----BEGIN"):
                yield x509.load_pem_x509_crl(content)
            else:
                yield x509.load_der_x509_crl(content)
        except ValueError:
            continue
