"""The page: what was measured, figures, curves, and the maps behind them. One file, nothing loaded from elsewhere."""

import base64
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Final

from models.evaluate.evaluator import MEAN_OF_KINDS, Cell
from models.evaluate.figures import METRICS
from models.evaluate.report.chart import Axis, Line, legend, line_chart
from models.evaluate.report.curves import PRO_LIMIT
from models.evaluate.report.document import document
from models.evaluate.report.exhibition import Exhibition, Picture, Room
from models.evaluate.report.map_strip import scale_bar
from models.evaluate.report.tables import by_kind, overview
from models.evaluate.results import DetectorResult, EvaluationResult

_BY_SHOTS: Final = ("image_auroc", "pixel_auroc", "aupro_30")


def write_page(folder: Path, result: EvaluationResult, exhibition: Exhibition) -> Path:
    """Write ``index.html`` and ``evaluation.json`` into ``folder``, which is made if it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "evaluation.json").write_text(result.model_dump_json(indent=1) + "\n", encoding="utf-8")
    path = folder / "index.html"
    path.write_text(page(result, exhibition), encoding="utf-8")
    return path


def page(result: EvaluationResult, exhibition: Exhibition) -> str:
    """The whole document."""
    title = f"{', '.join(detector.name for detector in result.detectors)} on {result.dataset.name}"
    sections = [_introduction(result), "<h2>Figures</h2>", overview(result), _by_references(result)]
    sections += [_detector_section(detector, result, exhibition) for detector in result.detectors]
    sections.append(_reading(result))
    return document(title, "".join(sections))


def _introduction(result: EvaluationResult) -> str:
    conditions = result.conditions
    counts = "; ".join(
        f"{escape(name)}: " + ", ".join(f"{count} {escape(kind)}" for kind, count in kinds.items())
        for name, kinds in result.dataset.images.items()
    )
    shown = (
        "their own size" if conditions.input_size is None else f"{conditions.input_size} × {conditions.input_size} px"
    )
    versions = ", ".join(f"{name} {number}" for name, number in result.versions.items())
    skipped = f"<p>Left out as unreadable: {len(result.dataset.skipped)} images.</p>" if result.dataset.skipped else ""
    return (
        f'<p class="soft">{result.created_at:%Y-%m-%d %H:%M} UTC · lineside {escape(result.lineside)}, '
        f"{escape(versions)} · {escape(result.device)}, threads: {result.threads} · {result.wall_s:.0f} s</p>"
        f"<p>{counts}.</p>{skipped}"
        f"<p>Detectors see images in {shown}; maps and masks are compared at {conditions.resolution} × "
        f"{conditions.resolution} px. {conditions.draws} draws of references (seed {conditions.seed})"
        + (f", physical parts by <code>{escape(conditions.group)}</code>" if conditions.group else "")
        + (f" ± {conditions.group_distance}" if conditions.group_distance is not None else "")
        + (f", parts are {conditions.matching}" if conditions.matching else "")
        + ".</p>"
    )


def _by_references(result: EvaluationResult) -> str:
    """Figures over the number of references, if there is more than one number."""
    if len(result.conditions.shots) < 2:
        return ""
    axis = Axis(
        title="references",
        low=min(result.conditions.shots),
        high=max(result.conditions.shots),
        ticks=tuple(float(shots) for shots in result.conditions.shots),
    )
    charts = []
    for name in _BY_SHOTS:
        lines = {}
        for detector in result.detectors:
            found = [(each.shots, each.spread[MEAN_OF_KINDS][name]) for each in detector.shots
                     if name in each.spread.get(MEAN_OF_KINDS, {})]  # fmt: skip
            lines[detector.name] = Line(
                points=[(shots, spread.mean) for shots, spread in found],
                errors=[spread.std or 0.0 for _, spread in found],
            )
        if any(line.points for line in lines.values()):
            charts.append(line_chart(lines, axis, Axis(title=f"{METRICS[name]}, mean of kinds")))
    return legend([detector.name for detector in result.detectors]) + _charts(charts)


def _detector_section(detector: DetectorResult, result: EvaluationResult, exhibition: Exhibition) -> str:
    parts = [
        f"<h2>{escape(detector.name)}</h2>"
        f'<p class="soft">recipe {escape(detector.recipe)}, digest {escape(detector.digest[:16])}…</p>',
        by_kind(detector),
    ]
    available = [each.shots for each in detector.shots if each.unavailable is None]
    # Without references and with the most of them: the two ends say what lies between.
    for shots in sorted({available[0], available[-1]}) if available else []:
        for name in result.dataset.images:
            room = exhibition.rooms.get(Cell(detector=detector.name, shots=shots, draw=0, object=name))
            if room is not None:
                parts.append(f"<h3>{escape(name)}, {shots} references, first draw</h3>{_room(room, result)}")
    return "".join(parts)


def _room(room: Room, result: EvaluationResult) -> str:
    curves = room.curves
    charts = [
        line_chart({kind: Line(points=getattr(each, name)) for kind, each in curves.items()}, x, y, diagonal=diagonal)
        for name, x, y, diagonal in (
            ("image_roc", Axis(title="false positive rate, images"), Axis(title="true positive rate"), True),
            ("pixel_roc", Axis(title="false positive rate, pixels"), Axis(title="true positive rate"), True),
            ("pixel_pr", Axis(title="recall, pixels"), Axis(title="precision"), False),
            ("overlap", Axis(title="false positive rate, pixels", high=PRO_LIMIT, ticks=(0, 0.05, 0.1, 0.2, 0.3)),
             Axis(title="per-region overlap"), False),
        )
        if any(getattr(each, name) for each in curves.values())
    ]  # fmt: skip
    bar = (
        f'<p class="scale">{room.scale.low:.4g} {_image(scale_bar(180, 12), "colours from low to high")} '
        f"{room.scale.high:.4g} (raw map values; one scale for all images below)</p>"
    )
    kinds = [
        f"<h4>{escape(kind)}</h4>"
        f'<div class="maps"><div>{_pictures("best", room.best[kind])}</div>'
        f"<div>{_pictures('worst', room.worst[kind])}</div></div>"
        for kind in room.best
    ]
    return legend(list(curves)) + _charts(charts) + bar + "".join(kinds)


def _charts(charts: Sequence[str]) -> str:
    return f'<div class="charts">{"".join(f"<figure>{chart}</figure>" for chart in charts)}</div>'


def _pictures(title: str, pictures: Sequence[Picture]) -> str:
    figures = []
    for picture in pictures:
        own = "" if picture.pixel_auroc is None else f", pixel AUROC {picture.pixel_auroc:.3f}"
        caption = f"{title}: {picture.name}, score {picture.score:.4g}{own}"
        figures.append(f"<figure>{_image(picture.jpeg, caption)}<figcaption>{escape(caption)}</figcaption></figure>")
    return "".join(figures)


def _image(jpeg: bytes, text: str) -> str:
    return f'<img src="data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}" alt="{escape(text)}">'


def _reading(result: EvaluationResult) -> str:
    tolerances = [
        figures.pixel_auroc_tolerance
        for detector in result.detectors
        for each in detector.shots
        for draw in each.draws
        for found in draw.objects.values()
        for figures in (*found.kinds.values(), found.pooled)
        if figures.pixel_auroc_tolerance is not None
    ]
    exact = f" Pixel AUROC is within {max(tolerances):.1e} of the unbinned value." if tolerances else ""
    return (
        "<h2>How to read this</h2>"
        "<p><b>mean of kinds</b>: each kind of defect against all good images, then the mean. <b>pooled</b>: all kinds "
        "together. Both are averaged over objects. Values are mean ± standard deviation over the draws; n/a: one of "
        f"the two labels does not occur.{exact}</p>"
        "<p><b>References</b> are good images; a test image that may show the physical part of a reference is left out "
        "of that draw. Scores and maps are raw, never scaled by what the test images hold.</p>"
        "<p><b>AUPRO</b>: area under the mean share of each defect region that is found, over the false positive rate "
        "of good pixels, up to .30 or .05, divided by that limit.</p>"
        "<p><b>Maps</b>: the image, the image with its truth outlined, the map. Best and worst by the AUROC of the "
        "image's own pixels; good images by their score, so that the worst are the false alarms.</p>"
    )
