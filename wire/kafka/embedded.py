"""The embedded broker: librdkafka's mock cluster, driven through ctypes in the library that confluent-kafka brings.

It keeps everything in memory: at most 5 MiB or 100 000 batches per partition, the oldest dropped without a word, and
nothing over a restart (CONVENTIONS §2.7). It knows no transactions, no topic administration, no compaction. Its C
header calls the interface experimental, so every call to it is in this file and the contract tests run on it.
"""

import ctypes
import time
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import confluent_kafka

from wire.errors import ConfigurationError, MustStop

# What the mock cluster keeps of one partition before it drops the oldest batch: a constant of librdkafka's source.
RETAINED_BYTES: Final = 5 * 1024 * 1024

_PRODUCER: Final = 0  # rd_kafka_type_t
_ALL_BROKERS: Final = -1
_ERRSTR_SIZE: Final = 512
# The cluster's thread overlooks a request that comes while it finishes the one before, until it looks again after a
# second; it finishes within microseconds.
_PAUSE_S: Final = 0.001


@cache
def _library() -> ctypes.CDLL:
    """Open the librdkafka that confluent-kafka itself uses, with the signatures of the calls made here."""
    package = Path(confluent_kafka.__file__).parent
    bundled = sorted((package.parent / "confluent_kafka.libs").glob("librdkafka-*.so*"))
    if not bundled:
        raise ConfigurationError(
            [f"broker: the embedded broker needs a confluent-kafka wheel that bundles librdkafka; {package} has none"]
        )
    library = ctypes.CDLL(str(bundled[0]))
    pointer, text, integer = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
    signatures: dict[str, tuple[Any, list[Any]]] = {
        "rd_kafka_conf_new": (pointer, []),
        "rd_kafka_conf_destroy": (None, [pointer]),
        "rd_kafka_conf_set": (integer, [pointer, text, text, text, ctypes.c_size_t]),
        "rd_kafka_new": (pointer, [integer, pointer, text, ctypes.c_size_t]),
        "rd_kafka_destroy": (None, [pointer]),
        "rd_kafka_mock_cluster_new": (pointer, [pointer, integer]),
        "rd_kafka_mock_cluster_destroy": (None, [pointer]),
        "rd_kafka_mock_cluster_bootstraps": (text, [pointer]),
        "rd_kafka_mock_topic_create": (integer, [pointer, text, integer, integer]),
        "rd_kafka_mock_group_initial_rebalance_delay_ms": (None, [pointer, ctypes.c_int32]),
        "rd_kafka_mock_push_request_errors_array": (
            None,
            [pointer, ctypes.c_int16, ctypes.c_size_t, ctypes.POINTER(integer)],
        ),
        "rd_kafka_mock_broker_set_down": (integer, [pointer, ctypes.c_int32]),
        "rd_kafka_mock_broker_set_up": (integer, [pointer, ctypes.c_int32]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


class EmbeddedBroker:
    """One broker on a free port of the loopback address, from construction until ``stop``.

    librdkafka's own thread serves it, so the process may do anything else, or nothing. Each of ``topics`` gets
    ``partitions``; a topic that is not named is made with 4 when a client first asks for it. Not thread-safe: one owner
    starts and stops it.
    """

    def __init__(self, topics: Iterable[str], partitions: int) -> None:
        if partitions < 1:
            raise ValueError(f"{partitions} partitions are too few for a topic")
        self._library = _library()
        self._client = self._start_client()
        self._cluster: int | None = self._library.rd_kafka_mock_cluster_new(self._client, 1)
        if not self._cluster:
            self._library.rd_kafka_destroy(self._client)
            raise MustStop("librdkafka could not start its mock cluster (no free port on 127.0.0.1?)")
        self.bootstrap: str = self._library.rd_kafka_mock_cluster_bootstraps(self._cluster).decode()
        # The default of 3 s protects large groups from one rebalance per member; here groups have one to a few.
        self._ask("rd_kafka_mock_group_initial_rebalance_delay_ms", 0)
        try:
            for topic in topics:
                self._ask("rd_kafka_mock_topic_create", topic.encode(), partitions, 1, what=topic)
        except ValueError:
            self.stop()
            raise

    def _start_client(self) -> int:
        error = ctypes.create_string_buffer(_ERRSTR_SIZE)
        configuration = self._library.rd_kafka_conf_new()
        # The client only owns the cluster and never connects; without this it warns about missing bootstrap servers.
        self._library.rd_kafka_conf_set(configuration, b"log_level", b"3", error, _ERRSTR_SIZE)
        client: int | None = self._library.rd_kafka_new(_PRODUCER, configuration, error, _ERRSTR_SIZE)
        if not client:
            self._library.rd_kafka_conf_destroy(configuration)
            raise MustStop(f"librdkafka could not start: {error.value.decode()}")
        return client

    def _ask(self, function: str, *arguments: object, what: str = "") -> None:
        """Call one of librdkafka's functions on the cluster; ValueError with its words if it refuses."""
        time.sleep(_PAUSE_S)
        code = getattr(self._library, function)(self._cluster, *arguments)
        if code:  # None: the function cannot fail
            raise ValueError(f"{what or function}: {confluent_kafka.KafkaError(code).str()}")

    def push_request_errors(self, api_key: int, errors: Sequence[int]) -> None:
        """Answer the next requests of a kind (``api_key`` of the Kafka protocol) with these error codes, one each."""
        codes = (ctypes.c_int * len(errors))(*errors)
        self._ask("rd_kafka_mock_push_request_errors_array", api_key, len(errors), codes)

    def set_down(self) -> None:
        """Cut every connection and refuse new ones; what is stored stays."""
        self._ask("rd_kafka_mock_broker_set_down", _ALL_BROKERS)

    def set_up(self) -> None:
        """Accept connections again."""
        self._ask("rd_kafka_mock_broker_set_up", _ALL_BROKERS)

    def stop(self) -> None:
        """Close every connection and forget every record. Calling it again does nothing."""
        if self._cluster is None:
            return
        self._ask("rd_kafka_mock_cluster_destroy")
        self._library.rd_kafka_destroy(self._client)
        self._cluster = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
