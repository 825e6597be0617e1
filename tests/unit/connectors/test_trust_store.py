"""Whose certificate is believed, and what is said of the others."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from connectors.opcua.trust_store import TrustStore, Untrusted, thumbprint
from tests.components.opcua_certificates import MadeCertificate, make_certificate

URI = "urn:plant:plc3"


def test_an_unknown_certificate_waits_in_rejected_until_a_person_trusts_it(tmp_path: Path) -> None:
    store, server = TrustStore(tmp_path), make_certificate("PLC 3", uri=URI).certificate
    with pytest.raises(Untrusted, match=rf"{thumbprint(server)}.*is not trusted.*opcua trust"):
        store.check(server, application_uri=URI)
    (waiting,) = store.rejected()
    assert (waiting.thumbprint, waiting.subject) == (thumbprint(server), "CN=PLC 3")
    assert store.trust(thumbprint(server)[:6].lower()).thumbprint == thumbprint(server)
    store.check(server, application_uri=URI)
    assert store.rejected() == []


def test_a_server_signed_by_a_trusted_authority_is_believed_and_one_by_another_is_not(tmp_path: Path) -> None:
    authority, stranger = make_certificate("Plant CA", ca=True), make_certificate("Plant CA", ca=True)
    authority.write(tmp_path / "trusted", "authority")
    store = TrustStore(tmp_path)
    store.check(make_certificate("PLC", uri=URI, issuer=authority).certificate, application_uri=URI)
    with pytest.raises(Untrusted, match="is not trusted"):
        store.check(make_certificate("PLC", uri=URI, issuer=stranger).certificate, application_uri=URI)


def test_a_trusted_server_is_no_authority(tmp_path: Path) -> None:
    server = make_certificate("PLC 3", uri=URI)
    server.write(tmp_path / "trusted", "plc3")
    with pytest.raises(Untrusted, match="is not trusted"):
        TrustStore(tmp_path).check(make_certificate("X", uri=URI, issuer=server).certificate, application_uri=URI)


@pytest.mark.parametrize(("begins_days", "ends_days"), [(-20, -10), (10, 20)])
def test_a_certificate_out_of_its_time_is_refused_even_if_trusted(
    tmp_path: Path, begins_days: int, ends_days: int
) -> None:
    server = make_certificate("PLC", uri=URI, begins=timedelta(days=begins_days), ends=timedelta(days=ends_days))
    server.write(tmp_path / "trusted", "plc")
    with pytest.raises(Untrusted, match=r"is valid from .* and it is"):
        TrustStore(tmp_path).check(server.certificate, application_uri=URI)


def test_a_certificate_of_another_application_is_refused(tmp_path: Path) -> None:
    server = make_certificate("PLC", uri="urn:plant:plc4")
    server.write(tmp_path / "trusted", "plc")
    with pytest.raises(Untrusted, match="calls itself urn:plant:plc3, its certificate urn:plant:plc4"):
        TrustStore(tmp_path).check(server.certificate, application_uri=URI)


def test_a_revoked_certificate_is_refused(tmp_path: Path) -> None:
    authority = make_certificate("Plant CA", ca=True)
    authority.write(tmp_path / "trusted", "authority")
    server = make_certificate("PLC", uri=URI, issuer=authority)
    (tmp_path / "crl").mkdir()
    (tmp_path / "crl" / "plant.crl").write_bytes(revocation(authority, server.certificate.serial_number))
    with pytest.raises(Untrusted, match="is revoked"):
        TrustStore(tmp_path).check(server.certificate, application_uri=URI)


def revocation(authority: MadeCertificate, serial_number: int) -> bytes:
    now = datetime.now(UTC)
    entry = x509.RevokedCertificateBuilder().serial_number(serial_number).revocation_date(now).build()
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.certificate.subject)
        .last_update(now)
        .next_update(now + timedelta(days=1))
        .add_revoked_certificate(entry)
    )
    return builder.sign(authority.key, SHA256()).public_bytes(Encoding.DER)


def test_what_is_no_certificate_in_the_folder_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "trusted").mkdir()
    (tmp_path / "trusted" / "notes.der").write_text("PLC 3: Tuesday")
    server = make_certificate("PLC", uri=URI)
    server.write(tmp_path / "trusted", "plc")
    TrustStore(tmp_path).check(server.certificate, application_uri=URI)


def test_a_thumbprint_that_fits_none_or_several_decides_nothing(tmp_path: Path) -> None:
    store = TrustStore(tmp_path)
    for name in ("A", "B"):
        with pytest.raises(Untrusted):
            store.check(make_certificate(name, uri=URI).certificate, application_uri=URI)
    with pytest.raises(LookupError, match="0 rejected certificates begin with ''"):
        store.trust("")
    with pytest.raises(LookupError, match="0 rejected certificates begin with 'XYZ'"):
        store.trust("XYZ")
    assert len(store.rejected()) == 2
