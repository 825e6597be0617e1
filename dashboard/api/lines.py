"""Lines and what they know: versions, activations, references."""

from datetime import UTC, datetime
from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from dashboard.api.access import reading_router
from dashboard.api.documents import Document
from dashboard.command_requests import DescribedKind
from dashboard.errors import NotFound
from dashboard.line_board import LineBoard
from dashboard.problems import NOT_FOUND
from dashboard.services import Services
from wire.line_state import LineSpec, StateMetadata


class LineDocument(Document):
    """A line as people specified it, and how it is doing."""

    line: str = Field(examples=["demo.hall1.line1"])
    display_name: str = Field(examples=["Tiles 1"])
    recipe: str = Field(examples=["embedded"])
    expected_modalities: list[str] = Field(examples=[["rgb", "sensor"]])
    learning_parts: int = Field(examples=[32])
    false_alarm_rate: float = Field(examples=[0.01])
    join_window_s: float = Field(examples=[2.0])
    mm_per_px: float | None
    class_name: str = Field(description="What its parts are called", examples=["hex nut"])
    defect_words: list[str] = Field(description="What may be wrong with one", examples=[["with a burr"]])
    normality: str = Field(description="How a good one looks", examples=["round, without print"])
    descriptions: list[DescribedKind] = Field(description="What its kinds of defects are like, by level")
    description_level: str = Field(
        description="Which of those texts are read; empty: as the recipe says", examples=["template"]
    )
    learned_words: str = Field(description="sha256 of words that a training found for it; empty: as the recipe says")
    matching: str = Field(description="`aligned`, `nearest`, or empty: as the recipe says", examples=["aligned"])


class LineList(Document):
    """Every line."""

    items: list[LineDocument]


class ProductDocument(Document):
    """What judges a product of a line now."""

    product: str
    version: int | None = Field(description="Active version; null while learning")
    learned: int = Field(description="Parts learned so far while there is no version")


class LineStatus(Document):
    """A line at this moment."""

    line: LineDocument
    products: list[ProductDocument]
    parts_last_minute: int
    parts_last_15_minutes: int
    defects_last_15_minutes: int
    unknown_last_15_minutes: int
    latency_p95_s: float | None

    @classmethod
    def of(cls, board: LineBoard) -> Self:
        """Show a board."""
        return cls(
            line=LineDocument.model_validate(board.spec),
            products=[ProductDocument.model_validate(it) for it in board.products],
            parts_last_minute=board.parts_last_minute,
            parts_last_15_minutes=board.parts,
            defects_last_15_minutes=board.defects,
            unknown_last_15_minutes=board.unknown,
            latency_p95_s=board.latency_p95_s,
        )


class StateDocument(Document):
    """One immutable version of what a line knows of a product."""

    line: str
    product: str
    version: int
    active: bool
    created_at: datetime
    reason: str
    recipe: str
    model_digest: str
    digest: str
    parent_version: int | None
    references: int = Field(description="How many good parts it was built from")
    false_alarm_rate: float
    false_alarm_range: tuple[float, float] = Field(
        description="Where the true rate lies in 95 of 100 memories of so few references", examples=[[0.0, 0.109]]
    )
    extrapolated: bool = Field(description="The stated rate is less than so few references can show")
    references_needed: int = Field(description="So many good parts would show it", examples=[99])
    manual_thresholds: dict[str, float]

    @classmethod
    def of(cls, state: StateMetadata, *, active: int | None) -> Self:
        """Show a version."""
        rate = state.stated_rate
        return cls(
            line=state.line,
            product=state.product,
            version=state.version,
            active=state.version == active,
            created_at=state.created_at,
            reason=state.reason,
            recipe=state.recipe,
            model_digest=state.model_digest,
            digest=state.digest,
            parent_version=state.parent_version,
            references=len(state.references),
            false_alarm_rate=rate.rate,
            false_alarm_range=rate.range,
            extrapolated=rate.extrapolated,
            references_needed=rate.references_needed,
            manual_thresholds=state.manual_thresholds,
        )


class StateList(Document):
    """Versions of a line, newest first."""

    items: list[StateDocument]


class ActivationDocument(Document):
    """From this offset on, the line's product used this version."""

    product: str
    version: int
    activated_at: datetime
    by: str
    reason: str
    partition: int
    offset: int


class ActivationList(Document):
    """Activations of a line, newest first."""

    items: list[ActivationDocument]


class ReferenceDocument(Document):
    """A good part that the line learns from."""

    inspection_id: UUID
    accepted_at: datetime
    by: str
    reason: str


class ReferenceList(Document):
    """Present references of a product."""

    items: list[ReferenceDocument]


def states_of(services: Services, line: str, product: str | None) -> list[StateDocument]:
    """Versions of a line, newest first, the active ones marked."""
    states = services.states.list(line, product)
    active = {name: services.states.active(line, name) for name in {state.product for state in states}}
    documents = [StateDocument.of(state, active=active[state.product]) for state in states]
    return sorted(documents, key=lambda it: (it.product, -it.version))


def activations_of(services: Services, line: str) -> list[ActivationDocument]:
    """Activations of a line, newest first."""
    found = [ActivationDocument.model_validate(activation) for activation in services.states.activations(line)]
    return sorted(found, key=lambda it: it.activated_at, reverse=True)


def lines_router(services: Services) -> APIRouter:
    """Routes below /lines that only read."""
    router = reading_router(services.gate, "lines")

    def known(line: str) -> LineSpec:
        if (spec := services.lines.get(line)) is None:
            raise NotFound(f"no line {line!r}", field="line", value=line)
        return spec

    Known = Annotated[LineSpec, Depends(known)]

    @router.get("/lines", summary="Every line")
    def lines() -> LineList:
        """In the order of their ids."""
        specs = sorted(services.lines.all(), key=lambda spec: spec.line)
        return LineList(items=[LineDocument.model_validate(spec) for spec in specs])

    @router.get("/lines/{line}", responses=NOT_FOUND, summary="One line at this moment")
    def status(spec: Known) -> LineStatus:
        """Active versions or learning progress, rates, latency; at most some seconds old."""
        return LineStatus.of(services.boards.read_line(spec, datetime.now(UTC), services.ledger.read()))

    @router.get("/lines/{line}/states", responses=NOT_FOUND, summary="Versions of what a line knows")
    def states(
        spec: Known, product: Annotated[str | None, Query(description="This product alone")] = None
    ) -> StateList:
        """Newest first within each product."""
        return StateList(items=states_of(services, spec.line, product))

    @router.get("/lines/{line}/activations", responses=NOT_FOUND, summary="Which version judged from when on")
    def activations(spec: Known) -> ActivationList:
        """Each lies at an exact offset of lineside.frames."""
        return ActivationList(items=activations_of(services, spec.line))

    @router.get("/lines/{line}/references", responses=NOT_FOUND, summary="Good parts that a line learns from")
    def references(spec: Known, product: Annotated[str, Query(description="The product")] = "") -> ReferenceList:
        """What the next build would use."""
        found = services.references.current(spec.line, product)
        return ReferenceList(items=[ReferenceDocument.model_validate(reference) for reference in found])

    return router
