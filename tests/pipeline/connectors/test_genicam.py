"""A real GigE Vision camera: formats, triggers, lost packets, a camera that is killed, cut off, frozen."""

import ctypes
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from connectors.captured import Captured
from connectors.errors import SourceUnavailable
from connectors.genicam.genicam_camera import GenicamCamera
from connectors.genicam.settings import GenicamSource
from connectors.metrics import ConnectorMetrics, new_registry
from connectors.source_ledger import SourceLedgers
from tests.components.genicam_camera import RealGenicamCamera, description_with
from tests.components.requirement import require
from tests.components.waiting import wait_until
from tests.pipeline.connectors.connector_process import LINE, ConnectorProcess
from tests.pipeline.connectors.edge_ledger import ledgers_of
from tests.pipeline.connectors.published import Published
from wire import topics
from wire.frame import Frame, frame_from_event
from wire.image_codec import decode_image
from wire.kafka.embedded import EmbeddedBroker
from wire.timestamps import ClockOrigin

CAMERA = f"{LINE}/camera1"
SMALL = {"width": 128, "height": 64}

pytestmark = [pytest.mark.slow]


@pytest.fixture(autouse=True)
def _aravis() -> None:
    require("aravis")


@pytest.fixture
def device() -> Iterator[RealGenicamCamera]:
    with RealGenicamCamera() as device:
        yield device


class Opened:
    """A camera of ours with what it books."""

    def __init__(self, device: RealGenicamCamera, **keys: Any) -> None:
        settings = {"source": CAMERA, "camera": device.address, "region": SMALL, "rate_fps": 40, **keys}
        self.ledgers = SourceLedgers()
        self.registry = new_registry()
        self.camera = GenicamCamera(
            GenicamSource.model_validate(settings),
            line=LINE,
            ledgers=self.ledgers,
            metrics=ConnectorMetrics(self.registry),
        )

    def __enter__(self) -> "Opened":
        return self

    def __exit__(self, *_: object) -> None:
        self.camera.close()

    def take(self, count: int, deadline_s: float = 20) -> list[Captured]:
        taken: list[Captured] = []

        def enough() -> bool:
            try:
                captured = self.camera.next(0.1)
            except SourceUnavailable:
                return False
            taken.extend([captured] if captured is not None else [])
            return len(taken) >= count

        wait_until(enough, deadline_s, f"{count} frames", interval_s=0.001)
        return taken

    def frames(self, count: int) -> list[Frame]:
        return [frame_from_event(one.event) for one in self.take(count)]

    def trouble(self, deadline_s: float = 15) -> str:
        """What it says once it is away."""
        said: list[str] = []

        def is_away() -> bool:
            try:
                self.camera.next(0.1)
            except SourceUnavailable as error:
                said.append(str(error))
            return bool(said)

        wait_until(is_away, deadline_s, "the source to notice")
        return said[0]

    def metric(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, {"source": CAMERA, **labels}) or 0.0


@pytest.mark.parametrize(
    ("pixel_format", "encoding", "content_type", "dtype"),
    [
        ("Mono8", "jpeg", "image/jpeg", np.uint8),
        ("Mono8", "png", "image/png", np.uint8),
        ("Mono16", "jpeg", "image/png", np.uint16),  # 16 bits stay 16 bits, whatever the policy
        ("RGB8", "png", "image/png", np.uint8),
        ("BayerRG8", "png", "image/png", np.uint8),
    ],
)
def test_each_pixel_format_becomes_an_image(
    device: RealGenicamCamera, pixel_format: str, encoding: str, content_type: str, dtype: type
) -> None:
    with Opened(device, pixel_format=pixel_format, encoding=encoding) as opened:
        (frame,) = opened.frames(1)
    image = decode_image(frame.payload)
    assert (frame.content_type, image.shape, image.dtype) == (content_type, (64, 128, 3), dtype)
    assert image.std() > 0
    assert frame.attributes.get("bitdepth") == ("16" if pixel_format == "Mono16" else None)
    assert (image[..., 0] == image[..., 1]).all() == pixel_format.startswith("Mono")


