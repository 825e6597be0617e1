"""`lineside up` on streams without a plant: an RTSP camera that goes away for a while, and a video file."""

from pathlib import Path

import av
import numpy as np
import pytest

from storage.database import Database
from storage.ledger import LedgerStore
from tests.components.requirement import require
from tests.components.rtsp_server import RealRtspCamera
from tests.components.waiting import wait_until
from tests.system.running_up import START_DEADLINE_S, Up

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


def inspected(up: Up) -> int:
    """Frames that became parts and are stored, as the ledger has them."""
    database = Database(up.site.database)
    try:
        return LedgerStore(database).read().totals.used
    finally:
        database.close()


def check(up: Up) -> None:
    """Every captured frame was published and inspected, or waits where the site was ended in mid-stream."""
    total = up.summary["total"]
    assert total["captured"] == total["published"] == total["joined"] + total["waiting"] > 0, up.process.log_tail()
    assert total["stored"] == total["joined"]
    assert total["unaccounted"] == total["unbalanced"] == total["late"] == total["lost_in_broker"] == 0
    assert "The ledger adds up" in up.log()


def test_rtsp_camera_is_inspected_and_goes_on_after_it_was_away(tmp_path: Path) -> None:
    require("gstreamer")
    with RealRtspCamera() as camera:
        up = Up(tmp_path, "--source", camera.address, "--lines", "1", "--rate", "2")
        up.wait_until_log("Lineside is up", START_DEADLINE_S)
        wait_until(lambda: inspected(up) >= 5, 90, lambda: f"five parts\n{up.process.log_tail()}", interval_s=0.5)
        camera.kill()
        wait_until(lambda: "source_away" in up.child_log("connector-line1"), 60, "the connector to notice")
        before = inspected(up)
        camera.start()
        wait_until(
            lambda: inspected(up) >= before + 5, 90, lambda: f"five more\n{up.process.log_tail()}", interval_s=0.5
        )
        up.interrupt()
        up.wait_until_ended(60)
    check(up)


def test_video_is_inspected_again_and_again(tmp_path: Path) -> None:
    video = tmp_path / "belt.mp4"
    with av.open(str(video), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height = 160, 120
        for number in range(8):
            picture = np.full((120, 160, 3), 20 * number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    up = Up(tmp_path, "--source", video, "--lines", "1", "--rate", "4", "--duration", "8")
    up.wait_until_ended(START_DEADLINE_S + 100)
    check(up)
    assert up.summary["total"]["captured"] > 8  # it began anew
    assert up.summary["total"]["waiting"] == 0
