"""A real Apache Kafka: one node, KRaft, from Maven's jars.

As a program (`make kafka`) it runs one in the foreground and keeps its data.
"""

import argparse
import contextlib
import fcntl
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Self

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, NewTopic

from tests.components.child_process import ChildProcess
from tests.components.ports import free_port, is_listening
from tests.components.waiting import DeadlineExceeded, wait_until

VERSION = "4.1.0"
SCALA = "2.13"
CACHE = Path(os.environ.get("LINESIDE_CACHE", "~/.cache/lineside")).expanduser()

# One node answers in about five seconds alone on two cores; ten times that when a whole test run shares them.
START_DEADLINE_S = 60.0
STOP_DEADLINE_S = 20.0

POM = f"""<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>lineside</groupId>
  <artifactId>kafka-for-tests</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_{SCALA}</artifactId>
      <version>{VERSION}</version>
    </dependency>
  </dependencies>
</project>
"""


def kafka_jars() -> Path:
    """Return the folder of Kafka's jars, filled by Maven the first time (about 45 MB).

    Several test runs may ask at once: one fetches under a lock, into a folder that gets its final name when complete.
    """
    folder = CACHE / f"kafka-{VERSION}"
    if _is_complete(folder):
        return folder
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"kafka-{VERSION}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _is_complete(folder):
            return folder
        with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
            (Path(scratch) / "pom.xml").write_text(POM)
            fetched = subprocess.run(
                ["mvn", "-q", "-B", "dependency:copy-dependencies", f"-DoutputDirectory={scratch}/libs"],
                cwd=scratch,
                capture_output=True,
                text=True,
                check=False,
            )
            if fetched.returncode != 0:
                raise RuntimeError(f"Maven could not fetch Apache Kafka {VERSION}:\n{fetched.stdout}{fetched.stderr}")
            shutil.rmtree(folder, ignore_errors=True)
            (Path(scratch) / "libs").rename(folder)
    return folder


def _is_complete(folder: Path) -> bool:
    return (folder / f"kafka_{SCALA}-{VERSION}.jar").is_file()


