"""The lines of a site that ``lineside up`` makes: ids, what people would decide about them, seeds."""

from dataclasses import dataclass
from typing import Final

from lineside.plant.folder_parts import learning_share
from lineside.plant.procedural_parts import ProceduralParts
from lineside.source_choice import SourceChoice, SourceKind
from lineside.up_options import UpOptions
from wire.errors import ConfigurationError
from wire.frame import DEPTH, RGB, SENSOR
from wire.line_state import LineSpec

_SITE_AND_AREA: Final = "demo.hall1"
# Sensor windows end half a second after the trigger and their tags are published every 100 ms; on a machine with all
# cores busy that took up to 2 s. Larger: partial parts are shown later.
JOIN_WINDOW_S: Final = 3.0


@dataclass(frozen=True, kw_only=True)
class PlannedLine:
    """One line. ``depth``: it has a depth sensor beside its camera."""

    spec: LineSpec
    depth: bool
    seed: int

    @property
    def line(self) -> str:
        """The line id."""
        return self.spec.line

    @property
    def short_name(self) -> str:
        """The last piece of the line id."""
        return self.spec.line.rsplit(".", 1)[-1]


def plan_lines(options: UpOptions, source: SourceChoice) -> tuple[PlannedLine, ...]:
    """Decide about every line. ConfigurationError if the source has too little to learn from."""
    learning = options.learning_parts
    if source.folder is not None:
        learning = learning_share(source.folder, learning) or learning
    if learning < 2:
        raise ConfigurationError([f"--learning-parts: {learning} is too few; a line learns from 2 or more"])
    planned = []
    for index in range(options.lines):
        # The last line has the depth sensor; lines of images from elsewhere have none.
        depth = source.kind is SourceKind.PROCEDURAL and index == options.lines - 1
        modalities = [RGB, *([DEPTH] if depth else []), *([SENSOR] if source.has_plant else [])]
        spec = LineSpec(
            line=f"{_SITE_AND_AREA}.line{index + 1}",
            display_name=f"Line {index + 1}",
            recipe=options.recipe,
            expected_modalities=tuple(modalities),
            learning_parts=learning,
            join_window_s=JOIN_WINDOW_S,
            expects_context=source.has_plant,
            mm_per_px=_calibration(source, seed=index, depth=depth),
        )
        planned.append(PlannedLine(spec=spec, depth=depth, seed=index))
    return tuple(planned)


def _calibration(source: SourceChoice, *, seed: int, depth: bool) -> float | None:
    """Drawn parts have a known scale; images from elsewhere have not."""
    if source.kind is not SourceKind.PROCEDURAL:
        return None
    return ProceduralParts(seed=seed, depth=depth, defect_rate=0.0, commissioning_parts=0).mm_per_px
