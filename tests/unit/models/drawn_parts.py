"""Parts of drawn lines as a detector gets them, small enough for unit tests."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from models.synth.defect import DefectKind, DefectSpec
from models.synth.line_style import LineStyle, Surface
from models.synth.parts import SynthPart, draw
from wire.part import Part
from wire.sensor_window import SensorChannel, SensorWindow

LINE = "site.area.line"
ALL = ("rgb", "depth", "sensor")
TRIGGERED_AT = datetime(2026, 1, 1, tzinfo=UTC)


def small_style(seed: int, surface: Surface, *, height: int = 96, width: int = 128) -> LineStyle:
    return replace(LineStyle.random(seed, surface), height_px=height, width_px=width)


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


def good_part(style: LineStyle, index: int, modalities: tuple[str, ...] = ALL) -> Part:
    return part_of(draw(style, index), index, modalities)


def bad_part(style: LineStyle, index: int, kind: DefectKind, modalities: tuple[str, ...] = ALL) -> Part:
    return part_of(draw(style, index, DefectSpec(kind=kind)), index, modalities)
