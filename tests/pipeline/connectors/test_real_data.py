"""Real records through the real edge: stereo pairs of a camera PC, and measured values of a plant over OPC UA."""

import csv
import hashlib
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest

from models.evaluate.sensors.bearing import read_records
from tests.components.kafka import RealKafka
from tests.components.waiting import wait_until
from tests.pipeline.connectors.connector_process import LINE, CameraPc, ConnectorProcess
from tests.pipeline.connectors.edge_ledger import ledgers_of
from tests.pipeline.connectors.plc_server import CONTEXT, PlcServer
from tests.pipeline.connectors.published import Published
from wire import topics
from wire.cloudevents import CloudEvent
from wire.frame import frame_from_event
from wire.kafka.embedded import EmbeddedBroker
from wire.part_context import context_from_event
from wire.sensor_window import SensorWindow

pytestmark = [pytest.mark.slow, pytest.mark.fault]

SOAK = bool(os.environ.get("LINESIDE_SOAK"))

Row = dict[str, float]


@pytest.fixture
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker(topics.with_dead_letters(), partitions=1) as broker:
        yield broker


def test_real_pairs_of_colour_and_disparity_arrive_bit_for_bit_and_belong_together(
    broker: EmbeddedBroker, data_dir: Path, tmp_path: Path
) -> None:
    """They are megabytes each: the object store holds them, Kafka what claims them."""
    folder = data_dir / "stereo_pothole_rgbd"
    names = sorted(path.name for path in (folder / "images").iterdir())[: 10 if SOAK else 2]
    kinds = {"rgb": "images", "depth": "depth"}
    pcs = {modality: CameraPc(tmp_path / modality) for modality in kinds}
    sources = [
        {"source": f"{LINE}/{modality}1", "watch": str(pc.folder), "modality": modality} for modality, pc in pcs.items()
    ]
    sent: dict[tuple[str, str], str] = {}
    connector = ConnectorProcess("camera", tmp_path, bootstrap=broker.bootstrap, embedded=True, sources=sources)
    with connector:
        for number, name in enumerate(names):
            for modality, pc in pcs.items():
                data = (folder / kinds[modality] / name).read_bytes()
                sent[modality, name] = hashlib.sha256(data).hexdigest()
                pc.deliver(number, data, part_id=name, trigger_session="t-1")
        wait_until(lambda: not any(pc.waiting() for pc in pcs.values()), 60, "the files to be removed")
        connector.stop()
    published = Published(broker.bootstrap)
    frames = [frame_from_event(event) for event in published.events(topics.FRAME_IMAGE)]
    found = {(frame.modality, frame.part.part_id or ""): frame.claim for frame in frames}
    assert {key: claim.sha256 for key, claim in found.items() if claim is not None} == sent
    files = [path for path in connector.objects.rglob("*") if path.is_file()]
    stored = {hashlib.sha256(path.read_bytes()).hexdigest(): path for path in files}
    disparity = cv2.imread(str(stored[sent["depth", names[0]]]), cv2.IMREAD_UNCHANGED)
    assert disparity.dtype == np.uint16
    np.testing.assert_array_equal(
        disparity, cv2.imread(str(folder / "depth" / names[0]), cv2.IMREAD_UNCHANGED), strict=True
    )
    for modality in kinds:
        beat = published.last_heartbeat(f"{LINE}/{modality}1")
        assert beat is not None
        assert str(beat.ledger.published) == str(beat.ledger.captured) == f"0-{len(names) - 1}"


def skab(folder: Path) -> Iterator[Row]:
    """A pump's test stand: four of its eight channels."""
    with (folder / "skab_sensors" / "anomaly-free" / "anomaly-free.csv").open() as file:
        for row in csv.DictReader(file, delimiter=";"):
            yield {
                "Temperature": float(row["Temperature"]),
                "Vibration": float(row["Accelerometer1RMS"]),
                "Pressure": float(row["Pressure"]),
                "Speed": float(row["Volume Flow RateRMS"]),
            }


def mfpt(folder: Path) -> Iterator[Row]:
    """A bearing with a damaged race, as a condition monitor tells it: the effective value of each 10 ms."""
    record = next(iter(read_records(folder / "mfpt_vibration")))
    block = round(record.rate_hz / 100)
    for start in range(0, len(record.values) - block, block):
        yield {"Vibration": float(np.sqrt(np.mean(np.square(record.values[start : start + block]))))}


@pytest.mark.parametrize("rows", [skab, mfpt])
def test_measured_values_reach_kafka_in_the_windows_of_their_parts(
    rows: Callable[[Path], Iterator[Row]], own_kafka: RealKafka, data_dir: Path, tmp_path: Path
) -> None:
    """A row every 50 ms of source time, a part every tenth; what the test wrote is the ledger of truth."""
    own_kafka.create_topic(topics.FRAMES, partitions=3)
    parts = 60 if SOAK else 6
    played = list(islice(rows(data_dir), 10 * parts + 5))
    truth: dict[str, list[tuple[datetime, float]]] = {tag: [] for tag in played[0]}
    triggers: list[datetime] = []
    with PlcServer() as plc:
        keys = plc.settings() | {
            "context": CONTEXT,
            "sensors": [{"name": tag, "node": f"line3/{tag}"} for tag in truth],
            "window": {"before_s": 0.42, "after_s": 0.12, "grace_s": 1.0},
        }
        with ConnectorProcess("opcua", tmp_path, bootstrap=own_kafka.bootstrap, **keys) as connector:
            wait_until(lambda: connector.probe("/readyz") == (200, "ok"), 30, "the connector to be ready")
            begun = datetime.now(UTC)
            for number, row in enumerate(played):
                at = begun + timedelta(milliseconds=50 * number)
                plc.write(at, **row)
                for tag, value in row.items():
                    if not truth[tag] or truth[tag][-1][1] != value:  # what does not change is not told again
                        truth[tag].append((at, value))
                if number % 10 == 9:
                    plc.counter += 1
                    triggers.append(at)
                    plc.write(at, TriggerSession="t-1", PartId=f"P-{plc.counter}", PartCounter=plc.counter)
            published = Published(own_kafka.bootstrap)
            wait_until(lambda: len(published.sequences(topics.FRAME_SENSOR)) == parts, 30, "every window")
            connector.stop()
    contexts = [context_from_event(event) for event in published.events(topics.PART_CONTEXT)]
    assert [(context.part.part_id, context.part.triggered_at) for context in contexts] == [
        (f"P-{number}", at) for number, at in enumerate(triggers, start=1)
    ]
    windows = {one.triggered_at: one for one in map(_window, published.events(topics.FRAME_SENSOR))}
    for source in (f"{LINE}/plc", f"{LINE}/plc/sensors"):
        (ledger,) = ledgers_of(published, source).values()
        assert (ledger.published, ledger.holes, ledger.dropped) == (set(range(parts)), set(), {})
    for at in triggers:
        for tag, told in truth.items():
            expected = [value for when, value in told if -0.42 <= (when - at).total_seconds() <= 0.12]
            assert list(windows[at].channel(tag).values) == expected, (at, tag)


def _window(event: CloudEvent) -> SensorWindow:
    return SensorWindow.from_json(frame_from_event(event).payload)
