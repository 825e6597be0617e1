"""An OPC UA source in a thread of the test, with everything it submitted."""

import threading

from connectors.captured import Captured
from connectors.errors import PublisherFull
from connectors.metrics import ConnectorMetrics, new_registry
from connectors.opcua.settings import OpcUaSettings
from connectors.opcua.source import OpcUaSource
from connectors.source_ledger import SourceLedgers
from tests.components.waiting import wait_until
from tests.pipeline.connectors.connector_process import LINE
from wire import topics


class RunningSource:
    """An OpcUaSource in a thread, with everything it submitted."""

    def __init__(self, keys: dict[str, object]) -> None:
        settings = OpcUaSettings.model_validate({
            "line": LINE,
            "broker": {"bootstrap": "127.0.0.1:1"},
            "objects": "file:///nowhere",
            "spool": {"directory": "/nowhere"},
            **keys,
        })  # fmt: skip
        self.ledgers = SourceLedgers()
        self.registry = new_registry()
        self.source = OpcUaSource(settings, ledgers=self.ledgers, metrics=ConnectorMetrics(self.registry))
        self.submitted: list[Captured] = []
        self.full = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self.source.run, args=(self._submit, self._stop), name="opcua-source")
        self._thread.start()

    def _submit(self, captured: Captured) -> None:
        if self.full:
            raise PublisherFull("full", retry_after_s=0.01)
        self.submitted.append(captured)

    def contexts(self) -> list[Captured]:
        return [one for one in self.submitted if one.event.type == topics.PART_CONTEXT]

    def windows(self) -> list[Captured]:
        return [one for one in self.submitted if one.event.type == topics.FRAME_SENSOR]

    def wait_subscribed(self) -> None:
        wait_until(lambda: self.source.trouble is None, 20, lambda: f"a subscription: {self.source.trouble}")

    def metric(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, {"source": self.source.name, **labels}) or 0.0

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(5)
        assert not self._thread.is_alive()
