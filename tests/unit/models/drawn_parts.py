"""Parts of drawn lines as a detector gets them, small enough for unit tests."""

from datetime import UTC, datetime
from uuid import UUID

from models.synth.line import DefectKind, DefectSpec, LineSetting, SynthPart, draw_line, draw_part
from wire.part import Part
from wire.sensor_window import SensorChannel, SensorWindow

LINE = "site.area.line"
ALL = ("rgb", "depth", "sensor")
TRIGGERED_AT = datetime(2026, 1, 1, tzinfo=UTC)


def small_line(seed: int, family: str, *, height: int = 96, width: int = 128) -> LineSetting:
    return draw_line(seed, family=family, height=height, width=width)


def sensor_window(drawn: SynthPart) -> SensorWindow:
    channels = tuple(
        SensorChannel(
            name=name,
            unit=trace.unit,
            times_s=tuple(trace.times_s),
            values=tuple(trace.values),
            statuses=(0,) * len(trace.values),
        )
        for name, trace in drawn.sensors.items()
    )
    return SensorWindow(triggered_at=TRIGGERED_AT, before_s=0.5, after_s=0.5, channels=channels)


def part_of(drawn: SynthPart, index: int, modalities: tuple[str, ...] = ALL, missing: tuple[str, ...] = ()) -> Part:
    return Part(
        inspection_id=UUID(int=index),
        line=LINE,
        part_id=f"P-{index}",
        images={"rgb": drawn.rgb_u8} if "rgb" in modalities else {},
        depth_mm=drawn.depth_mm if "depth" in modalities else None,
        sensor=sensor_window(drawn) if "sensor" in modalities else None,
        missing=missing,
        mm_per_px=0.25,
    )


def good_part(line: LineSetting, index: int, modalities: tuple[str, ...] = ALL) -> Part:
    return part_of(draw_part(line, index, modalities=ALL), index, modalities)


def bad_part(line: LineSetting, index: int, kind: DefectKind, modalities: tuple[str, ...] = ALL) -> Part:
    return part_of(draw_part(line, index, (gross(kind),), modalities=ALL), index, modalities)


def gross(kind: DefectKind, *, only: tuple[str, ...] | None = None) -> DefectSpec:
    return DefectSpec(kind=kind, size_px=32.0, visibility=10.0, at=(0.5, 0.5), modalities=only)
