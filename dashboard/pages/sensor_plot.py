"""Sensor channels of a part as small SVG plots."""

from markupsafe import Markup

from wire.sensor_window import SensorChannel, SensorWindow

_WIDTH, _HEIGHT = 300, 110
_LEFT, _RIGHT, _TOP, _BOTTOM = 8, 8, 24, 20
_SEVERITY_SHIFT = 30  # OPC UA Part 4, 7.39: the two highest bits of a status code; 0 = Good


def sensor_plots(window: SensorWindow) -> Markup:
    """One plot per channel: values over seconds from the trigger, samples that are not Good as hollow marks."""
    plots = Markup("").join(_plot(channel, window) for channel in window.channels)
    note = Markup('<p class="tag warn">The link was lost during this window</p>') if window.has_gap else Markup("")
    return Markup('{}<div class="plots">{}</div>').format(note, plots)


def _plot(channel: SensorChannel, window: SensorWindow) -> Markup:
    times_s, values = channel.good()
    if times_s.size == 0:
        return _frame(channel, Markup('<text x="8" y="62">no good sample</text>'), "–")
    low, high = float(values.min()), float(values.max())
    span = (high - low) or 1.0

    def x(time_s: float) -> float:
        share = (time_s + window.before_s) / max(window.before_s + window.after_s, 1e-9)
        return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)

    def y(value: float) -> float:
        return _HEIGHT - _BOTTOM - (value - low) / span * (_HEIGHT - _TOP - _BOTTOM)

    points = " ".join(f"{x(time_s):.1f},{y(value):.1f}" for time_s, value in zip(times_s, values, strict=True))
    bad = Markup("").join(
        Markup(
            '<circle cx="{}" cy="{}" r="3" fill="none" stroke="#f0b849"><title>status 0x{:08X}</title></circle>'
        ).format(f"{x(time_s):.1f}", _HEIGHT - _BOTTOM, status)
        for time_s, status in zip(channel.times_s, channel.statuses, strict=True)
        if status >> _SEVERITY_SHIFT
    )
    trigger = f"{x(0.0):.1f}"
    inside = Markup(
        '<line x1="{t}" y1="{top}" x2="{t}" y2="{bottom}" stroke="#4a525a" stroke-dasharray="3 3"/>'
        '<polyline points="{points}" fill="none" stroke="#7ab8ff" stroke-width="1.6"/>{bad}'
        '<text x="{left}" y="{base}">{before:.3g} s</text><text x="{t}" y="{base}" text-anchor="middle">trigger</text>'
        '<text x="{right}" y="{base}" text-anchor="end">{after:+.3g} s</text>'
    ).format(
        t=trigger,
        top=_TOP,
        bottom=_HEIGHT - _BOTTOM,
        points=points,
        bad=bad,
        left=_LEFT,
        right=_WIDTH - _RIGHT,
        base=_HEIGHT - 6,
        before=-window.before_s,
        after=window.after_s,
    )
    return _frame(channel, inside, f"{low:.4g} … {high:.4g} {channel.unit}".strip())


def _frame(channel: SensorChannel, inside: Markup, values: str) -> Markup:
    return Markup(
        '<svg viewBox="0 0 {w} {h}" role="img" aria-label="{name}">'
        '<text x="8" y="15" style="fill:#eceff1;font-weight:600">{name}</text>'
        '<text x="{right}" y="15" text-anchor="end">{values}</text>{inside}</svg>'
    ).format(w=_WIDTH, h=_HEIGHT, name=channel.name, right=_WIDTH - _RIGHT, values=values, inside=inside)
