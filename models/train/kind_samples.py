"""Drawn defects with their types, as the detector sees and marks them: what the classifier of kinds learns from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from models.backbones.planes import Planes, on_camera_grid
from models.ground.threshold import map_threshold
from models.kinds.appearance import appearances
from models.kinds.seen_picture import SeenPicture
from models.kinds.vocabulary import NAMED, DefectType
from models.memory.calibration import map_quantile
from models.recipes.look import Look
from models.recipes.picture_detector import PictureDetector
from models.refine.local_contrast import LocalContrastSettings
from models.refine.regions import Marking, regions_of, upsample
from models.synth.defect import DefectKind, DefectSpec, possible_modalities
from models.synth.line import PHOTOGRAPH, LineSetting, SynthPart, draw_line, draw_part, random_defects
from models.synth.random_defects import suitable_kinds
from models.train.kind_truth import TYPE_OF
from models.train.mask_jitter import jittered
from wire.frame import DEPTH, INFRARED, RGB
from wire.line_state import Calibration, LineSpec

_SIDES_PX = (192, 256, 320)
_GOOD, _FIRST_BAD = 2, 1000
# Nine defects per line, each of a kind of its own as far as there are so many. On every third line the first kind comes
# six times: four examples to teach it, and two to be recognised by them.
_DEFECTS, _OF_FIRST_KIND, _ALIKE_EVERY = 9, 6, 3
_P_INFRARED, _P_PHOTOGRAPH = 0.12, 0.25
# Of a region that overlaps the drawn defect less than this, nobody would say that it marks it.
_LEAST_OVERLAP = 0.3
_P_OWN_MASK = 0.7
# What can hardly be seen teaches nothing of its kind.
_LEAST_PX, _VISIBILITY = 4.0, (2.0, 10.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class KindSamples:
    """vectors (N, D); types (N,): index into ``NAMED``; ``marked`` (N,): the mask is the detector's own.

    lines (N,), kinds (N,): samples of one line and kind look alike.
    """

    vectors: NDArray[np.float32]
    types: NDArray[np.int64]
    lines: NDArray[np.int64]
    kinds: NDArray[np.int64]
    marked: NDArray[np.bool_]

    def take(self, chosen: NDArray[np.bool_]) -> "KindSamples":
        """Some of them."""
        return KindSamples(
            vectors=self.vectors[chosen],
            types=self.types[chosen],
            lines=self.lines[chosen],
            kinds=self.kinds[chosen],
            marked=self.marked[chosen],
        )


@dataclass(frozen=True, kw_only=True)
class Eye:
    """The detector whose features and masks are learned from, as a recipe puts it together.

    ``see``: a part's picture in a modality as its planes; ``in_depth``: it looks at depth, so defects are drawn there.
    """

    detector: PictureDetector
    see: Callable[[SynthPart, str], Planes]
    sharpening: LocalContrastSettings
    in_depth: bool = False
    max_vectors: int = 4096


def draw_samples(
    seed: int,
    lines: int,
    eye: Eye,
    *,
    families: Sequence[str],
    photographs: Sequence[NDArray[np.uint8]] = (),
    report: Callable[[int], None] = lambda done: None,
) -> KindSamples:
    """Nine defects of each of ``lines`` lines, fewer where one came out too faint; ``report`` is told of lines done."""
    vectors: list[NDArray[np.float32]] = []
    labels: list[tuple[int, int, int, bool]] = []
    for number in range(lines):
        rng = np.random.default_rng([0x51CD, seed, number])
        for kind, vector, marked in _of_line(rng, number, eye, families, photographs):
            vectors.append(vector)
            labels.append((NAMED.index(TYPE_OF[kind]), number, list(DefectKind).index(kind), marked))
        report(number + 1)
    columns = list(zip(*labels, strict=True)) or [(), (), (), ()]
    types, of_line, kinds = (np.array(column, np.int64) for column in columns[:3])
    return KindSamples(
        vectors=np.stack(vectors), types=types, lines=of_line, kinds=kinds, marked=np.array(columns[3], np.bool_)
    )


def _of_line(
    rng: Generator, number: int, eye: Eye, families: Sequence[str], photographs: Sequence[NDArray[np.uint8]]
) -> list[tuple[DefectKind, NDArray[np.float32], bool]]:
    drawn = [family for family in families if family != PHOTOGRAPH]
    family = drawn[number % len(drawn)]
    if PHOTOGRAPH in families and photographs and rng.random() < _P_PHOTOGRAPH:
        family = PHOTOGRAPH
    side = int(rng.choice(_SIDES_PX))
    line = draw_line(int(rng.integers(1 << 31)), family=family, height=side, width=side, photographs=photographs)
    modality = INFRARED if rng.random() < _P_INFRARED else RGB
    if eye.in_depth:
        modality = DEPTH
    draw = partial(draw_part, line, modalities=(RGB, modality))
    specs = _specs(line, rng, modality, of_first_kind=1 if number % _ALIKE_EVERY else _OF_FIRST_KIND)
    parts = [draw(_FIRST_BAD + index, (spec,)) for index, spec in enumerate(specs)]
    bad = [part for part in parts if part.defects and modality in part.defects[0].masks]
    if not bad:
        return []
    good = [eye.see(draw(index), modality) for index in range(_GOOD)]
    memory = eye.detector.build(good, modality, spec=LineSpec(line="drawn", max_vectors=eye.max_vectors))
    pictures = [eye.see(part, modality) for part in bad]
    looks = eye.detector.maps(pictures, [memory.tensors] * len(pictures), [modality] * len(pictures))
    found = []
    for part, planes, look in zip(bad, pictures, looks, strict=True):
        if look is None or look.features is None:
            continue
        truth = part.defects[0].masks[modality]
        own = _own_mask(truth, look, planes, memory.calibration, eye) if rng.random() < _P_OWN_MASK else None
        mask = jittered(truth, rng) if own is None else own
        seen = SeenPicture(features=look.features, pixels=planes.values, numbers=mask.astype(np.uint8))
        found.append((part.defects[0].kind, appearances(seen, 1)[0], own is not None))
    return found


def _specs(line: LineSetting, rng: Generator, modality: str, *, of_first_kind: int) -> list[DefectSpec]:
    """One kind several times, and others; types by equal chances, whatever the number of their kinds."""
    kinds: dict[DefectType, list[DefectKind]] = {}
    suitable = suitable_kinds(line)
    if modality == INFRARED:
        suitable = (*(kind for kind in suitable if INFRARED in possible_modalities(kind)), DefectKind.HOT_SPOT)
    if modality == DEPTH:
        suitable = tuple(kind for kind in suitable if DEPTH in possible_modalities(kind))
    for kind in suitable:
        kinds.setdefault(TYPE_OF[kind], []).append(kind)
    types = list(kinds)
    chances = np.array([4.0 if each is DefectType.HOT_SPOT else 1.0 for each in types])
    distinct = min(_DEFECTS - of_first_kind + 1, len(types))
    chosen = rng.choice(len(types), distinct, replace=False, p=chances / chances.sum())
    specs: list[DefectSpec] = []
    for position, index in enumerate(chosen):
        own = kinds[types[index]]
        kind = own[int(rng.integers(len(own)))]
        specs += _alike(line, rng, kind, modality, of_first_kind if position == 0 else 1)
    return specs


def _alike(line: LineSetting, rng: Generator, kind: DefectKind, modality: str, count: int) -> list[DefectSpec]:
    """Defects of one cause: of similar size and visibility."""
    (first,) = random_defects(line, rng, count=1, kinds=(kind,), least_px=_LEAST_PX, visibility=_VISIBILITY)
    if modality == DEPTH or (modality == INFRARED and kind is not DefectKind.HOT_SPOT):
        first = replace(first, modalities=(modality,))
    return [
        replace(
            first,
            seed=int(rng.integers(1 << 32)),
            size_px=first.size_px * float(rng.uniform(0.8, 1.25)),
            visibility=first.visibility * float(rng.uniform(0.8, 1.25)),
        )
        for _ in range(count)
    ]


def drawn_image(part: SynthPart, modality: str) -> NDArray[np.uint8]:
    """What the camera of ``modality`` saw (H, W, 3)."""
    if modality == RGB or part.infrared_u8 is None:
        return part.rgb_u8
    return np.repeat(part.infrared_u8[:, :, None], 3, axis=2)


def drawn_depth(part: SynthPart) -> NDArray[np.float32]:
    """(H, W) mm. ValueError if the part was drawn without it."""
    if part.depth_mm is None:
        raise ValueError("the part was drawn without depth")
    return part.depth_mm


def _own_mask(
    truth: NDArray[np.bool_], look: Look, planes: Planes, calibration: Calibration, eye: Eye
) -> NDArray[np.bool_] | None:
    """The detector's region on the defect, None if it marks none."""
    limit = calibration.scores[-1]
    if eye.detector.score(look.anomaly) <= limit:
        return None
    worked = planes.values.shape[-2:]
    patch = (eye.detector.patch_px * planes.size[0] / worked[0], eye.detector.patch_px * planes.size[1] / worked[1])
    numbers, regions = regions_of(
        upsample(look.anomaly, planes.size, patch),
        Marking(
            tau=map_threshold(look.anomaly, map_quantile(calibration), limit),
            image_threshold=limit,
            patch_area_px=patch[0] * patch[1],
        ),
        modality=RGB,
        grey=np.zeros(planes.size, np.uint8),
        mm_per_px=None,
        planes=on_camera_grid(planes),
        sharpening=eye.sharpening,
    )
    overlaps = [int((truth & (numbers == region.index + 1)).sum()) for region in regions]
    best = int(np.argmax(overlaps))
    if overlaps[best] < _LEAST_OVERLAP * min(regions[best].area_px, int(truth.sum())):
        return None
    return np.asarray(numbers == best + 1)
