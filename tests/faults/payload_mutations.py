"""Payloads and configuration files that were damaged at random, each given to its reader, in a process of its own.

`python -m tests.faults.payload_mutations SEED COUNT` writes one JSON line: what became of them, and what must not be.
"""

import io
import json
import os
import resource
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

import cv2
import laspy
import numpy as np

from connectors import spool_record
from connectors.camera.settings import CameraSettings
from connectors.camera.sidecar import Sidecar
from connectors.genicam.pixel_format import FORMATS, to_image
from connectors.line.settings import LineSettings
from connectors.opcua.settings import OpcUaSettings
from connectors.replay.settings import ReplaySettings
from models.backbones.point_grid import cloud_depth_mm
from stream.steps.decode import decode_content
from tests.unit.stream.made_records import context_event, frame_event
from wire.cloudevents import from_kafka, to_kafka
from wire.errors import BadInput, ConfigurationError
from wire.frame import FrameKind, frame_from_event
from wire.image_codec import encode_jpeg, encode_png
from wire.part_context import context_from_event
from wire.settings_layers import load

CONNECTORS = Path(__file__).resolve().parents[2] / "connectors"
# Every reader is done within milliseconds; a machine that is busy with something else takes a hundred times as long.
PAYLOAD_LIMIT_S = 10
# A forged size must not be believed: the largest picture or cloud that is allowed takes a tenth of it.
MEMORY_LIMIT_BYTES = 8 * 1024**3
NUMBERS = (b"0", b"-1", b"1e309", b"nan", b"99999999999", b"2147483648", b"18446744073709551616", b"", b"1.5.2")
BYTES = (0x00, 0x01, 0x7F, 0x80, 0xFE, 0xFF)


class Hangs(Exception):
    """One payload took longer than any may."""


