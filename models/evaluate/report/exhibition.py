"""What the page shows beside the figures: curves and maps of the first draw, collected while it runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from models.evaluate.evaluator import Cell, Scores, Seen
from models.evaluate.report.curves import Curves, curves_of
from models.evaluate.report.gallery import Exhibit, Gallery
from models.evaluate.report.map_strip import Scale, map_strip
from models.evaluate.sample import GOOD

# Colours begin at the middle of good pixels, so that an ordinary good part is dark, and end where one pixel in a
# thousand of all images lies above.
_LOW_SHARE: Final = 0.5
_HIGH_SHARE: Final = 0.999


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A strip of three pictures (JPEG) with what to say about it."""

    name: str
    score: float
    pixel_auroc: float | None
    jpeg: bytes


@dataclass(frozen=True, kw_only=True)
class Room:
    """One run: curves by kind, best and worst pictures by kind, the scale of their colours."""

    curves: Mapping[str, Curves]
    best: Mapping[str, Sequence[Picture]]
    worst: Mapping[str, Sequence[Picture]]
    scale: Scale


class Exhibition:
    """An ``Audience``. Holds a few maps per kind while a run goes on, small JPEGs afterwards."""

    def __init__(self) -> None:
        self.rooms: dict[Cell, Room] = {}
        self._gallery = Gallery()

    def image_seen(self, cell: Cell, seen: Seen) -> None:
        """Offer the image to the gallery of the run."""
        if cell.draw == 0:
            self._gallery.offer(seen)

    def cell_done(self, cell: Cell, scores: Mapping[str, Scores]) -> None:
        """Draw what is kept, in the colours of the run."""
        if cell.draw != 0:
            return
        gallery, self._gallery = self._gallery, Gallery()
        scale = _scale(gallery, scores)
        self.rooms[cell] = Room(
            curves={kind: curves_of(scores[GOOD], own) for kind, own in sorted(scores.items()) if kind != GOOD},
            best={kind: [_picture(exhibit, scale) for exhibit in gallery.best(kind)] for kind in gallery.kinds()},
            worst={kind: [_picture(exhibit, scale) for exhibit in gallery.worst(kind)] for kind in gallery.kinds()},
            scale=scale,
        )


def _scale(gallery: Gallery, scores: Mapping[str, Scores]) -> Scale:
    good = sum((own.pixels.good for own in scores.values()), start=type(scores[GOOD].pixels.good)())
    everything = sum((own.pixels.defect for own in scores.values()), start=good)
    if good.total:
        return Scale(low=good.quantile(_LOW_SHARE), high=everything.quantile(_HIGH_SHARE))
    # Without masks nothing was counted; the maps that are shown must do.
    shown = [exhibit.seen.anomaly for kind in gallery.kinds() for exhibit in gallery.best(kind) + gallery.worst(kind)]
    return Scale(low=min(float(each.min()) for each in shown), high=max(float(each.max()) for each in shown))


def _picture(exhibit: Exhibit, scale: Scale) -> Picture:
    seen = exhibit.seen
    marked = seen.sample.defect and seen.mask is not None
    return Picture(
        name=seen.sample.name,
        score=seen.score,
        pixel_auroc=exhibit.merit if marked else None,
        jpeg=map_strip(seen, scale),
    )
