"""The card of the classifier of kinds: what it is made of, and how well it does."""

from typing import TYPE_CHECKING

from models.kinds.vocabulary import NAMED
from models.train.episodes import HELD_OUT_FAMILIES
from models.train.ingredients import PhotographsUsed
from models.train.kind_figures import KindFigures

if TYPE_CHECKING:
    from models.train.kinds import KindTraining


def kinds_card(
    file: str,
    sha256: str,
    size_bytes: int,
    *,
    recipe: str,
    networks_sha256: str,
    settings: "KindTraining",
    photographs: PhotographsUsed | None,
    threads: int,
    device: str,
    measured: KindFigures,
) -> str:
    """Markdown."""
    used, photos = ("none", "") if photographs is None else (photographs.named, " --photos DIR")
    seen, depth, photographed = "an image", "", f"; photographs: {used}"
    if settings.in_depth:
        seen, depth, photographed = "a depth map or a point cloud", " --depth", ", in depth alone"
    rows = "\n".join(f"| {name} | {value} |" for name, value in measured.rows())
    return f"""# Model card: kinds of defects in {seen}

File `{file}`, {size_bytes / 1e3:.0f} kB, sha256 `{sha256}`.

**What it does.** Gives each region that the detector marked in {seen} a type with a probability:
{", ".join(each.value for each in NAMED)}; or `unknown`, where none is likely enough. It never decides whether a part is
good. A class that people teach with four examples wins over these.

**What it learned from.** Defects drawn by this project's generator (`models/synth`), marked by the detector itself
where it found them, else by their truth made imprecise{photographed}. No
picture of any inspection data set, and no label made by people.

**How.** `lineside train kinds --recipe {recipe}{depth}{photos} --lines {settings.lines}
--held-out-lines {settings.held_out_lines} --steps {settings.steps} --seed {settings.seed} --threads {threads}
--device {device}`,
while the recipe had the networks of sha256 `{networks_sha256}`: it goes with every file that has their student.

Measured on drawn lines of families that it never saw ({", ".join(HELD_OUT_FAMILIES)}); the temperature comes from other
lines of these families.

| | value |
|---|---|
{rows}

{measured.matrix()}

**Limits.** Types say what a region looks like, not what caused it. Drawn defects are simpler than real ones: teach the
classes that matter on a line.
"""
