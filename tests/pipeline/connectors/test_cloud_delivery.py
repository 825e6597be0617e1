"""Point clouds of a 3D sensor's PC, in every format, from its folder to the grid of the calibrated camera's picture."""

import io
from pathlib import Path

import cv2
import laspy
import numpy as np
import pytest
import yaml

from models.backbones.point_grid import cloud_depth_mm
from stream.steps.decode import decode_content
from tests.components.requirement import require
from tests.components.waiting import wait_until
from tests.pipeline.connectors.connector_process import LINE, CameraPc, ConnectorProcess
from tests.pipeline.connectors.published import Published
from wire import topics
from wire.frame import FrameKind, frame_from_event
from wire.kafka.embedded import EmbeddedBroker

SENSOR = f"{LINE}/sensor3d"
# 40 x 30 px of a camera with a focal length of 50 px, which looks at a surface between 400 and 500 mm away.
WIDTH, HEIGHT, FOCAL = 40, 30, 50.0

pytestmark = [pytest.mark.slow]


def surface() -> tuple[np.ndarray, np.ndarray]:
    """(depth (H, W) in mm, the points (N, 3) in m whose projection it is)."""
    row, column = np.mgrid[:HEIGHT, :WIDTH]
    depth = (400 + 2 * column + row).astype(np.float64)
    x, y = (column - WIDTH / 2) / FOCAL, (row - HEIGHT / 2) / FOCAL
    return depth, np.stack([x * depth, y * depth, depth], axis=2).reshape(-1, 3) / 1000


def as_files(points: np.ndarray, folder: Path) -> dict[str, bytes]:
    """What sensors' programs write, by writers that are not ours."""
    import open3d

    files = {}
    cloud = open3d.geometry.PointCloud(open3d.utility.Vector3dVector(points))
    for ending in ("ply", "pcd", "xyz"):
        path = folder / f"cloud.{ending}"
        assert open3d.io.write_point_cloud(str(path), cloud)
        files[ending] = path.read_bytes()
    for ending in ("las", "laz"):
        header = laspy.LasHeader(point_format=3, version="1.2")
        header.scales = np.full(3, 1e-6)
        data = laspy.LasData(header)
        data.x, data.y, data.z = points.T
        target = io.BytesIO()
        data.write(target, do_compress=ending == "laz")
        files[ending] = target.getvalue()
    return files


def test_clouds_of_every_format_come_from_a_folder_onto_the_picture(tmp_path: Path) -> None:
    require("open3d")
    depth, points = surface()
    files = as_files(points, tmp_path)
    calibration = tmp_path / "calibration.yaml"
    version = {
        "version": "1", "valid_from": "2026-01-01T00:00:00Z", "width": WIDTH, "height": HEIGHT,
        "fx_px": FOCAL, "fy_px": FOCAL, "cx_px": WIDTH / 2, "cy_px": HEIGHT / 2,
    }  # fmt: skip
    calibration.write_text(yaml.safe_dump({"versions": [version]}))
    pc = CameraPc(tmp_path / "delivered")
    source = {
        "source": SENSOR, "watch": str(pc.folder), "calibration": str(calibration), "attributes": {"pointscale": "1000"}
    }  # fmt: skip
    with (
        EmbeddedBroker(topics.with_dead_letters(), partitions=1) as broker,
        ConnectorProcess("camera", tmp_path, bootstrap=broker.bootstrap, sources=[source]) as connector,
    ):
        for number, (ending, data) in enumerate(files.items()):
            pc.deliver(number, data, ending=ending)
        wait_until(lambda: not pc.waiting(), 20, "the files to be removed")
        connector.stop()
        published = Published(broker.bootstrap)
        frames = [frame_from_event(event) for event in published.events(topics.FRAME_POINTCLOUD)]
        beat = published.last_heartbeat(SENSOR)
    assert [frame.payload for frame in frames] == list(files.values())  # as they came
    assert beat is not None
    assert str(beat.ledger.captured) == str(beat.ledger.published) == "0-4"
    for frame, ending in zip(frames, files, strict=True):
        assert (frame.kind, frame.modality) == (FrameKind.POINTCLOUD, "pointcloud")
        content = decode_content(
            frame.kind, frame.modality, frame.payload, content_type=frame.content_type, attributes=frame.attributes
        )
        assert content.cloud is not None, ending
        grid = cloud_depth_mm(content.cloud)
        assert grid.shape == (HEIGHT, WIDTH)
        # The nearest point wins a pixel and its neighbours fill what rounding leaves: a pixel to the side at most.
        near = cv2.erode(depth, np.ones((3, 3))), cv2.dilate(depth, np.ones((3, 3)))
        known = np.isfinite(grid)
        assert known.mean() > 0.95, ending
        assert (grid >= near[0] - 0.1)[known].all(), ending
        assert (grid <= near[1] + 0.1)[known].all(), ending
