"""A spool on a full disk: never a crash, never a silent loss."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.components.waiting import wait_until
from tests.pipeline.connectors.connector_process import LINE, CameraPc, ConnectorProcess
from tests.pipeline.connectors.published import Published
from wire import topics
from wire.kafka.embedded import EmbeddedBroker

CAMERA = f"{LINE}/camera1"

pytestmark = [pytest.mark.slow, pytest.mark.fault]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"a small file system needs root: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker(topics.with_dead_letters(), partitions=1) as broker:
        yield broker


def connector(broker: EmbeddedBroker, camera_pc: CameraPc, disk: Path, folder: Path, policy: str) -> ConnectorProcess:
    return ConnectorProcess(
        "camera",
        folder,
        bootstrap=broker.bootstrap,
        spool={"directory": str(disk / "spool"), "policy": policy},
        sources=[{"source": CAMERA, "watch": str(camera_pc.folder)}],
    )


def test_every_frame_the_files_stay_and_arrive_once_the_broker_is_back(
    broker: EmbeddedBroker, small_disk: Path, tmp_path: Path
) -> None:
    camera_pc = CameraPc(tmp_path / "delivered")
    with connector(broker, camera_pc, small_disk, tmp_path, "every_frame") as process:
        broker.set_down()
        for number in range(150):
            camera_pc.deliver(number, bytes(20_000))  # 3 MB for a disk of 1 MiB
        wait_until(lambda: process.metric("connector_spool_full") == 1, 20, "the disk to be full")
        left = len([name for name in camera_pc.waiting() if name.endswith(".png")])
        assert left > 90  # nothing was let go that is not on the disk
        assert "No space left on device" in process.log.read_text()
        assert process.is_alive()
        broker.set_up()
        wait_until(lambda: not camera_pc.waiting(), 60, "the files to be removed")
        published = Published(broker.bootstrap)
        wait_until(lambda: set(published.sequences()) == set(range(150)), 30, "all frames", interval_s=0.5)
        wait_until(lambda: process.metric("connector_spool_full") == 0, 10, "the alarm to end")
        process.stop()
    last = published.last_heartbeat(CAMERA)
    assert last is not None
    assert str(last.ledger.published) == "0-149"
    assert not last.ledger.unbalanced()


def test_freshest_the_oldest_go_and_are_counted(broker: EmbeddedBroker, small_disk: Path, tmp_path: Path) -> None:
    camera_pc = CameraPc(tmp_path / "delivered")
    with connector(broker, camera_pc, small_disk, tmp_path, "freshest") as process:
        broker.set_down()
        camera_pc.deliver(0, b"image")
        wait_until(lambda: process.probe("/readyz")[0] == 503, 15, "the broker to be missed")  # from here on: the spool
        for number in range(1, 600):  # more than may be on their way at once, and 2.4 MB for a disk of 1 MiB
            camera_pc.deliver(number, bytes(4000))
        wait_until(lambda: not camera_pc.waiting(), 60, "the files to be let go")
        broker.set_up()
        published = Published(broker.bootstrap)
        wait_until(lambda: 599 in published.sequences(), 30, "the newest frame", interval_s=0.5)
        process.stop()
    last = published.last_heartbeat(CAMERA)
    assert last is not None
    assert str(last.ledger.captured) == "0-599"
    assert not last.ledger.unbalanced()
    dropped = last.ledger.dropped["spool_full"]
    assert len(dropped) > 0
    assert set(published.sequences()) == set(last.ledger.published) == set(range(600)) - set(dropped)
