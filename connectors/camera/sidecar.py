"""What a camera PC writes beside each image, and the frame that follows from it."""

from collections.abc import Mapping
from pathlib import PurePath
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from connectors.errors import RejectedInput
from wire.frame import Frame, FrameKind, Origin, PartReference, check_attribute_names
from wire.image_codec import CONTENT_TYPES
from wire.timestamps import ClockOrigin


def _plain_name(name: str) -> str:
    if PurePath(name).name != name or name.startswith("."):
        raise ValueError("an image is a plain file name in the sidecar's own folder")
    if PurePath(name).suffix.lower() not in CONTENT_TYPES:
        raise ValueError(f"an image ends in one of {', '.join(CONTENT_TYPES)}")
    return name


def _attributes(attributes: Mapping[str, str]) -> Mapping[str, str]:
    check_attribute_names(attributes)
    return attributes


class Sidecar(BaseModel):
    """The JSON file beside an image. Unknown keys are ignored: camera PCs are updated on their own."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    image: Annotated[str, AfterValidator(_plain_name)]
    session: str = Field(min_length=1, max_length=200)
    sequence: int = Field(ge=0)
    captured_at: AwareDatetime
    clock: ClockOrigin = ClockOrigin.HOST
    modality: str | None = Field(default=None, min_length=1)
    part_id: str | None = None
    trigger_session: str | None = None
    triggered_at: AwareDatetime | None = None
    simulated: bool = False
    attributes: Annotated[Mapping[str, str], AfterValidator(_attributes)] = Field(default_factory=dict)

    @classmethod
    def read(cls, data: bytes) -> "Sidecar":
        """Read the JSON; RejectedInput('sidecar') lists every field that is wrong."""
        try:
            return cls.model_validate_json(data)
        except ValidationError as error:
            wrong = "; ".join(f"{'.'.join(map(str, one['loc'])) or 'file'}: {one['msg']}" for one in error.errors())
            raise RejectedInput("sidecar", wrong) from error

    def origin(self, line: str, source: str) -> Origin:
        """The ledger's key of this frame."""
        return Origin(line=line, source=source, session=self.session, sequence=self.sequence)

    def frame(self, origin: Origin, payload: bytes, *, modality: str) -> Frame:
        """The frame with its image as it came; ``modality`` holds where the sidecar names none."""
        return Frame(
            origin=origin,
            kind=FrameKind.IMAGE,
            modality=self.modality or modality,
            captured_at=self.captured_at,
            clock=self.clock,
            content_type=CONTENT_TYPES[PurePath(self.image).suffix.lower()],
            part=PartReference(
                part_id=self.part_id,
                trigger_session=self.trigger_session,
                triggered_at=self.triggered_at,
                simulated=self.simulated,
            ),
            payload=payload,
            attributes=self.attributes,
        )
