"""A real PostgreSQL server with quick fresh databases."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Self

import psutil
import psycopg
from psycopg import sql

from tests.components.child_process import ChildProcess
from tests.components.ports import free_port
from tests.components.system_packages import postgres_binary
from tests.components.waiting import DeadlineExceeded, wait_until

START_DEADLINE_S = 60.0
STOP_DEADLINE_S = 20.0
SUPERUSER = "postgres"


class RealPostgres:
    """One PostgreSQL server on 127.0.0.1 and on a socket in its own folder.

    It keeps its port and data over `stop`, `kill` and `start`. Without `fsync` a test is fast, and commits survive a
    killed server all the same (the page cache is the system's); only a power cut would lose some.
    """

    def __init__(self, *, port: int | None = None, fsync: bool = False, max_connections: int = 100) -> None:
        self.port = port or free_port()
        self._fsync = fsync
        self._max_connections = max_connections
        # PostgreSQL refuses to run as root.
        self._user = SUPERUSER if os.geteuid() == 0 else None
        self.data_dir = Path(tempfile.mkdtemp(prefix="lineside-pg-"))
        if self._user is not None:
            shutil.chown(self.data_dir, self._user, self._user)
        self._process: ChildProcess | None = None
        self._databases = 0
        self._templates: dict[Callable[[str], None], str] = {}

    @property
    def admin_url(self) -> str:
        """SQLAlchemy's address of the maintenance database, as superuser."""
        return self.url("postgres")

    def url(self, database: str) -> str:
        """SQLAlchemy's address of one database."""
        return f"postgresql+psycopg://{SUPERUSER}@127.0.0.1:{self.port}/{database}"

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.is_alive

    def start(self, *, deadline_s: float = START_DEADLINE_S) -> Self:
        """Start the server and return when it answers a query."""
        if self.is_running:
            raise RuntimeError(f"PostgreSQL on port {self.port} runs already")
        if not (self._cluster / "PG_VERSION").exists():
            self._initialise()
        options = [part for key, value in self._settings().items() for part in ("-c", f"{key}={value}")]
        self._process = ChildProcess(
            [_binary("postgres"), "-D", self._cluster, *options],
            log_path=self.data_dir / "postgres.log",
            user=self._user,
            cwd=self.data_dir,
        )
        self._wait_for_answer(deadline_s)
        return self

    def stop(self) -> None:
        """Shut down at once but in order ("fast"): open transactions are rolled back, clients are disconnected."""
        if self._process is not None:
            self._process.stop(deadline_s=STOP_DEADLINE_S, with_signal=signal.SIGINT)

    def kill(self) -> None:
        """End the server and all its sessions with SIGKILL, as a crash would."""
        if self._process is not None and self._process.is_alive:
            family = self._family()
            for each in family:
                with contextlib.suppress(psutil.NoSuchProcess):
                    each.kill()
            self._process.kill()
            # The next server refuses the data folder while a session of this one still lives.
            psutil.wait_procs(family, timeout=STOP_DEADLINE_S)

    def pause(self) -> None:
        """Freeze the server (SIGSTOP) with all sessions that are open: nothing answers."""
        for each in self._family():
            each.suspend()

    def resume(self) -> None:
        """Let a frozen server go on."""
        for each in self._family():
            each.resume()

    def close(self) -> None:
        """Stop and remove all data."""
        self.stop()
        shutil.rmtree(self.data_dir, ignore_errors=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def fresh_database(self, *, prepare: Callable[[str], None] | None = None) -> str:
        """Make a new database and return its SQLAlchemy address.

        `prepare` (migrations, for example) is called once per server with the address of a template; later databases of
        the same `prepare` are copies of it, which takes a tenth of a second. It must close its connections.
        """
        if prepare is None:
            return self.url(self._create("template1"))
        template = self._templates.get(prepare)
        if template is None:
            template = self._create("template1")
            prepare(self.url(template))
            self._templates[prepare] = template
        return self.url(self._create(template))

    def drop_database(self, url: str) -> None:
        """Remove a database, disconnecting whoever uses it."""
        self._execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(url.rsplit("/", 1)[1])))

    def log_tail(self) -> str:
        return "" if self._process is None else self._process.log_tail()

    def _settings(self) -> dict[str, object]:
        # synchronous_commit stays on: a commit is then in the page cache, and a killed server keeps it.
        flags = ["fsync", "full_page_writes"] if not self._fsync else []
        return {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": self.data_dir,
            "max_connections": self._max_connections,
            # Tests that keep a transaction open by mistake end with an error that names it.
            "idle_in_transaction_session_timeout": "120s",
            **dict.fromkeys(flags, "off"),
        }

    def _create(self, template: str) -> str:
        self._databases += 1
        name = f"lineside_{self._databases}"
        self._execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
        return name

    def _execute(self, statement: sql.Composed) -> None:
        with psycopg.connect(self._conninfo, autocommit=True) as connection:
            connection.execute(statement)

    @property
    def _conninfo(self) -> str:
        return f"host=127.0.0.1 port={self.port} user={SUPERUSER} dbname=postgres connect_timeout=5"

    @property
    def _cluster(self) -> Path:
        return self.data_dir / "cluster"

    def _initialise(self) -> None:
        made = subprocess.run(
            [
                _binary("initdb"),
                "-D",
                self._cluster,
                "--username",
                SUPERUSER,
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                *([] if self._fsync else ["--no-sync"]),
            ],
            user=self._user,
            group=self._user,
            extra_groups=None if self._user is None else [],
            cwd=self.data_dir,
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode != 0:
            raise RuntimeError(f"initdb failed:\n{made.stdout}{made.stderr}")

    def _wait_for_answer(self, deadline_s: float) -> None:
        process = self._process
        if process is None:
            raise RuntimeError("PostgreSQL was never started")

        def answers() -> bool:
            process.ensure_alive()
            try:
                with psycopg.connect(self._conninfo) as connection:
                    return connection.execute("SELECT 1").fetchone() == (1,)
            except psycopg.OperationalError:
                return False

        try:
            wait_until(answers, deadline_s, f"an answer of PostgreSQL on port {self.port}")
        except DeadlineExceeded as late:
            late.add_note(process.log_tail())
            process.kill()
            raise

    def _family(self) -> list[psutil.Process]:
        """The server and its children: each child leads a group of its own, so a signal to the server's misses them."""
        if self._process is None:
            raise RuntimeError("PostgreSQL was never started")
        server = psutil.Process(self._process.pid)
        return [server, *server.children(recursive=True)]


def _binary(name: str) -> Path:
    found = postgres_binary(name)
    if found is None:
        raise RuntimeError(f"{name} is not installed: run `make system`")
    return found
