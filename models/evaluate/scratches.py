"""Scratches of 2 px on the pictures of a line camera, against the same pixels seen as pictures of 256 x 256 px."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from models.evaluate.loading import MODALITY, part_of
from models.synth.line import DefectKind, DefectSpec, LineSetting, draw_line, draw_part
from wire.finding import Finding, Verdict
from wire.image_codec import Image
from wire.inspector import Inspector
from wire.line_state import LineSpec, LineState
from wire.part import Part

Mask = NDArray[np.bool_]
_SPEC: Final = LineSpec(line="scratches")
_SIDE_PX: Final = 256
_LENGTH_PX: Final = 60.0
# Of what can be seen: a stroke of 2 px that lies between pixels touches three.
_WIDEST_PX: Final = 2.6
# Shapes are drawn until one is thin enough; two in five are.
_TRIES: Final = 40


@dataclass(frozen=True, kw_only=True)
class ScratchTrial:
    """One drawn line: pictures of ``height`` x ``width`` px; ``shapes`` scratches, each at every visibility.

    ``references`` good parts are learned; ``fresh`` others say how loud good parts are.
    """

    family: str
    seed: int
    height: int
    width: int
    references: int
    fresh: int
    shapes: int
    visibilities: Sequence[float]


class SeenScratch(BaseModel):
    """One scratch. ``above_*``: its peak in the map lies above everything on the fresh good parts.

    ``flagged_*``: its part is called defective. ``large``: on the whole picture; ``small``: on 256 x 256 px around it,
    against the same window of the same references. ``top_alone``: without a memory, the whole picture's highest place.
    """

    model_config = ConfigDict(frozen=True)

    family: str
    visibility: float
    width_px: float
    above_large: bool
    above_small: bool
    flagged_large: bool
    flagged_small: bool
    top_alone: bool


def find_scratches(trial: ScratchTrial, inspector: Inspector, say: Callable[[str], None]) -> Iterator[SeenScratch]:
    """Every scratch that can be seen at all. ValueError as ``draw_line``."""
    line = draw_line(trial.seed, family=trial.family, height=trial.height, width=trial.width)
    good = [draw_part(line, index).rgb_u8 for index in range(trial.references + trial.fresh)]
    references, fresh = good[: trial.references], good[trial.references :]
    say(f"{trial.family}: learning {len(references)} pictures of {trial.width} x {trial.height} px")
    large = _Memory.of(inspector, references, fresh)
    for number, (index, shape) in enumerate(_thin_shapes(line, trial, len(good)), start=1):
        say(f"{trial.family}: scratch {number} of {trial.shapes}")
        small = None
        for visibility in trial.visibilities:
            bad = draw_part(line, index, (replace(shape, visibility=visibility),))
            if not bad.defects:
                continue
            window = _around(bad.mask)
            if small is None:
                small = _Memory.of(inspector, [own[window] for own in references], [own[window] for own in fresh])
            whole, crop = large.judge(bad.rgb_u8), small.judge(bad.rgb_u8[window])
            alone = inspector.inspect([_part(bad.rgb_u8)], [None])[0].pictures[MODALITY].map
            yield SeenScratch(
                family=trial.family,
                visibility=visibility,
                width_px=_width_px(bad.mask),
                above_large=_peak(whole, bad.mask) > large.loudest,
                above_small=_peak(crop, bad.mask[window]) > small.loudest,
                flagged_large=whole.verdict is Verdict.DEFECT,
                flagged_small=crop.verdict is Verdict.DEFECT,
                top_alone=bool(alone[_on_map(bad.mask, alone.shape)].max() >= alone.max()),
            )


@dataclass(frozen=True, kw_only=True)
class _Memory:
    """``loudest``: the highest place of all fresh good parts."""

    inspector: Inspector
    state: LineState
    loudest: float

    @classmethod
    def of(cls, inspector: Inspector, references: Sequence[Image], fresh: Sequence[Image]) -> "_Memory":
        state = inspector.build_state([_part(each) for each in references], _SPEC)
        found = [inspector.inspect([_part(each)], [state])[0] for each in fresh]
        loudest = max(float(each.pictures[MODALITY].map.max()) for each in found)
        return cls(inspector=inspector, state=state, loudest=loudest)

    def judge(self, picture: Image) -> Finding:
        return self.inspector.inspect([_part(picture)], [self.state])[0]


def _thin_shapes(line: LineSetting, trial: ScratchTrial, first: int) -> Iterator[tuple[int, DefectSpec]]:
    """(number of the part, its scratch) for as many as are asked for and thin enough where they are seen best."""
    rng = np.random.default_rng(trial.seed)
    found = 0
    for index in range(first, first + _TRIES * trial.shapes):
        x, y = rng.uniform(0.05, 0.95, 2)
        shape = DefectSpec(kind=DefectKind.SCRATCH, size_px=_LENGTH_PX, visibility=max(trial.visibilities), at=(x, y))
        drawn = draw_part(line, index, (shape,))
        if drawn.defects and _width_px(drawn.mask) <= _WIDEST_PX:
            found += 1
            yield index, shape
        if found == trial.shapes:
            return


def _width_px(mask: Mask) -> float:
    """Area over length."""
    (_, _), (one, other), _ = cv2.minAreaRect(np.argwhere(mask).astype(np.float32))
    return float(mask.sum()) / max(one, other, 1.0)


def _around(mask: Mask) -> tuple[slice, slice]:
    """256 x 256 px around what is marked, within the picture."""
    spans = []
    for axis, side in enumerate(mask.shape):
        at = np.flatnonzero(mask.any(axis=1 - axis))
        begin = min(max(0, int(at[0] + at[-1]) // 2 - _SIDE_PX // 2), max(0, side - _SIDE_PX))
        spans.append(slice(begin, begin + _SIDE_PX))
    return spans[0], spans[1]


def _peak(found: Finding, mask: Mask) -> float:
    anomaly = found.pictures[MODALITY].map
    return float(anomaly[_on_map(mask, anomaly.shape)].max())


def _on_map(mask: Mask, shape: tuple[int, ...]) -> Mask:
    """The places of a map (h, w) that see any of ``mask``, and their neighbours."""
    share = cv2.resize(mask.astype(np.float32), (shape[1], shape[0]), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.dilate(share, np.ones((3, 3), np.uint8)) > 0, np.bool_)


def _part(picture: Image) -> Part:
    own: Image = np.ascontiguousarray(picture)  # type: ignore[assignment]  # numpy loses the kind of number
    return part_of(own, "scratches", _SPEC.line)
