import pytest

from storage.login_refusal import remedy_for

FAILED = 'OperationalError: connection failed: connection to server at "10.0.0.1", port 5432 failed: '


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        ('FATAL:  password authentication failed for user "lineside"', "user and password"),
        ("fe_sendauth: no password supplied", "user and password"),
        ('FATAL:  no pg_hba.conf entry for host "10.0.0.9", user "lineside", no encryption', "pg_hba.conf"),
        ('FATAL:  database "nowhere" does not exist', "make the database"),
        ('FATAL:  role "nobody" does not exist', "make the user"),
        ("SSL error: certificate verify failed", "PGSSLROOTCERT"),
        ('server certificate for "db2" does not match host name "db"', "PGSSLROOTCERT"),
        ("server does not support SSL, but SSL was required", "PGSSLMODE=disable"),
    ],
)
def test_a_refusal_that_time_does_not_heal_has_a_remedy(words: str, remedy: str) -> None:
    found = remedy_for(FAILED + words)
    assert found is not None
    assert remedy in found


@pytest.mark.parametrize(
    "words",
    [
        "Connection refused",
        "FATAL:  the database system is starting up",
        "FATAL:  sorry, too many clients already",
        "timeout expired",
    ],
)
def test_a_server_that_is_away_or_busy_is_waited_for(words: str) -> None:
    assert remedy_for(FAILED + words) is None
