"""What people may ask of a line; fields have the names of ``wire.command.LineCommand``, into which they go."""

from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from wire.command import RegionReference
from wire.description import MOST_CHARACTERS, ChosenLevel, PromptLevel
from wire.line_state import Matching


class CommandRequest(BaseModel):
    """What every command carries."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    product: str = Field(
        default="", max_length=200, description="Product as the PLC names it; empty where lines know none"
    )
    reason: str = Field(
        default="", max_length=500, description="Ends up in the audit rows", examples=["water drop, not a crack"]
    )


class PartsRequest(CommandRequest):
    """Which parts are meant."""

    # A thousand ids are 40 kB; more belongs into several commands, so that one mistake stays small.
    inspections: Annotated[
        tuple[UUID, ...], Field(min_length=1, max_length=1000, description="Inspection ids of this line")
    ]


class RollbackRequest(CommandRequest):
    """Which version shall be used again."""

    version: Annotated[int, Field(ge=1, examples=[2])]


class RebuildRequest(CommandRequest):
    """Build a new version from the current references."""


class RateRequest(CommandRequest):
    """The share of good parts that may be flagged."""

    false_alarm_rate: Annotated[float, Field(gt=0, lt=1, examples=[0.01])]


class ThresholdRequest(CommandRequest):
    """A threshold set by hand; it wins over the quantile of the normals."""

    modality: Annotated[
        str, Field(min_length=1, max_length=80, description="A modality, or `fused`", examples=["fused"])
    ]
    threshold: Annotated[
        float, Field(ge=0, allow_inf_nan=False, description="In the unit of the raw score", examples=[3.5])
    ]


class DescribedKind(BaseModel):
    """What one kind of defect is like, at one level."""

    model_config = ConfigDict(frozen=True, extra="forbid", from_attributes=True)

    name: Annotated[str, Field(min_length=1, max_length=100, examples=["burr"])]
    level: Annotated[PromptLevel, Field(examples=["template"])]
    text: Annotated[
        str, Field(min_length=1, max_length=MOST_CHARACTERS, examples=["A thin bright burr at the upper edge."])
    ]


class DescribeRequest(CommandRequest):
    """What the line's parts are called and look like, for detectors that read; what is left out stays as it is."""

    class_name: Annotated[str | None, Field(max_length=80, examples=["hex nut"])] = None
    defect_words: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=100)], ...] | None,
        Field(max_length=50, description="What may be wrong with a part", examples=[["with a burr", "with rust"]]),
    ] = None
    normality: Annotated[
        str | None, Field(max_length=400, description="How a good one looks", examples=["round, without print"])
    ] = None
    descriptions: Annotated[
        tuple[DescribedKind, ...] | None,
        Field(
            max_length=100,
            description="What kinds of defects are like, one text for each kind and level; replaces all",
            examples=[[{"name": "burr", "level": "template", "text": "A thin bright burr at the upper edge."}]],
        ),
    ] = None
    description_level: Annotated[
        ChosenLevel | None,
        Field(description="Which of those texts are read; empty: as the recipe says", examples=["template"]),
    ] = None
    learned_words: Annotated[
        str | None,
        Field(
            pattern="^([0-9a-f]{64})?$",
            description="sha256 of learned words that `lineside train spgdd --line` or `lineside state describe` put "
            "into the object store; empty: as the recipe says",
        ),
    ] = None
    matching: Annotated[
        Matching | None,
        Field(description="`aligned`: parts lie in a fixture; `nearest`: they do not; empty: as the recipe says"),
    ] = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        words = self.model_dump(exclude={"product", "reason"})
        if all(value is None for value in words.values()):
            raise ValueError(f"says nothing: give one of {', '.join(words)}")
        return self


class NameRequest(CommandRequest):
    """Regions that show one kind of defect, and what people call it."""

    name: Annotated[
        str,
        Field(
            min_length=1,
            max_length=60,
            pattern=r"^\w[\w -]*$",
            description="A class of your own, or one of the vocabulary; `unknown` takes a name back",
            examples=["coolant spot"],
        ),
    ]
    regions: Annotated[
        tuple[RegionReference, ...],
        Field(min_length=1, max_length=100, description="Regions of stored inspections of this line"),
    ]
