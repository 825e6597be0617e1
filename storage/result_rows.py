"""One inspection as rows of every table it goes into (pure)."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from storage.bulk_insert import Row, clean_text, id_text, moment_text
from wire.inspection import Inspection

_SIGNED_64_BITS = 8


def ref_hash(ref: str) -> int:
    """The first 64 bits of sha256(ref), signed: the key of ``evidence_uses``."""
    return int.from_bytes(hashlib.sha256(ref.encode()).digest()[:_SIGNED_64_BITS], "big", signed=True)


@dataclass(frozen=True, kw_only=True)
class ResultRows:
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

    def inspection_row(self, stored_seq: int, stored_at: datetime) -> Row:
        """The row of ``inspections``; ``stored_at`` is the moment of the commit."""
        first = self.inspection.processing.captured_first_at
        latency_s = None if first is None else (stored_at - first).total_seconds()
        return (
            self.identifier, self.captured_at, stored_seq, moment_text(stored_at), *self.columns, latency_s,
            self.document,
        )  # fmt: skip


def result_rows(inspection: Inspection) -> ResultRows:
    """Turn an inspection into rows."""
    identifier, captured_at = id_text(inspection.inspection_id), moment_text(inspection.captured_at)
    line = inspection.line
    return ResultRows(
        inspection=inspection,
        identifier=identifier,
        captured_at=captured_at,
        judged=inspection.complete_modalities,
        columns=(
            line,
            clean_text(inspection.product),
            clean_text(inspection.part_id),
            clean_text(inspection.trigger_session),
            clean_text(inspection.job),
            clean_text(inspection.recipe),
            inspection.verdict.value,
            inspection.score,
            inspection.threshold,
            inspection.mode.value,
            int(inspection.is_partial),
            int(inspection.is_simulated),
            inspection.result_state.value,
            inspection.provenance.state_version,
            inspection.provenance.model_digest,
        ),
        document=inspection.to_json().decode(),
        verdicts=[
            (
                identifier, clean_text(each.modality), each.state.value, each.verdict.value, each.score, each.threshold,
                None if each.mode is None else each.mode.value, each.deviation,
            )
            for each in inspection.modalities
        ],
        regions=[
            (
                identifier, clean_text(each.modality), each.index, line, captured_at, clean_text(each.type),
                each.type_probability, *each.xyxy_px, each.area_px, each.score, each.facts.to_json().decode(),
            )
            for each in inspection.regions
        ],
        evidence=[(hashed, identifier) for hashed in {ref_hash(each.ref) for each in inspection.evidence}],
    )  # fmt: skip
