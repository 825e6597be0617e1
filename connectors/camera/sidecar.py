"""What a camera PC writes beside each image or point cloud, and the frame that follows from it."""

from collections.abc import Mapping
from pathlib import PurePath
from typing import Annotated

from pydantic import AfterValidator, AliasChoices, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from connectors.errors import RejectedInput
from connectors.frame_attributes import Attributes
from wire.frame import Frame, Origin, PartReference
from wire.payload_files import ENDINGS, PayloadFile, payload_file, usual_modality
from wire.timestamps import ClockOrigin


def _plain_name(name: str) -> str:
    if PurePath(name).name != name or name.startswith("."):
        raise ValueError("a frame is a plain file name in the sidecar's own folder")
    _kind(name)
    return name


def _kind(name: str) -> PayloadFile:
    kind = payload_file(name)
    if kind is None:
        raise ValueError(f"a frame ends in one of {', '.join(ENDINGS)}")
    return kind


# They are headers of every message; a longer one is no id, and would make the message larger than a broker takes.
ShortText = Annotated[str, Field(max_length=1000)]


class Sidecar(BaseModel):
    """The JSON file beside an image or a cloud. Unknown keys are ignored: camera PCs are updated on their own."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    file: Annotated[str, AfterValidator(_plain_name)] = Field(validation_alias=AliasChoices("image", "cloud"))
    session: str = Field(min_length=1, max_length=200)
    sequence: int = Field(ge=0)
    captured_at: AwareDatetime
    clock: ClockOrigin = ClockOrigin.HOST
    modality: str | None = Field(default=None, min_length=1, max_length=200)
    part_id: ShortText | None = None
    trigger_session: ShortText | None = None
    triggered_at: AwareDatetime | None = None
    simulated: bool = False
    attributes: Attributes = Field(default_factory=dict)

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

    def frame(self, origin: Origin, payload: bytes, *, modality: str | None, attributes: Mapping[str, str]) -> Frame:
        """The frame with its file as it came; modality and attributes hold where the sidecar names none."""
        kind = _kind(self.file)
        return Frame(
            origin=origin,
            kind=kind.kind,
            modality=self.modality or modality or usual_modality(kind.kind),
            captured_at=self.captured_at,
            clock=self.clock,
            content_type=kind.content_type,
            part=PartReference(
                part_id=self.part_id,
                trigger_session=self.trigger_session,
                triggered_at=self.triggered_at,
                simulated=self.simulated,
            ),
            payload=payload,
            attributes={**attributes, **self.attributes},
        )
