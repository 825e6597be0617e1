"""One inspection as rows of every table it goes into (pure)."""

from datetime import datetime
from typing import NamedTuple

from storage.bulk_insert import Row, clean_text, moment_text
from wire.inspection import Inspection

# U+0000 as JSON writes it: PostgreSQL stores no text with that character, and almost no result has any.
_NUL = rb"\u0000"


class ResultRows(NamedTuple):
    """Rows of one inspection, made before the transaction begins; the row of ``inspections`` waits for its number."""

    inspection: Inspection
    identifier: str
    captured_at: str
    judged: int
    columns: Row
    document: str
    verdicts: list[Row]
    regions: list[Row]

    def inspection_row(self, stored_seq: int, stored_at: datetime, stored_at_text: str) -> Row:
        """The row of ``inspections``; ``stored_at`` is the moment of the commit."""
        first = self.inspection.processing.captured_first_at
        return (
            self.identifier,
            self.captured_at,
            stored_seq,
            stored_at_text,
            *self.columns,
            None if first is None else (stored_at - first).total_seconds(),
            self.document,
        )


def result_rows(inspection: Inspection, document: bytes | None = None) -> ResultRows:
    """Turn an inspection into rows; ``document`` is the JSON it was read from.

    This runs once per result on the way into SQL, next to a driver that needs 50 µs for the same result: hence the
    plain tuples, and nothing is looked at twice.
    """
    document = document or inspection.to_json()
    rows = _rows(inspection, document)
    return rows if _NUL not in document else _without_nul(rows)


def _rows(inspection: Inspection, document: bytes) -> ResultRows:
    identifier, captured_at, line = inspection.inspection_id.hex, moment_text(inspection.captured_at), inspection.line
    provenance = inspection.provenance
    # str() of a StrEnum is its plain text, and three times as fast as .value.
    verdicts = [
        (
            identifier, each.modality, str(each.state), str(each.verdict), each.score, each.threshold,
            None if each.mode is None else str(each.mode), each.deviation,
        )
        for each in inspection.modalities
    ]  # fmt: skip
    return ResultRows(
        inspection,
        identifier,
        captured_at,
        inspection.complete_modalities,
        (
            line, inspection.product, inspection.part_id, inspection.trigger_session,
            inspection.job, inspection.recipe, str(inspection.verdict), inspection.score,
            inspection.threshold, str(inspection.mode), int(inspection.is_partial), int(inspection.is_simulated),
            str(inspection.result_state), provenance.state_version, provenance.model_digest,
        ),
        document.decode(),
        verdicts,
        [
            (
                identifier, each.modality, each.index, line, captured_at, each.type, each.type_probability,
                *each.xyxy_px, each.area_px, each.score, each.facts.to_json().decode(),
            )
            for each in inspection.regions
        ],
    )  # fmt: skip


def _without_nul(rows: ResultRows) -> ResultRows:
    def clean(row: Row) -> Row:
        return tuple(clean_text(value) if isinstance(value, str) else value for value in row)

    return rows._replace(
        columns=clean(rows.columns),
        verdicts=[clean(row) for row in rows.verdicts],
        regions=[clean(row) for row in rows.regions],
    )
