"""What may go wrong on a line: kinds that suit it, of any size and visibility."""

from collections.abc import Collection
from typing import Final

from numpy.random import Generator

from models.synth.defect import SENSOR_KINDS, DefectKind, DefectSpec, modalities_of, possible_modalities
from models.synth.object_layout import OBJECTS
from models.synth.seeding import log_uniform
from models.synth.setting import LineSetting
from wire.frame import DEPTH, INFRARED, POINTCLOUD

_ANYWHERE: Final = {
    DefectKind.SCRATCH: 3.0, DefectKind.CRACK: 3.0, DefectKind.PITS: 3.0, DefectKind.HOLE: 2.0, DefectKind.STAIN: 3.0,
    DefectKind.INCLUSION: 2.5, DefectKind.CORROSION: 2.0, DefectKind.BLISTER: 0.7, DefectKind.DENT: 1.5,
    DefectKind.BUMP: 1.0, DefectKind.FRAY: 1.5, DefectKind.BROKEN_EDGE: 2.0, DefectKind.WEAR: 1.5,
    DefectKind.UNEVEN: 3.5, DefectKind.ROLL_MARK: 0.7, DefectKind.COLOUR_DRIFT: 1.5, DefectKind.TRANSPLANT: 2.0,
    DefectKind.DISTORTION: 0.7, DefectKind.BLUR: 0.7, DefectKind.EXTRA_PART: 1.5,
}  # fmt: skip
_PIECES: Final = {
    DefectKind.MISSING_PART: 6.0, DefectKind.EXTRA_PART: 2.0, DefectKind.SHIFTED_PART: 4.0, DefectKind.MISPRINT: 3.0,
}  # fmt: skip
# Kinds that only make sense over some area, and those that are drawn small: shares of the shorter side.
_LARGE: Final = {DefectKind.UNEVEN: 0.2, DefectKind.WEAR: 0.12, DefectKind.COLOUR_DRIFT: 0.1, DefectKind.BLUR: 0.1,
                 DefectKind.DISTORTION: 0.12, DefectKind.ROLL_MARK: 0.2, DefectKind.SCRATCH: 0.06,
                 DefectKind.CRACK: 0.08, DefectKind.CORROSION: 0.08, DefectKind.FRAY: 0.08}  # fmt: skip
_SMALL: Final = {DefectKind.HOLE: 0.12, DefectKind.PITS: 0.35}
# Half the part by area, not by extent: grinding, wear and colour go wrong over whole sides.
_SPREADING: Final = {DefectKind.UNEVEN: 1.8, DefectKind.WEAR: 1.5, DefectKind.COLOUR_DRIFT: 1.8}
# Three sigma of the line's own dust: a smaller pit would be dust.
_OVER_DUST: Final = 3.0


def random_defects(
    line: LineSetting,
    rng: Generator,
    *,
    count: int | None = None,
    kinds: Collection[DefectKind] = (),
    least_px: float = 2.0,
    largest_share: float = 0.5,
    visibility: tuple[float, float] = (1.0, 8.0),
    modalities: Collection[str] = (),
) -> tuple[DefectSpec, ...]:
    """One to three defects (or ``count``) of kinds that suit the line (or ``kinds``).

    Sizes are log-uniform from ``least_px`` to ``largest_share`` of the shorter side, as far as the kind allows
    (regions that are uneven, worn or off colour reach further, to about that share of the area);
    visibility is log-uniform, too. ``modalities``: also draw some defects into infrared or into depth alone, where
    these are named.
    """
    number = count if count is not None else int(rng.choice([1, 2, 3], p=[0.7, 0.2, 0.1]))
    weights = _weights(line, kinds, modalities)
    names = list(weights)
    total = sum(weights.values())
    chances = [weights[name] / total for name in names]
    side = min(line.height_px, line.width_px)
    specs = []
    for _ in range(number):
        kind = names[int(rng.choice(len(names), p=chances))]
        least = max(least_px, _LARGE.get(kind, 0.0) * side, _OVER_DUST * _dust_px(line, kind))
        share = min(largest_share * _SPREADING.get(kind, 1.0), _SMALL.get(kind, 1.0))
        most = max(least, share * side)
        specs.append(
            DefectSpec(
                kind=kind,
                seed=int(rng.integers(1 << 32)),
                size_px=log_uniform(rng, least, most),
                visibility=log_uniform(rng, *visibility),
                modalities=_modalities(kind, rng, modalities),
            )
        )
    return tuple(specs)


def suitable_kinds(line: LineSetting) -> tuple[DefectKind, ...]:
    """The kinds that ``random_defects`` draws on this line into its RGB picture."""
    return tuple(_weights(line, (), ()))


def _weights(line: LineSetting, kinds: Collection[DefectKind], modalities: Collection[str]) -> dict[DefectKind, float]:
    weights = dict(_ANYWHERE)
    if any(piece.loose for piece in line.layout):
        weights |= (
            _PIECES
            if line.family in OBJECTS or line.family == "printed"
            else {DefectKind.MISPRINT: 1.0, DefectKind.MISSING_PART: 1.0}
        )
    if INFRARED in modalities:
        weights[DefectKind.HOT_SPOT] = 4.0
    if not kinds:
        return weights
    return {kind: weights.get(kind, 1.0) for kind in kinds}


def _dust_px(line: LineSetting, kind: DefectKind) -> float:
    dusty = line.harmless.specks > 0 and kind in (
        DefectKind.PITS,
        DefectKind.HOLE,
        DefectKind.STAIN,
        DefectKind.INCLUSION,
    )
    return line.harmless.speck_px if dusty else 0.0


def _modalities(kind: DefectKind, rng: Generator, wanted: Collection[str]) -> tuple[str, ...] | None:
    possible = possible_modalities(kind)
    if kind in SENSOR_KINDS or kind is DefectKind.HOT_SPOT:
        return None
    if DEPTH in wanted and DEPTH in possible and rng.random() < 0.25:
        return (DEPTH, POINTCLOUD)
    if INFRARED in wanted and INFRARED in possible and rng.random() < 0.35:
        return tuple(dict.fromkeys((*modalities_of(kind), INFRARED)))
    return None