def test_the_region_exposure_and_gain_of_the_settings_reach_the_camera(device: RealGenicamCamera) -> None:
    keys = {"exposure_us": 20_000, "gain_db": 3, "packet_bytes": 1000, "features": {"TestBoolean": True}}
    keys["attributes"] = {"depthscale": "0.1"}
    region = {"x": 32, "y": 16, "width": 64, "height": 32}
    with Opened(device, region=region, modality="infrared", **keys) as opened:
        (frame,) = opened.frames(1)
        opened.take(45)
        # 64 x 32 bytes in packets of 1000 with headers of 36: three of them, leader and trailer
        per_frame = opened.metric("connector_camera_stream_total", count="received_packets")
    assert decode_image(frame.payload).shape == (32, 64, 3)
    assert (frame.modality, frame.attributes) == ("infrared", {"depthscale": "0.1"})
    assert per_frame >= 5 * 30


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"pixel_format": "Mono12"}, "pixel_format: the camera refuses 'Mono12': it offers BayerBG8, .*Mono16"),
        ({"region": {"x": 1000, "width": 2000, "height": 64}}, "region: the camera refuses .*width is between 1 and"),
        ({"exposure_us": 1e9}, "exposure_us: the camera refuses 1000000000.0: it takes 10 to 1e.07"),
        ({"features": {"NoSuch": 1}}, "features.NoSuch: the camera refuses 1: it has no such feature"),
        ({"trigger": "hardware", "trigger_source": "Line9", "rate_fps": None}, "'Line9': it offers Line0, Software"),
    ],
)
def test_what_the_camera_refuses_is_said_with_what_it_offers(
    device: RealGenicamCamera, keys: dict[str, Any], message: str
) -> None:
    with Opened(device, **keys) as opened, pytest.raises(SourceUnavailable, match=message) as refused:
        opened.camera.next(0.1)
    assert refused.value.retry_after_s == 10.0


def test_numbers_are_the_cameras_own_over_the_wrap_of_its_sixteen_bits(device: RealGenicamCamera) -> None:
    # The camera counts frames since its start, from 65401 on: 135 later it is at 1.
    with Opened(device, rate_fps=100) as opened:
        taken = opened.take(200)
    assert [one.origin.sequence for one in taken] == list(range(200))
    assert len({one.origin.session for one in taken}) == 1


def test_a_software_trigger_takes_pictures_at_the_set_rate(device: RealGenicamCamera) -> None:
    with Opened(device, trigger="software", rate_fps=10) as opened:
        frames = opened.frames(6)
    between_s = (frames[-1].captured_at - frames[0].captured_at).total_seconds()
    assert between_s == pytest.approx(0.5, abs=0.1)


def test_a_camera_that_waits_for_its_hardware_trigger_is_not_away(device: RealGenicamCamera) -> None:
    keys = {"trigger": "hardware", "trigger_source": "Line0", "rate_fps": None, "stale_after_s": 0.3}
    with Opened(device, **keys) as opened:
        assert [opened.camera.next(0.1) for _ in range(13)] == [None] * 13
        assert opened.metric("connector_camera_connected") == 1


def test_frames_are_stamped_by_the_host_where_the_camera_has_no_ptp(device: RealGenicamCamera) -> None:
    with Opened(device) as opened:
        assert {frame.clock for frame in opened.frames(3)} == {ClockOrigin.HOST}


@pytest.mark.parametrize(("status", "clock"), [("Slave", ClockOrigin.PTP), ("Listening", ClockOrigin.HOST)])
def test_a_camera_that_follows_a_ptp_master_stamps_its_frames(tmp_path: Path, status: str, clock: ClockOrigin) -> None:
    states = "".join(
        f'<EnumEntry Name="{name}"><Value>{at}</Value></EnumEntry>' for at, name in enumerate(("Listening", "Slave"))
    )
    description = description_with(
        '<Boolean Name="PtpEnable"><Value>0</Value></Boolean>',
        f'<Enumeration Name="PtpStatus">{states}<Value>{int(status == "Slave")}</Value></Enumeration>',
        folder=tmp_path,
    )
    with RealGenicamCamera(description=description) as device, Opened(device) as opened:
        assert {frame.clock for frame in opened.frames(3)} == {clock}


@pytest.fixture
def camera_without_network() -> Iterator[RealGenicamCamera]:
    """Aravis' camera inside the process: like one with USB3 Vision it knows no packets and no addresses."""
    library = ctypes.CDLL("libaravis-0.8.so.0")
    library.arv_enable_interface(b"Fake")
    camera = RealGenicamCamera()
    camera.address = "Fake_1"
    yield camera
    library.arv_disable_interface(b"Fake")


def test_a_camera_that_is_no_gige_camera_is_set_up_and_streams_without_packets(
    camera_without_network: RealGenicamCamera,
) -> None:
    keys = {"pixel_format": "Mono16", "exposure_us": 5000, "gain_db": 2, "packet_bytes": 1500, "encoding": "png"}
    with Opened(camera_without_network, **keys) as opened:
        taken = opened.take(45)
        packets = opened.metric("connector_camera_stream_total", count="received_packets")
    frames = [frame_from_event(one.event) for one in taken]
    assert [one.origin.sequence for one in taken] == list(range(45))
    assert decode_image(frames[0].payload).shape == (64, 128, 3)
    assert {frame.clock for frame in frames} == {ClockOrigin.HOST}
    assert packets == 0


