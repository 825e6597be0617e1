"""The client's own certificate: made once, then kept."""

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from connectors.opcua.application_certificate import ApplicationCertificate, own_certificate
from tests.components.opcua_certificates import make_certificate
from wire.errors import ConfigurationError

URI = "urn:lineside:connector:plant1.hall2.line3"


def own(pki: Path, uri: str = URI) -> ApplicationCertificate:
    return own_certificate(pki, application_uri=uri, name="Lineside connector", days=100)


def test_the_first_use_makes_a_certificate_with_the_application_uri_and_the_next_one_keeps_it(tmp_path: Path) -> None:
    made = own(tmp_path)
    certificate = x509.load_der_x509_certificate(made.path.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == [URI]
    assert abs(made.expires_at - datetime.now(UTC) - timedelta(days=100)) < timedelta(hours=1)
    assert stat.S_IMODE(made.key_path.stat().st_mode) == 0o600
    assert own(tmp_path) == made


def test_an_expired_certificate_is_kept_and_says_so(tmp_path: Path) -> None:
    expired = make_certificate("x", uri=URI, begins=timedelta(days=-9), ends=timedelta(days=-1))
    certificate, key = expired.write(tmp_path / "own", "certificate")
    key.rename(tmp_path / "own" / "private_key.pem")
    found = own(tmp_path)
    assert found.has_expired
    assert found.path == certificate


def test_a_certificate_made_for_another_application_is_no_silent_surprise(tmp_path: Path) -> None:
    own(tmp_path)
    with pytest.raises(ConfigurationError, match=f"was made for {URI}, the settings say urn:other"):
        own(tmp_path, "urn:other")


def test_a_removed_certificate_is_made_anew_with_the_old_key_and_a_removed_key_is_named(tmp_path: Path) -> None:
    first = own(tmp_path)
    key = first.key_path.read_bytes()
    first.path.unlink()
    second = own(tmp_path)
    assert second.key_path.read_bytes() == key
    assert second.thumbprint != first.thumbprint
    second.key_path.unlink()
    with pytest.raises(ConfigurationError, match=r"its key private_key\.pem is gone"):
        own(tmp_path)


def test_files_that_do_not_belong_together_or_are_damaged_are_named(tmp_path: Path) -> None:
    made = own(tmp_path)
    _, other_key = make_certificate("x").write(tmp_path, "other")
    made.key_path.write_bytes(other_key.read_bytes())
    with pytest.raises(ConfigurationError, match=r"does not belong to private_key\.pem"):
        own(tmp_path)
    made.path.write_bytes(b"no certificate")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        own(tmp_path)
