"""A camera of the virtual plant: delivers complete files with a sidecar into a folder, as many camera PCs do."""

import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from lineside.plant.produced_part import Shot
from wire.timestamps import ClockOrigin, to_rfc3339


def new_session() -> str:
    """Name one life of a device's counter: UTC time for people, random digits against two starts within a second."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"


@dataclass(frozen=True, kw_only=True)
class Trigger:
    """The part trigger as the camera sees it."""

    part_id: str
    trigger_session: str
    triggered_at: datetime


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One frame, ready to be delivered: file name without extension, image bytes, sidecar."""

    name: str
    extension: str
    data: bytes
    sidecar: bytes

    def write(self, folder: Path, *, suffix: str = "") -> None:
        """Write image, then sidecar, each under a temporary name and renamed when complete."""
        name = self.name + suffix
        sidecar = self.sidecar
        if suffix:
            sidecar = json.dumps({**json.loads(sidecar), "image": name + self.extension}).encode()
        for file_name, data in ((name + self.extension, self.data), (name + ".json", sidecar)):
            draft = folder / f".{file_name}~"
            draft.write_bytes(data)
            draft.replace(folder / file_name)


class Camera:
    """Numbers its frames without gap in one session; what is not delivered is missing in the sequence."""

    def __init__(self, *, source: str, modality: str, folder: Path) -> None:
        self.source = source
        self.modality = modality
        self.folder = folder
        self.session = new_session()
        self._sequence = 0
        folder.mkdir(parents=True, exist_ok=True)

    def shoot(self, shot: Shot, trigger: Trigger, *, captured_at: datetime) -> tuple[int, Delivery]:
        """Number a frame and prepare its delivery: (sequence, delivery)."""
        sequence, self._sequence = self._sequence, self._sequence + 1
        name = f"{self.source.rsplit('/', 1)[-1]}-{self.session}-{sequence:08d}"
        sidecar = {
            "image": name + shot.extension,
            "session": self.session,
            "sequence": sequence,
            "captured_at": to_rfc3339(captured_at),
            "clock": ClockOrigin.CAMERA.value,
            "modality": self.modality,
            "part_id": trigger.part_id,
            "trigger_session": trigger.trigger_session,
            "triggered_at": to_rfc3339(trigger.triggered_at),
            "simulated": True,
            "attributes": dict(shot.attributes),
        }
        delivery = Delivery(name=name, extension=shot.extension, data=shot.data, sidecar=json.dumps(sidecar).encode())
        return sequence, delivery
