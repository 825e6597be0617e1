"""The cards beside a part's picture: verdict, scores, report, provenance, feedback."""

from markupsafe import Markup

from dashboard.api.documents import FeedbackDocument
from dashboard.evidence_links import reference_thumbnail_url
from dashboard.pages.description_levels import LEVELS
from dashboard.pages.wording import MODES, level, product_text, score_text, seconds_text, verdict_word
from storage.stored_inspection import StoredInspection
from wire.finding import ModalityState, ModalityVerdict, Reading
from wire.inspection import Inspection

_STATES = {ModalityState.MISSING: "did not arrive", ModalityState.QUARANTINED: "unreadable, quarantined"}


def verdict_card(stored: StoredInspection) -> Markup:
    """Verdict, part, product, and the report's summary."""
    it = stored.inspection
    tags = Markup("").join(
        Markup('<span class="tag {}">{}</span>').format(tone, text)
        for shown, tone, text in (
            (it.is_partial, "warn", "partial: a modality is missing"),
            (it.is_simulated, "", "simulated"),
            (it.mode.value == "zero_shot", "warn", "zero-shot: no memory yet"),
        )
        if shown
    )
    said = stored.report.summary if stored.report else "No report: descriptions are written for flagged parts only."
    if stored.report is None and it.verdict.value == "defect":
        said = "The report is being written."
    return Markup(
        '<div class="rowx" style="justify-content:space-between"><span class="verdict big {tone}">{word}</span>'
        '<span class="soft">score <b class="mono">{score}</b> · threshold <b class="mono">{threshold}</b></span></div>'
        '<p style="margin-top:9px" data-report>{said}</p>{tags}'
    ).format(
        tone=it.verdict.value,
        word=verdict_word(it),
        score=score_text(it.score),
        threshold=score_text(it.threshold),
        said=said,
        tags=Markup('<div class="rowx" style="gap:6px;margin-top:8px">{}</div>').format(tags) if tags else "",
    )


def scores_card(inspection: Inspection) -> Markup:
    """Score against threshold per modality; the white line is the threshold."""
    return Markup('<h3 style="margin-bottom:8px">Scores against thresholds</h3><div class="scores">{}</div>').format(
        Markup("").join(_score(it) for it in inspection.modalities)
    )


_EXTRAPOLATED = Markup(
    ' <span title="The stated rate is less than the line\'s good parts can show">(extrapolated)</span>'
)


def _score(it: ModalityVerdict) -> Markup:
    if it.score is None:
        return Markup(
            '<div class="score"><div class="top"><b>{}</b><span class="tag warn">{}</span></div></div>'
        ).format(it.modality, _STATES.get(it.state, "not judged"))
    deviation = "" if it.deviation is None else f"{it.deviation:+.1f} σ · "
    return Markup(
        '<div class="score {tone}"><div class="top"><b>{name}</b><span class="soft">{deviation}'
        '<b class="mono">{score}</b> / <span class="mono">{threshold}</span>{beyond}</span></div>'
        '<div class="track"><i style="width:{width:.1f}%"></i>'
        "<u></u></div></div>"
    ).format(
        tone=it.verdict.value,
        name=it.modality,
        deviation=deviation,
        score=score_text(it.score),
        threshold=score_text(it.threshold),
        beyond=_EXTRAPOLATED if it.threshold_extrapolated else "",
        width=level(it.score, it.threshold) * 100,
    )


def _references(inspection: Inspection) -> list[tuple[str, object]]:
    """How many good parts the line had learned from, and the one that this part resembles most."""
    shots = max((it.shots or 0 for it in inspection.modalities), default=0)
    found: list[tuple[str, object]] = [("Good parts learned", shots)] if shots else []
    found += [
        (
            f"Closest good part, {it.modality}",
            # A reference's evidence is kept as long as a state was made of it.
            Markup(
                '<a href="/part/{id}" class="mono"><img class="thumb" loading="lazy" alt="" src="{picture}">{short}</a>'
            ).format(
                id=it.closest_reference,
                picture=reference_thumbnail_url(it.closest_reference, it.modality),
                short=_short(str(it.closest_reference)),
            ),
        )
        for it in inspection.modalities
        if it.closest_reference is not None
    ]
    return found


