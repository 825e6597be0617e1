"""What an evaluation found, as a document that programs read."""

from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from models.evaluate.figures import Figures, Spread
from wire.errors import ConfigurationError
from wire.line_state import Matching


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True)


class ObjectResult(_Document):
    """One object in one draw: each kind of defect against the good images, their mean, and all defects pooled.

    ``left_out``: tests that were not inspected because of a reference; ``alike``: tests that look like a reference
    again, left out only if the conditions say so.
    """

    kinds: dict[str, Figures]
    mean_of_kinds: Figures
    pooled: Figures
    references: tuple[str, ...]
    left_out: tuple[str, ...]
    alike: tuple[str, ...] = ()
    good_images: int
    defect_images: dict[str, int]


class DrawResult(_Document):
    """One draw of references: figures per object, and their means over objects."""

    draw: int
    objects: dict[str, ObjectResult]
    mean_of_kinds: Figures
    pooled: Figures
    build_s: float
    inspect_s_per_image: float


class ShotsResult(_Document):
    """One number of references. ``unavailable`` says why there are no draws.

    ``spread``: figure by row (``mean of kinds``, ``pooled``, ``OBJECT/KIND``), mean and standard deviation over draws.
    """

    shots: int
    unavailable: str | None = None
    draws: tuple[DrawResult, ...] = ()
    spread: dict[str, dict[str, Spread]] = {}


class DetectorResult(_Document):
    """One detector at every number of references."""

    name: str
    recipe: str
    digest: str
    shots: tuple[ShotsResult, ...]


class SetSummary(_Document):
    """What was evaluated on."""

    name: str
    root: str
    layout: str
    masked: bool
    # object -> kind (with "good") -> images
    images: dict[str, dict[str, int]]
    skipped: tuple[str, ...] = ()


class Conditions(_Document):
    """Everything that a repetition needs beside the files."""

    shots: tuple[int, ...]
    draws: int
    seed: int
    resolution: int
    input_size: int | None
    max_vectors: int
    matching: Matching = ""
    group: str | None
    group_distance: int | None
    near_duplicates: bool
    classes: str | None
    mask_above: int | None
    images_per_kind: int | None


class EvaluationResult(_Document):
    """A whole evaluation."""

    created_at: datetime
    lineside: str
    versions: dict[str, str]
    device: str
    threads: int
    wall_s: float
    dataset: SetSummary
    conditions: Conditions
    detectors: tuple[DetectorResult, ...]


def suspects(result: EvaluationResult) -> dict[str, set[str]]:
    """Inspected test images that look like a reference of the same draw, by object."""
    found: dict[str, set[str]] = {}
    for detector in result.detectors:
        for draw in (draw for each in detector.shots for draw in each.draws):
            for name, own in draw.objects.items():
                kept = set(own.alike) - set(own.left_out)
                if kept:
                    found.setdefault(name, set()).update(kept)
    return found


def read_result(path: Path) -> EvaluationResult:
    """Read what ``--json`` wrote; ConfigurationError if the file is not there or is something else."""
    try:
        return EvaluationResult.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError([f"{path}: {error.strerror}"]) from error
    except ValueError as error:
        raise ConfigurationError([f"{path} is no result of an evaluation: {str(error).splitlines()[0]}"]) from error
