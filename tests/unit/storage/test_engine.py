import pytest

from storage.engine import parse_url
from wire.errors import ConfigurationError


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_spelling_of_postgresql_means_psycopg_3(scheme: str) -> None:
    assert parse_url(f"{scheme}://user@host/lineside").drivername == "postgresql+psycopg"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("lineside.db", "database: 'lineside.db' is not a URL; use sqlite:///FILE or postgresql://…"),
        ("mysql://host/lineside", "database: 'mysql' is not supported; use sqlite:///FILE or postgresql://…"),
        ("sqlite://", "database: SQLite needs a file that several processes can share: sqlite:///FILE"),
        ("sqlite:///:memory:", "database: SQLite needs a file that several processes can share: sqlite:///FILE"),
    ],
)
def test_other_addresses_are_refused_with_the_remedy(url: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_url(url)
    assert caught.value.problems == (message,)
