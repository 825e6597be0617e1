"""One inspection as rows of every table it goes into (pure)."""

import hashlib
from datetime import datetime
from typing import NamedTuple

from storage.bulk_insert import Row, clean_text, moment_text
from wire.finding import ModalityVerdict, Region
from wire.inspection import Inspection

_SIGNED_64_BITS = 8


def ref_hash(ref: str) -> int:
    """The first 64 bits of sha256(ref), signed: the key of ``evidence_uses``."""
    return int.from_bytes(hashlib.sha256(ref.encode()).digest()[:_SIGNED_64_BITS], "big", signed=True)


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
    evidence: list[Row]

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
    """Turn an inspection into rows; ``document`` is the JSON it was read from."""
    identifier, captured_at = inspection.inspection_id.hex, moment_text(inspection.captured_at)
    line = inspection.line
    # str() of a StrEnum is its plain text, and three times as fast as .value.
    return ResultRows(
        inspection,
        identifier,
        captured_at,
        inspection.complete_modalities,
        (
            line,
            clean_text(inspection.product),
            clean_text(inspection.part_id),
            clean_text(inspection.trigger_session),
            clean_text(inspection.job),
            clean_text(inspection.recipe),
            str(inspection.verdict),
            inspection.score,
            inspection.threshold,
            str(inspection.mode),
            int(inspection.is_partial),
            int(inspection.is_simulated),
            str(inspection.result_state),
            inspection.provenance.state_version,
            inspection.provenance.model_digest,
        ),
        (document or inspection.to_json()).decode(),
        [_verdict_row(identifier, each) for each in inspection.modalities],
        [_region_row(identifier, line, captured_at, each) for each in inspection.regions],
        [(hashed, identifier) for hashed in {ref_hash(each.ref) for each in inspection.evidence}],
    )


def _verdict_row(identifier: str, verdict: ModalityVerdict) -> Row:
    return (
        identifier,
        clean_text(verdict.modality),
        str(verdict.state),
        str(verdict.verdict),
        verdict.score,
        verdict.threshold,
        None if verdict.mode is None else str(verdict.mode),
        verdict.deviation,
    )


def _region_row(identifier: str, line: str, captured_at: str, region: Region) -> Row:
    return (
        identifier,
        clean_text(region.modality),
        region.index,
        line,
        captured_at,
        clean_text(region.type),
        region.type_probability,
        *region.xyxy_px,
        region.area_px,
        region.score,
        region.facts.to_json().decode(),
    )