class RealKafka:
    """One Kafka node as broker and controller, reachable on 127.0.0.1 only.

    It keeps its port and its data folder over `stop`, `kill` and `start`, as a broker that comes back does. Without a
    `data_dir` it makes one and removes it in `close`.
    """

    def __init__(
        self,
        *,
        port: int | None = None,
        data_dir: Path | None = None,
        default_partitions: int = 4,
        heap_mib: int = 512,
    ) -> None:
        self.port = port or free_port()
        self._controller_port = free_port()
        self._owns_data = data_dir is None
        self.data_dir = data_dir or Path(tempfile.mkdtemp(prefix="lineside-kafka-"))
        self._default_partitions = default_partitions
        self._heap_mib = heap_mib
        self._jars: Path | None = None
        self._process: ChildProcess | None = None

    @property
    def bootstrap(self) -> str:
        """The address for `bootstrap.servers`."""
        return f"127.0.0.1:{self.port}"

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.is_alive

    def start(self, *, deadline_s: float = START_DEADLINE_S) -> Self:
        """Start the node and return when it answers a metadata request."""
        if self.is_running:
            raise RuntimeError(f"Kafka on {self.bootstrap} runs already")
        if is_listening(self.port):
            raise RuntimeError(f"port {self.port} is taken by another process")
        self._jars = kafka_jars()
        properties = self._write_properties()
        if not (self.data_dir / "log" / "meta.properties").exists():
            self._format(properties)
        self._process = ChildProcess(
            [*self._java(), f"-Xmx{self._heap_mib}m", "kafka.Kafka", properties],
            log_path=self.data_dir / "kafka.log",
        )
        self._wait_for_metadata(deadline_s)
        return self

    def stop(self) -> None:
        """Shut down in order (SIGTERM)."""
        if self._process is not None:
            self._process.stop(deadline_s=STOP_DEADLINE_S)

    def kill(self) -> None:
        """End the node with SIGKILL: connections break, nothing is flushed by Kafka itself."""
        if self._process is not None:
            self._process.kill()

    def restart(self) -> None:
        """Stop in order and start again on the same port and data."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Freeze the node (SIGSTOP): connections stay open and nothing answers."""
        self._running().freeze()

    def resume(self) -> None:
        """Let a frozen node go on."""
        self._running().thaw()

    def close(self) -> None:
        """Stop, and remove the data folder if this object made it."""
        self.stop()
        if self._owns_data:
            shutil.rmtree(self.data_dir, ignore_errors=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def create_topic(self, name: str, *, partitions: int = 1, **config: str) -> None:
        """Create a topic and wait until it is there. Dots of configuration keys are written as underscores."""
        new = NewTopic(
            name,
            num_partitions=partitions,
            replication_factor=1,
            config={key.replace("_", "."): value for key, value in config.items()},
        )
        with self._admin() as admin:
            admin.create_topics([new])[name].result(timeout=30)
            wait_until(
                lambda: name in admin.list_topics(timeout=10).topics, 30, f"topic {name} in the metadata of Kafka"
            )

    def delete_topic(self, name: str) -> None:
        with self._admin() as admin:
            admin.delete_topics([name])[name].result(timeout=30)

    def topics(self) -> set[str]:
        """Return the names of all topics, without Kafka's own."""
        with self._admin() as admin:
            return {name for name in admin.list_topics(timeout=10).topics if not name.startswith("__")}

    def log_tail(self) -> str:
        return self._running().log_tail()

    def ensure_alive(self) -> None:
        """Raise with the log's tail if the node ended by itself."""
        self._running().ensure_alive()

    def _running(self) -> ChildProcess:
        if self._process is None:
            raise RuntimeError("Kafka was never started")
        return self._process

    @contextlib.contextmanager
    def _admin(self) -> Iterator[AdminClient]:
        # librdkafka complains about a broker that is not up yet; here that is expected, and the rest is raised.
        logger = logging.getLogger("tests.components.kafka.admin")
        logger.setLevel(logging.CRITICAL)
        yield AdminClient({"bootstrap.servers": self.bootstrap, "socket.timeout.ms": 10_000}, logger=logger)

    def _wait_for_metadata(self, deadline_s: float) -> None:
        process = self._running()

        def answers() -> bool:
            process.ensure_alive()
            if not is_listening(self.port):
                return False
            with self._admin() as admin, contextlib.suppress(KafkaException):
                return bool(admin.list_topics(timeout=5).brokers)
            return False

        try:
            wait_until(answers, deadline_s, f"metadata from Kafka on {self.bootstrap}", interval_s=0.2)
        except DeadlineExceeded as late:
            late.add_note(process.log_tail())
            process.kill()
            raise

    def _java(self) -> list[str]:
        return ["java", "-cp", f"{self._jars}/*"]

    def _format(self, properties: Path) -> None:
        cluster_id = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        formatted = subprocess.run(
            [*self._java(), "kafka.tools.StorageTool", "format", f"--cluster-id={cluster_id}", "-c", str(properties)],
            capture_output=True,
            text=True,
            check=False,
        )
        if formatted.returncode != 0:
            raise RuntimeError(f"formatting {self.data_dir} failed:\n{formatted.stdout}{formatted.stderr}")

    def _settings(self) -> dict[str, object]:
        controller = f"127.0.0.1:{self._controller_port}"
        return {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.voters": f"1@{controller}",
            "controller.listener.names": "CONTROLLER",
            "listeners": f"PLAINTEXT://{self.bootstrap},CONTROLLER://{controller}",
            "advertised.listeners": f"PLAINTEXT://{self.bootstrap}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "log.dirs": self.data_dir / "log",
            "num.partitions": self._default_partitions,
            "offsets.topic.replication.factor": 1,
            # Fifty by default, and a start after a kill recovers each of them.
            "offsets.topic.num.partitions": 4,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "transaction.state.log.num.partitions": 4,
            "share.coordinator.state.topic.replication.factor": 1,
            "share.coordinator.state.topic.min.isr": 1,
            "group.initial.rebalance.delay.ms": 0,
            # After a kill the node may register again only when its old session has run out (9 s by default).
            "broker.session.timeout.ms": 3000,
            "broker.heartbeat.interval.ms": 1000,
        }

    def _write_properties(self) -> Path:
        self.data_dir.mkdir(parents=True, exist_ok=True)
        settings = self._settings()
        path = self.data_dir / "server.properties"
        path.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
        return path


def main() -> int:
    """Run one node until Ctrl-C or SIGTERM."""
    parser = argparse.ArgumentParser(prog="make kafka", description="A single-node Apache Kafka in the foreground.")
    parser.add_argument("--port", type=int, default=9092)
    parser.add_argument("--data", type=Path, default=Path(".cache/kafka"), help="kept from one run to the next")
    parser.add_argument("--fetch", action="store_true", help="only fetch the jars")
    arguments = parser.parse_args()
    if arguments.fetch:
        sys.stdout.write(f"{kafka_jars()}\n")
        return 0

    ended = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        ended.set()

    signal.signal(signal.SIGINT, end)
    signal.signal(signal.SIGTERM, end)
    sys.stdout.write(f"Starting Apache Kafka {VERSION} (data: {arguments.data}) …\n")
    sys.stdout.flush()
    kafka = RealKafka(port=arguments.port, data_dir=arguments.data.resolve())
    try:
        kafka.start()
        sys.stdout.write(f"Kafka answers on {kafka.bootstrap}; Ctrl-C stops it.\n")
        sys.stdout.flush()
        while not ended.wait(1.0):
            kafka.ensure_alive()
    except RuntimeError as failure:
        sys.stderr.write(f"error: {failure}\n")
        return 1
    finally:
        kafka.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
