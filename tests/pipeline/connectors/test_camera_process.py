"""The camera connector as a process: killed, stopped, without a broker, with rubbish in its folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.components.kafka import RealKafka
from tests.components.waiting import wait_until
from tests.pipeline.connectors.connector_process import LINE, CameraPc, ConnectorProcess
from tests.pipeline.connectors.edge_ledger import ledgers_of
from tests.pipeline.connectors.published import Published
from wire import topics
from wire.frame import frame_from_event
from wire.kafka.embedded import EmbeddedBroker
from wire.sequence_set import SequenceSet

CAMERA = f"{LINE}/camera1"

pytestmark = [pytest.mark.slow]


@pytest.fixture
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker(topics.with_dead_letters(), partitions=1) as broker:
        yield broker


@pytest.fixture
def camera_pc(tmp_path: Path) -> CameraPc:
    return CameraPc(tmp_path / "delivered")


@pytest.fixture
def connector(broker: EmbeddedBroker, camera_pc: CameraPc, tmp_path: Path) -> Iterator[ConnectorProcess]:
    sources = [{"source": CAMERA, "watch": str(camera_pc.folder)}]
    process = ConnectorProcess("camera", tmp_path, bootstrap=broker.bootstrap, sources=sources)
    yield process
    process.kill()


def test_delivered_files_arrive_with_everything_their_sidecar_says(
    broker: EmbeddedBroker, camera_pc: CameraPc, connector: ConnectorProcess
) -> None:
    camera_pc.deliver(
        0,
        b"not even an image",
        part_id="P-17",
        trigger_session="t-1",
        triggered_at="2026-03-04T05:00:00.5Z",
        simulated=True,
        modality="depth",
        attributes={"depthscale": "0.1"},
    )
    with connector:
        wait_until(lambda: not camera_pc.waiting(), 10, "the files to be removed")
    (event,) = Published(broker.bootstrap).events(topics.FRAME_IMAGE)
    frame = frame_from_event(event)
    assert frame.payload == b"not even an image"  # passed through as it came
    assert (frame.modality, frame.content_type, frame.attributes) == ("depth", "image/png", {"depthscale": "0.1"})
    assert (frame.part.part_id, frame.part.trigger_session, frame.part.simulated) == ("P-17", "t-1", True)
    assert frame.origin.source == CAMERA
    assert frame.captured_at.isoformat() == "2026-03-04T05:00:00+00:00"


def test_sigterm_ends_the_process_in_time_with_a_last_heartbeat_that_adds_up(
    broker: EmbeddedBroker, camera_pc: CameraPc, connector: ConnectorProcess
) -> None:
    for number in range(20):
        camera_pc.deliver(number, b"image")
    with connector:
        wait_until(lambda: not camera_pc.waiting(), 10, "the files to be removed")
        connector.stop(deadline_s=5.0)
        assert "stopped" in connector.log.read_text()
    events = Published(broker.bootstrap).events()
    assert events[-1].type == topics.HEARTBEAT
    last = Published(broker.bootstrap).last_heartbeat(CAMERA)
    assert last is not None
    assert last.closed
    assert str(last.ledger.captured) == str(last.ledger.published) == "0-19"
    assert not last.ledger.unbalanced()


def test_a_heartbeat_lies_behind_every_frame_it_calls_published(
    broker: EmbeddedBroker, camera_pc: CameraPc, tmp_path: Path
) -> None:
    sources = [{"source": CAMERA, "watch": str(camera_pc.folder)}]
    process = ConnectorProcess("camera", tmp_path, bootstrap=broker.bootstrap, sources=sources, heartbeat_s=0.01)
    with process as connector:
        for number in range(300):
            camera_pc.deliver(number, b"image" * 20)
        wait_until(lambda: not camera_pc.waiting(), 20, "the files to be removed")
        connector.stop()
    before: set[int] = set()
    beats = 0
    for event, beat in _with_heartbeats(broker):
        if beat is None:
            before.add(int(event.extensions["sequence"]))
        else:
            beats += 1
            assert set(beat.ledger.published) <= before
    assert beats >= 2


def _with_heartbeats(broker: EmbeddedBroker):
    published = Published(broker.bootstrap)
    beats = iter(published.heartbeats())
    for event in published.events():
        yield event, next(beats) if event.type == topics.HEARTBEAT else None


@pytest.mark.fault
def test_a_killed_connector_loses_no_file_and_repeats_under_the_same_event_ids(
    broker: EmbeddedBroker, camera_pc: CameraPc, connector: ConnectorProcess
) -> None:
    for number in range(600):
        camera_pc.deliver(number, bytes([number % 256]) * 1000)
    published = Published(broker.bootstrap)
    for kills in range(3):
        connector.start()
        wait_until(
            lambda kills=kills: 600 - len(camera_pc.waiting()) // 2 > 60 * (kills + 1),
            20,
            "some frames",
            interval_s=0.005,
        )
        connector.kill()
        there = set(published.sequences())
        left = {int(name[6:12]) for name in camera_pc.waiting() if name.endswith(".json") and name[0] != "."}
        assert set(range(600)) - left <= there  # removed only what had arrived
    connector.start()
    wait_until(lambda: not camera_pc.waiting(), 30, "the files to be removed")
    connector.stop()
    events = published.events(topics.FRAME_IMAGE)
    by_sequence = {int(event.extensions["sequence"]): event.id for event in events}
    assert sorted(by_sequence) == list(range(600))
    assert len({event.id for event in events}) == 600
    ledger = published.merged(CAMERA, "cam-1")
    assert str(ledger.published.union(SequenceSet(by_sequence))) == "0-599"
    assert ledger.published == ledger.captured  # nothing is called captured and then forgotten


@pytest.mark.fault
def test_a_broker_that_is_away_costs_nothing_and_the_order_is_kept(
    broker: EmbeddedBroker, camera_pc: CameraPc, connector: ConnectorProcess
) -> None:
    with connector:
        camera_pc.deliver(0, b"image")
        wait_until(lambda: not camera_pc.waiting(), 10, "the first file to be removed")
        broker.set_down()
        for number in range(1, 200):
            camera_pc.deliver(number, b"image" * 100)
        wait_until(lambda: not camera_pc.waiting(), 15, "the files to be removed: they are in the spool")
        assert connector.metric("connector_spool_bytes") > 199 * 500
        assert connector.probe("/readyz")[0] == 503
        connector.kill()  # what is synced survives
        for number in range(200, 250):
            camera_pc.deliver(number, b"image" * 100)
        connector.start()
        broker.set_up()
        published = Published(broker.bootstrap)
        wait_until(lambda: not camera_pc.waiting(), 30, "the files to be removed")
        wait_until(
            lambda: set(published.sequences()) == set(range(250)), 30, "everything to be published", interval_s=0.5
        )
        wait_until(lambda: connector.metric("connector_spool_bytes") == 0, 10, "the spool to be empty")
        wait_until(lambda: connector.probe("/readyz") == (200, "ok"), 10, "readiness")
    first_seen = list(dict.fromkeys(published.sequences()))
    assert first_seen == list(range(250))


def test_what_cannot_be_an_event_is_put_aside_and_counted(
    broker: EmbeddedBroker, camera_pc: CameraPc, connector: ConnectorProcess
) -> None:
    camera_pc.deliver(0, b"lonely", sidecar=False)
    camera_pc.deliver(1, b"image", sequence=-1)  # an unusable number
    camera_pc.deliver(2, b"image", image="../etc/passwd.png")
    camera_pc.deliver(3, b"good")
    camera_pc.deliver(4, b"gone")
    (camera_pc.folder / "cam-1-000004.png").unlink()
    rejected = camera_pc.folder / "rejected"
    with connector:
        wait_until(lambda: not camera_pc.waiting(), 20, lambda: f"an empty folder, there is {camera_pc.waiting()}")
        assert connector.metric("connector_frames_total") >= 5
        connector.stop()
    assert sorted(path.name for path in rejected.iterdir()) == [
        "cam-1-000000.png",
        "cam-1-000001.json",
        "cam-1-000001.png",
        "cam-1-000002.json",
        "cam-1-000002.png",
        "cam-1-000004.json",
    ]
    published = Published(broker.bootstrap)
    assert published.sequences() == [3]
    last = published.last_heartbeat(CAMERA)
    assert str(last.ledger.captured) == "3-4"
    assert {reason.value: str(numbers) for reason, numbers in last.ledger.dropped.items()} == {"incomplete": "4"}


def test_large_images_go_through_the_object_store(
    broker: EmbeddedBroker, camera_pc: CameraPc, connector: ConnectorProcess
) -> None:
    image = bytes(range(256)) * 4000
    camera_pc.deliver(0, image)
    with connector:
        wait_until(lambda: not camera_pc.waiting(), 10, "the files to be removed")
    (event,) = Published(broker.bootstrap).events(topics.FRAME_IMAGE)
    assert event.data == b""
    claim = frame_from_event(event).claim
    assert (connector.objects / claim.ref).read_bytes() == image


@pytest.mark.fault
def test_a_real_broker_that_is_stopped_and_started_costs_nothing(
    own_kafka: RealKafka, camera_pc: CameraPc, tmp_path: Path
) -> None:
    own_kafka.create_topic(topics.FRAMES, partitions=3)
    sources = [{"source": CAMERA, "watch": str(camera_pc.folder)}]
    published = Published(own_kafka.bootstrap)
    # However long Kafka takes to start on a busy machine: one order.
    keys = {"sources": sources, "spool": {"new_first_after_s": 600.0}}
    with ConnectorProcess("camera", tmp_path, bootstrap=own_kafka.bootstrap, **keys) as connector:
        for number in range(50):
            camera_pc.deliver(number, b"image" * 1000)
        wait_until(lambda: not camera_pc.waiting(), 20, "the first files to be removed")
        own_kafka.stop()
        for number in range(50, 100):
            camera_pc.deliver(number, b"image" * 1000)
        wait_until(lambda: not camera_pc.waiting(), 20, "the files to be removed: they are in the spool")
        own_kafka.start()
        for number in range(100, 120):
            camera_pc.deliver(number, b"image" * 1000)
        wait_until(lambda: not camera_pc.waiting(), 40, "the files to be removed")
        wait_until(lambda: connector.metric("connector_spool_bytes") == 0, 40, "the spool to be empty")
        connector.stop()
    first_seen = list(dict.fromkeys(published.sequences()))
    assert first_seen == list(range(120))
    last = published.last_heartbeat(CAMERA)
    assert last is not None
    assert str(last.ledger.published) == "0-119"


@pytest.mark.fault
def test_a_topic_that_takes_less_than_it_should_gets_claims_and_stops_nothing(
    own_kafka: RealKafka, camera_pc: CameraPc, tmp_path: Path
) -> None:
    own_kafka.create_topic(topics.FRAMES, max_message_bytes="200000")
    sources = [{"source": CAMERA, "watch": str(camera_pc.folder)}]
    published = Published(own_kafka.bootstrap)
    with ConnectorProcess("camera", tmp_path, bootstrap=own_kafka.bootstrap, sources=sources) as connector:
        for number, size in enumerate((1000, 300_000, 1000)):
            camera_pc.deliver(number, bytes(size))
        wait_until(lambda: set(published.sequences()) == {0, 1, 2}, 30, lambda: connector.log_tail())
        connector.stop()
    (ledger,) = ledgers_of(published, CAMERA).values()
    assert (ledger.published, ledger.dropped) == ({0, 1, 2}, {})
    claims = {
        frame.origin.sequence: frame.claim for frame in map(frame_from_event, published.events(topics.FRAME_IMAGE))
    }
    assert claims[0] is None
    assert claims[1] is not None
    assert (connector.objects / claims[1].ref).read_bytes() == bytes(300_000)


@pytest.mark.fault
def test_a_connector_that_is_killed_while_it_spools_loses_nothing_that_it_let_go(
    broker: EmbeddedBroker, camera_pc: CameraPc, connector: ConnectorProcess
) -> None:
    broker.set_down()
    for kills in range(3):
        for number in range(100 * kills, 100 * kills + 100):
            camera_pc.deliver(number, bytes([number % 256]) * 2000)
        there = len(camera_pc.waiting())
        connector.start()
        wait_until(
            lambda there=there: len(camera_pc.waiting()) < there - 20,
            20,
            "some frames to be let go, which only the spool can have",
            interval_s=0.005,
        )
        connector.kill()
    broker.set_up()
    connector.start()
    published = Published(broker.bootstrap)
    wait_until(lambda: set(published.sequences()) == set(range(300)), 40, "all frames", interval_s=0.5)
    wait_until(lambda: connector.metric("connector_spool_bytes") == 0, 20, "the spool to be empty")
    connector.stop()
    last = published.last_heartbeat(CAMERA)
    assert last is not None
    assert not last.ledger.unbalanced()
    assert set(published.merged(CAMERA, "cam-1").published) == set(range(300))
