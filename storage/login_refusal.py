"""When PostgreSQL lets nobody in, waiting helps nobody: how its words for that are known, and what to do about each.

libpq gives a failed connection no SQLSTATE, so the words are all there is (English, as servers speak unless
``lc_messages`` says otherwise; in another language a process waits for its patience and then ends with the same words).
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Engine

from wire.errors import ConfigurationError, DatabaseUnavailable

_REMEDIES: Final = (
    (r"password authentication failed|no password supplied", "check user and password in the database's URL"),
    (r"no pg_hba\.conf entry", "the server lets nobody in from here, or not so encrypted: pg_hba.conf, PGSSLMODE"),
    (r'FATAL: +role ".*" does not exist|is not permitted to log in', "make the user, or name another in the URL"),
    (r'FATAL: +database ".*" does not exist', "make the database, or name another in the URL"),
    (r"certificate verify failed|root certificate file|does not match host name", "check PGSSLROOTCERT and PGSSLMODE"),
    (r"server does not support SSL", "let the server speak TLS, or set PGSSLMODE=disable in a network you trust"),
)  # fmt: skip


@contextmanager
def login_refusals(engine: Engine) -> Iterator[None]:
    """Where a process begins: raise ConfigurationError in place of a DatabaseUnavailable that waiting does not heal."""
    try:
        yield
    except DatabaseUnavailable as error:
        remedy = remedy_for(str(error))
        if remedy is None:
            raise
        raise ConfigurationError([f"database: {engine.url!r}: {error}; {remedy}"]) from error


def remedy_for(message: str) -> str | None:
    """What to do if the message of a failed connection is a refusal that time does not heal; None if it is none."""
    return next((remedy for words, remedy in _REMEDIES if re.search(words, message)), None)