class Mutator:
    """Damages bytes as disks, networks and people do: bits, runs, cuts, repetitions, other numbers, parts of others."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def mutate(self, data: bytes, other: bytes) -> bytes:
        for _ in range(self._random.choice((1, 1, 1, 2, 4, 16))):
            data = self._once(data, other)
        return data

    def _once(self, data: bytes, other: bytes) -> bytes:
        random = self._random
        at = random.randrange(len(data) + 1)
        # Headers are short and decide the most.
        if random.random() < 0.5:
            at = random.randrange(min(len(data), 128) + 1)
        end = min(len(data), at + random.choice((1, 1, 2, 4, 8, 64, 4096)))
        match random.randrange(7):
            case 0:
                return data[:at] + bytes(byte ^ 1 << random.randrange(8) for byte in data[at : at + 1]) + data[at + 1 :]
            case 1:
                return data[:at] + bytes([random.choice(BYTES)]) * (end - at) + data[end:]
            case 2:
                return data[:at]
            case 3:
                return data[:at] + data[end:]
            case 4:
                return data[:end] + data[at:end] * random.choice((1, 3, 50)) + data[end:]
            case 5:
                return data[:at] + other[at : at + (end - at)] + data[end:]
            case _:
                return self._other_number(data, at)

    def _other_number(self, data: bytes, at: int) -> bytes:
        digits = [place for place in range(at, min(len(data), at + 400)) if chr(data[place]).isdigit()]
        if not digits:
            return data[:at] + self._random.choice(NUMBERS) + data[at:]
        end = digits[0]
        while end < len(data) and chr(data[end]).isdigit():
            end += 1
        return data[: digits[0]] + self._random.choice(NUMBERS) + data[end:]


Reader = Callable[[bytes, Random], object]


def image(data: bytes, random: Random) -> object:
    return decode_content(
        FrameKind.IMAGE, random.choice(("rgb", "depth")), data, content_type="image/png", attributes={"depthscale": "1"}
    )


def cloud(data: bytes, random: Random) -> object:
    content_type = random.choice(("application/octet-stream", "application/octet-stream", "text/plain"))
    attributes = random.choice(({}, {"pointscale": "1000"}, CAMERA))
    content = decode_content(
        FrameKind.POINTCLOUD, "pointcloud", data, content_type=content_type, attributes=attributes
    )  # fmt: skip
    return cloud_depth_mm(content.cloud)


CAMERA = {
    "intrinsics": "100,100,40,30",
    "imagesize": "80,60",
    "sensortocamera": "1,0,0,0,0,1,0,0,0,0,1,5",
    "calibration": "1",
}


def sensor(data: bytes, _: Random) -> object:
    return decode_content(FrameKind.SENSOR, "sensor", data, content_type="application/json", attributes={})


def buffer(data: bytes, random: Random) -> object:
    code = random.choice((*FORMATS, random.getrandbits(32)))
    size = {name: random.choice((0, 1, 7, 8, 64, 70_000)) for name in ("width", "height", "padding")}
    return to_image(np.frombuffer(data, np.uint8), code, **size)


def sidecar(data: bytes, _: Random) -> object:
    return Sidecar.read(data)


def record(data: bytes, _: Random) -> object:
    return frame_from_event(spool_record.decode(data))


def headers(data: bytes, _: Random) -> object:
    """Kafka headers, a name and a value per line."""
    pairs = [line.split(b"=", 1) for line in data.split(b"\n") if b"=" in line]
    event = from_kafka([(name.decode("ascii", "replace"), value) for name, value in pairs], b"payload")
    return context_from_event(event) if "context" in event.type else frame_from_event(event)


def settings_of(kind: type) -> Reader:
    def read(data: bytes, _: Random) -> object:
        path = Path(tempfile.gettempdir()) / f"lineside-mutated-{os.getpid()}.yaml"
        path.write_bytes(data)
        try:
            return load(path, kind)
        finally:
            path.unlink()

    return read


def corpus() -> list[tuple[str, Reader, bytes]]:
    """(name, reader, a good example) of everything that comes from outside."""
    rng = np.random.default_rng(1)
    grey = rng.integers(0, 255, (24, 32), np.uint8)
    points = rng.normal(0, 50, (64, 3)).astype(np.float32)
    colour = np.repeat(grey[:, :, None], 3, axis=2)
    lines = b"\n".join(b"%g %g %g" % tuple(point) for point in points.tolist())
    ply = b"ply\nformat %s 1.0\nelement vertex 64\nproperty float x\nproperty float y\nproperty float z\nend_header\n"
    pcd = (
        b"# .PCD v0.7\nVERSION 0.7\nFIELDS x y z\nSIZE 4 4 4\nTYPE F F F\nCOUNT 1 1 1\nWIDTH 8\nHEIGHT 8\n"
        b"VIEWPOINT 0 0 0 1 0 0 0\nPOINTS 64\nDATA %s\n"
    )
    columns = points.T.tobytes()
    literals = b"".join(bytes([31]) + columns[at : at + 32] for at in range(0, len(columns), 32))
    sizes = len(literals).to_bytes(4, "little") + len(columns).to_bytes(4, "little")
    window = (
        b'{"TriggeredAt":"2026-03-04T05:06:07Z","BeforeS":1,"AfterS":1,"Channels":[{"Name":"t","Unit":"C","TimesS":[0],'
    )
    side = {"image": "a.png", "session": "s", "sequence": 3, "captured_at": "2026-03-04T05:06:07Z", "part_id": "P"}
    described = [
        b"\n".join(name.encode() + b"=" + value for name, value in to_kafka(event)[0])
        for event in (frame_event(1), context_event(1))
    ]
    images = [encode_png(grey), encode_png(grey.astype(np.uint16) * 200), encode_jpeg(colour)]
    images += [cv2.imencode(suffix, colour)[1].tobytes() for suffix in (".bmp", ".tiff")]
    clouds = [
        points.tobytes(), lines, ply % b"ascii" + lines, ply % b"binary_little_endian" + points.tobytes(),
        pcd % b"ascii" + lines, pcd % b"binary" + points.tobytes(), pcd % b"binary_compressed" + sizes + literals,
        las(points, compressed=False), las(points, compressed=True), las(points, compressed=True, layers=True),
    ]  # fmt: skip
    files = (
        ("camera/camera", CameraSettings), ("genicam/genicam", CameraSettings), ("line/line", LineSettings),
        ("opcua/opcua", OpcUaSettings), ("replay/replay", ReplaySettings),
    )  # fmt: skip
    return [
        *(("image", image, one) for one in images),
        *(("cloud", cloud, one) for one in clouds),
        ("sensor", sensor, window + b'"Values":[20.5],"Statuses":[0]}]}'),
        ("buffer", buffer, grey.tobytes()),
        ("sidecar", sidecar, json.dumps(side).encode()),
        ("record", record, bytes(spool_record.encode(frame_event(1)))),
        *(("headers", headers, one) for one in described),
        *(("settings", settings_of(kind), (CONNECTORS / f"{name}.yaml").read_bytes()) for name, kind in files),
    ]


def las(points: np.ndarray, *, compressed: bool, layers: bool = False) -> bytes:
    header = laspy.LasHeader(point_format=6 if layers else 3, version="1.4" if layers else "1.2")
    header.scales = np.full(3, 0.01)
    found = laspy.LasData(header)
    found.x, found.y, found.z = points.T.astype(np.float64)
    target = io.BytesIO()
    found.write(target, do_compress=compressed)
    return target.getvalue()


def is_read(read: Reader, data: bytes, random: Random) -> bool:
    try:
        read(data, random)
    except BadInput:
        return False
    return True


def run(seed: int, count: int) -> dict[str, object]:
    """Good ones first: a corpus that nothing can read would pass every time."""
    examples = corpus()
    outcomes: Counter[str] = Counter()
    wrong: list[str] = []
    slowest_s = 0.0
    for name, read, example in examples:
        if not any(is_read(read, example, Random(at)) for at in range(50)):
            raise AssertionError(f"an undamaged {name} is refused: {example[:60]!r}")
    for number in range(count):
        random = Random(f"{seed}/{number}")
        name, read, example = random.choice(examples)
        data = Mutator(random).mutate(example, random.choice(examples)[2])
        begun = time.perf_counter()
        signal.setitimer(signal.ITIMER_REAL, PAYLOAD_LIMIT_S)
        try:
            read(data, random)
            outcomes[f"{name} read"] += 1
        except (BadInput, ConfigurationError):
            outcomes[f"{name} refused"] += 1
        except BaseException as error:
            wrong.append(f"{seed}/{number} {name}: {type(error).__name__}: {error}"[:300])
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        took_s = time.perf_counter() - begun
        slowest_s = max(slowest_s, took_s)
        if took_s > PAYLOAD_LIMIT_S:  # the reader may have taken the interruption for a fault of the payload
            wrong.append(f"{seed}/{number} {name}: took {took_s:.1f} s")
    return {"count": count, "outcomes": outcomes, "wrong": wrong, "slowest_s": round(slowest_s, 2)}


def main(seed: str, count: str) -> None:
    def hangs(*_: object) -> None:
        raise Hangs(f"took more than {PAYLOAD_LIMIT_S} s")

    signal.signal(signal.SIGALRM, hangs)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT_BYTES, MEMORY_LIMIT_BYTES))
    sys.stdout.write(json.dumps(run(int(seed), int(count))) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