def _readings(inspection: Inspection) -> list[tuple[str, object]]:
    """How its images were seen and which words they were compared with; images of a part hardly ever differ there."""
    found: dict[Reading, list[str]] = {}
    for it in inspection.modalities:
        if it.reading is not None:
            found.setdefault(it.reading, []).append(it.modality)
    pairs: list[tuple[str, object]] = []
    for reading, names in found.items():
        modalities = f", {', '.join(names)}" if len(found) > 1 else ""
        pairs.append((f"Value-value attention{modalities}", reading.vv_mode))
        if reading.learned_words:
            pairs.append((f"Learned words{modalities}", _short(reading.learned_words)))
        if reading.level is not None:
            alone = f"; no text of it: {', '.join(reading.named_alone)}" if reading.named_alone else ""
            pairs.append((f"Description level{modalities}", f"{LEVELS[reading.level].name}{alone}"))
    return pairs


def facts_list(pairs: list[tuple[str, object]]) -> Markup:
    """A list of names and values."""
    rows = Markup("").join(Markup("<dt>{}</dt><dd>{}</dd>").format(name, value) for name, value in pairs)
    return Markup('<dl class="facts">{}</dl>').format(rows)


def moment(iso: str, *, day: bool = True) -> Markup:
    """A moment in the reader's time zone."""
    return Markup('<ls-time iso="{}"{}></ls-time>').format(iso, Markup(" day") if day else Markup(""))


def plant_card(stored: StoredInspection) -> Markup:
    """What the plant said about the part."""
    it = stored.inspection
    pairs: list[tuple[str, object]] = [
        ("Line", it.line),
        ("Product", product_text(it.product)),
        ("Job", it.job or "–"),
        ("Recipe", it.recipe or "–"),
        ("Serial number", it.serial_number or "–"),
        ("PackML state", f"{it.packml_state or '–'}{' (outside Execute)' if it.outside_execute else ''}"),
        ("Triggered", moment(it.captured_at.isoformat())),
        ("Stored", moment(stored.stored_at.isoformat())),
    ]
    if it.processing.captured_first_at is not None:
        waited_s = (stored.stored_at - it.processing.captured_first_at).total_seconds()
        pairs.append(("Capture to row", seconds_text(waited_s)))
    return Markup('<h3 style="margin-bottom:6px">From the plant</h3>{}').format(facts_list(pairs))


def provenance_card(inspection: Inspection) -> Markup:
    """Which software, model and state decided; enough to decide again."""
    it = inspection.provenance
    state = (
        "none (zero-shot)" if it.state_version is None else f"version {it.state_version} · {_short(it.state_digest)}"
    )
    rate = "–" if inspection.false_alarm_rate is None else f"{inspection.false_alarm_rate * 100:g} %"
    pairs: list[tuple[str, object]] = [
        ("Decided by", MODES[inspection.mode]),
        ("Line state", state),
        *_references(inspection),
        *_readings(inspection),
        ("False-alarm rate", rate),
        ("Recipe", f"{it.recipe} · {_short(it.model_digest)}"),
        *[("with", f"{key} = {value}") for key, value in it.recipe_changes.items()],
        ("Software", it.software_version),
        ("Worker", it.worker),
        ("Model time", seconds_text(inspection.processing.model_s)),
        ("Kafka", f"{it.topic} / {it.partition} / {it.offset}"),
        (
            "Events",
            Markup("<br>").join(_event(event.source, event.session, event.sequence) for event in inspection.events),
        ),
        ("Inspection", Markup('<span class="mono">{}</span>').format(inspection.inspection_id)),
    ]
    return Markup('<h3 style="margin-bottom:6px">Provenance</h3>{}').format(facts_list(pairs))


def feedback_card(feedback: list[FeedbackDocument]) -> Markup:
    """What people answered, newest last."""
    return Markup("").join(
        Markup(
            '<div class="rowx" style="gap:8px"><span class="tag {}">{}</span><span>{}{}</span>'
            '<span class="muted">{}</span></div>'
        ).format(
            "good" if it.label == "good" else "bad",
            it.label,
            it.by,
            f": {it.reason}" if it.reason else "",
            moment(it.given_at.isoformat()),
        )
        for it in feedback
    )


def _event(source: str, session: str, sequence: int) -> Markup:
    return Markup('<span class="mono" title="session {}">{} #{}</span>').format(session, source, sequence)


def _short(digest: str | None) -> str:
    return digest[:12] if digest else "–"
