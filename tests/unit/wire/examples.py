"""One inspection with every field filled in, to change what a test is about."""

from datetime import datetime, timedelta
from typing import Any

from wire import topics
from wire.facts import Facts, PositionShare
from wire.finding import Mode, Verdict
from wire.identifiers import inspection_id
from wire.inspection import Inspection, ProcessingTimes, Provenance, ResultState

FACTS = Facts(
    scale="small",
    polarity="dark",
    saliency="high",
    number="one",
    position=(PositionShare(cell="top-left", share=0.75), PositionShare(cell="top", share=0.25)),
    shape="linear",
    direction="horizontal",
    distribution="isolated",
    area_ratio=0.0125,
    contrast=-31.5,
    area_mm2=2.5,
)
PROVENANCE = Provenance(
    software_version="0.1.0",
    recipe="embedded",
    model_digest="m" * 64,
    state_version=3,
    state_digest="d" * 64,
    worker="worker-1",
    topic=topics.FRAMES,
    partition=0,
    offset=1000,
)


def made_inspection(line: str, part_id: str, at: datetime, /, *, session: str = "plc-1", **changes: Any) -> Inspection:
    """A good, complete result of the part triggered at `at`, without modalities; `changes` by field."""
    usual: dict[str, Any] = {
        "inspection_id": inspection_id(line, session, part_id),
        "line": line,
        "part_id": part_id,
        "trigger_session": session,
        "product": "bracket",
        "job": "J-7",
        "recipe": "night",
        "packml_state": "Execute",
        "captured_at": at,
        "created_at": at + timedelta(milliseconds=80),
        "processing": ProcessingTimes(
            captured_first_at=at + timedelta(milliseconds=5),
            start_time=at + timedelta(milliseconds=40),
            end_time=at + timedelta(milliseconds=70),
            model_s=0.012,
        ),
        "is_partial": False,
        "result_state": ResultState.COMPLETED,
        "verdict": Verdict.OK,
        "score": 1.5,
        "threshold": 3.0,
        "false_alarm_rate": 0.01,
        "mode": Mode.MEMORY,
        "modalities": (),
        "regions": (),
        "evidence": (),
        "events": (),
        "provenance": PROVENANCE,
    }
    return Inspection(**{**usual, **changes})