def test_a_frame_whose_packets_did_not_all_come_is_booked_as_dropped(tmp_path: Path) -> None:
    # 6 in 1000 packets are lost, a frame of 256 x 256 has 47: a quarter of them is incomplete, some without a leader.
    region = {"width": 256, "height": 256}
    with RealGenicamCamera(lost_per_thousand=6) as device, Opened(device, region=region, packet_bytes=1500) as opened:
        taken = [one.origin.sequence for one in opened.take(150)]
        opened.camera.close()
        (session,) = opened.ledgers.snapshot()
        missing = opened.metric("connector_camera_stream_total", count="missing_packets")
        underruns = opened.metric("connector_camera_stream_total", count="underruns")
    dropped = set(session.ledger.dropped["incomplete"])
    assert len(dropped) > 0
    assert missing >= len(dropped)
    assert not dropped & set(taken)
    # Every loss has its number, but for frames that came while a busy machine had no buffer free: nobody saw those.
    unseen = set(range(max(taken) + 1)) - dropped - set(taken)
    assert len(unseen) <= underruns


def test_a_buffer_that_no_leader_has_come_for_yet_makes_no_hole_and_no_new_session() -> None:
    # One packet in four is lost, a frame has eight: of a dozen new buffers some get no leader, and bear no number.
    with RealGenicamCamera(lost_per_thousand=250) as device, Opened(device, packet_bytes=1500) as opened:
        opened.take(8)
        opened.camera.close()
        (session,) = opened.ledgers.snapshot()
        missing = opened.metric("connector_camera_stream_total", count="missing_packets")
    assert 0 < len(session.ledger.dropped["incomplete"]) <= missing


@pytest.mark.fault
def test_a_camera_that_is_killed_and_then_cut_off_costs_no_frame_that_it_had_sent(
    device: RealGenicamCamera, tmp_path: Path
) -> None:
    source = {"source": CAMERA, "camera": device.address, "region": SMALL, "rate_fps": 40, "stale_after_s": 1.0}
    with (
        EmbeddedBroker(topics.with_dead_letters(), partitions=1) as broker,
        ConnectorProcess("camera", tmp_path, bootstrap=broker.bootstrap, sources=[source]) as connector,
    ):
        published = Published(broker.bootstrap)

        def told() -> tuple[int, str]:
            return connector.probe("/readyz") or (0, "")

        def brings_frames() -> bool:
            there = len(published.sequences())
            wait_until(lambda: len(published.sequences()) >= there + 5, 30, lambda: connector.log_tail())
            return told() == (200, "ok")

        assert brings_frames()
        device.kill()
        wait_until(lambda: told()[0] == 503 and "127.0.0.1" in told()[1], 15, "the connector to notice")
        assert connector.metric("connector_camera_connected") == 0
        device.start()
        assert brings_frames()
        device.freeze()  # nothing answers and nothing is refused, as without a cable
        wait_until(lambda: told()[0] == 503, 15, "the connector to notice")
        device.thaw()
        assert brings_frames()
        connector.stop()
        sessions = ledgers_of(published, CAMERA)
    assert len(sessions) >= 3  # each life of the camera's counter is one
    for ledger in sessions.values():
        # A frame that the camera was in the midst of sending is incomplete; the ledger has its number.
        accounted = ledger.published.union(*ledger.dropped.values())
        assert accounted == set(range(len(accounted)))
        assert set(ledger.dropped) <= {"incomplete"}


@pytest.mark.fault
def test_a_camera_that_answers_and_sends_nothing_is_named_frozen(device: RealGenicamCamera) -> None:
    # Triggered by a line that never rises, although it should run freely: it answers, and there are no frames.
    keys = {
        "features": {"TriggerSelector": "FrameStart", "TriggerMode": "On", "TriggerSource": "Line0"},
        "stale_after_s": 0.5,
    }
    with Opened(device, **keys) as opened:
        assert "answers, but has sent no frame for" in opened.trouble()


def test_pictures_outlive_their_buffers(device: RealGenicamCamera) -> None:
    with Opened(device, encoding="png", buffers=3) as opened:
        frames = opened.frames(12)
    assert len({frame.payload for frame in frames}) == 12  # the test picture moves
    assert all(struct.unpack(">II", frame.payload[16:24]) == (128, 64) for frame in frames)
