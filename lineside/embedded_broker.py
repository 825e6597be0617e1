"""The embedded broker as a process of its own."""

import json
import signal
import threading
from pathlib import Path

import structlog
from pydantic import BaseModel, ConfigDict, Field

from lineside.metrics.registry import new_registry
from lineside.plant.settings import Address
from wire import topics
from wire.kafka.embedded import EmbeddedBroker
from wire.telemetry import TelemetryServer


class BrokerSettings(BaseModel):
    """``address_file``: where it writes its bootstrap servers once it listens; its port is a free one each time."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    address_file: Path
    partitions: int = Field(default=4, ge=1)
    telemetry: Address


def run(settings: BrokerSettings) -> None:
    """Serve until SIGTERM or SIGINT."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    log = structlog.get_logger("broker")
    with EmbeddedBroker(topics.with_dead_letters(), settings.partitions) as broker:
        telemetry = TelemetryServer(new_registry(), host=settings.telemetry.host, port=settings.telemetry.port)
        draft = settings.address_file.with_name(f".{settings.address_file.name}~")
        draft.write_text(json.dumps({"bootstrap": broker.bootstrap}), encoding="utf-8")
        draft.replace(settings.address_file)
        log.info("broker listens", bootstrap=broker.bootstrap, partitions=settings.partitions)
        stop.wait()
        settings.address_file.unlink(missing_ok=True)
        telemetry.close()
    log.info("broker stopped")
