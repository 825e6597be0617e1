"""describe: a report per flagged inspection, whatever dies on the way."""

import pytest

from storage.database import Database
from storage.jobs import Job, JobStore
from stream.agents.describe import DescribeAgent
from stream.metrics.describe import DescribeMetrics
from stream.metrics.worker import new_registry
from stream.outbox import Outbox
from stream.settings import BuildLimits
from tests.unit.stream.agent_run import Acknowledged, run_agent
from tests.unit.stream.made_records import heartbeat_event, record
from tests.unit.stream.made_results import inspection
from tests.unit.stream.recording_sender import RecordingSender
from tests.unit.stream.sabotage import Sabotage, Sabotaged
from wire import topics
from wire.errors import BrokerUnavailable
from wire.finding import Verdict
from wire.inspection import Report


class FaultyJobs(JobStore):
    """Points: ``enqueue``, ``finish``. Leases are short, so that a dead worker's jobs are free soon."""

    def __init__(self, database: Database, sabotage: Sabotage) -> None:
        super().__init__(database)
        self._sabotage = sabotage

    def enqueue(self, kind: str, key: str, line: str, payload: dict[str, object]) -> bool:
        self._sabotage.hit("enqueue")
        return super().enqueue(kind, key, line, payload)

    def finish(self, job: Job, result: dict[str, object] | None = None) -> bool:
        self._sabotage.hit("finish")
        return super().finish(job, result)


def agent(database: Database, sabotage: Sabotage, sender: RecordingSender) -> DescribeAgent:
    return DescribeAgent(
        jobs=FaultyJobs(database, sabotage),
        outbox=Outbox(sender, group=topics.GROUP_DESCRIBE, patience_s=5),
        owner="bench",
        limits=BuildLimits(lease_s=1.5, poll_s=0.05),
        patience_s=5,
        metrics=DescribeMetrics(new_registry()),
    )


RECORDS = [
    record(event, offset, topic=topics.RESULTS)
    for offset, event in enumerate(
        [
            inspection(0).to_event(),
            inspection(1, verdict=Verdict.DEFECT).to_event(),
            heartbeat_event("0"),
            inspection(2, verdict=Verdict.UNKNOWN).to_event(),
            inspection(3, verdict=Verdict.DEFECT).to_event(),
            inspection(3, verdict=Verdict.DEFECT).to_event(),
        ]
    )
]


def reports(sender: RecordingSender) -> list[Report]:
    return [Report.from_json(event.data) for event in sender.events[topics.REPORTS]]


async def test_only_defects_are_described_each_once(database: Database) -> None:
    sabotage = Sabotage()
    sender = RecordingSender(sabotage)
    progress = Acknowledged(sabotage)
    jobs = JobStore(database)
    assert await run_agent(
        agent(database, sabotage, sender),
        RECORDS,
        progress,
        lambda: len(reports(sender)) == 2 and not jobs.pending("describe"),
        "two reports",
    )
    assert progress.offsets == [0, 1, 2, 3, 4, 5]
    assert [(report.part_id, report.reporter, report.fallback) for report in reports(sender)] == [
        ("P1", "template", False),
        ("P3", "template", False),
    ]
    assert all(report.summary and len(report.regions) == 1 for report in reports(sender))


FAULTS = {
    "1 before the job": "enqueue",
    "2 before the acknowledgement": "acknowledge",
    "3 before the report": f"send:{topics.INSPECTION_REPORT}",
    "3 after the report": f"answer:{topics.INSPECTION_REPORT}",
    "4 before the job is finished": "finish",
}


@pytest.mark.parametrize("point", FAULTS.values(), ids=FAULTS.keys())
async def test_describer_that_dies_at_an_effect_leaves_no_defect_undescribed(database: Database, point: str) -> None:
    sabotage = Sabotage({(point, 1): Sabotaged(point)})
    sender = RecordingSender(sabotage)
    first = Acknowledged(sabotage)
    assert not await run_agent(agent(database, sabotage, sender), RECORDS, first, lambda: False, "its death")
    jobs = JobStore(database)
    unread = RECORDS[len(first.offsets) :]
    assert await run_agent(
        agent(database, sabotage, sender),
        unread,
        Acknowledged(sabotage),
        lambda: {report.part_id for report in reports(sender)} == {"P1", "P3"} and not jobs.pending("describe"),
        "two reports",
    )


async def test_broker_that_is_away_only_delays_reports(database: Database) -> None:
    away = BrokerUnavailable("away", retry_after_s=0.05)
    sabotage = Sabotage({(f"send:{topics.INSPECTION_REPORT}", call): away for call in (1, 2, 3)})
    sender = RecordingSender(sabotage)
    assert await run_agent(
        agent(database, sabotage, sender),
        RECORDS,
        Acknowledged(sabotage),
        lambda: len(reports(sender)) == 2,
        "two reports",
    )
