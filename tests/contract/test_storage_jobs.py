import threading

import pytest

from storage.database import Database
from storage.jobs import Job, JobStore
from tests.unit.storage.examples import LINE

# A lease that is over as soon as it is given, and one that no test outlives.
OVER_AT_ONCE, LONG = 0.0, 3600.0


@pytest.fixture
def jobs(database: Database) -> JobStore:
    return JobStore(database)


def keys(found: list[Job]) -> list[str]:
    return [job.key for job in found]


def test_a_job_is_added_once_whatever_became_of_it(jobs: JobStore) -> None:
    assert jobs.enqueue("describe", "part-1", LINE, {"inspection": "1"})
    assert not jobs.enqueue("describe", "part-1", LINE, {"inspection": "other"})
    assert jobs.enqueue("build", "part-1", LINE, {})
    (job,) = jobs.lease("describe", "worker-1", LONG, 5)
    assert (job.key, job.line, job.payload, job.owner, job.attempts) == (
        "part-1",
        LINE,
        {"inspection": "1"},
        "worker-1",
        1,
    )
    assert jobs.finish(job, {"report": "r"})
    assert not jobs.enqueue("describe", "part-1", LINE, {})
    assert jobs.pending("describe") == 0
    assert jobs.pending("build") == 1


def test_the_oldest_jobs_are_leased_first_and_to_one_worker_only(jobs: JobStore) -> None:
    for number in range(5):
        jobs.enqueue("describe", f"part-{number}", LINE, {})
    assert keys(jobs.lease("describe", "worker-1", LONG, 2)) == ["part-0", "part-1"]
    assert keys(jobs.lease("describe", "worker-2", LONG, 2)) == ["part-2", "part-3"]
    assert keys(jobs.lease("describe", "worker-1", LONG, 9)) == ["part-4"]
    assert jobs.lease("describe", "worker-2", LONG, 9) == []
    assert jobs.pending("describe") == 5


def test_workers_that_ask_at_once_never_share_a_job(jobs: JobStore) -> None:
    for number in range(60):
        jobs.enqueue("describe", f"part-{number:02}", LINE, {})
    taken: list[str] = []
    lock = threading.Lock()

    def work(owner: str) -> None:
        while found := jobs.lease("describe", owner, LONG, 7):
            with lock:
                taken.extend(keys(found))
            for job in found:
                assert jobs.finish(job)

    threads = [threading.Thread(target=work, args=(f"worker-{number}",)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == [f"part-{number:02}" for number in range(60)]
    assert jobs.pending("describe") == 0


def test_an_expired_lease_is_taken_over_and_its_first_holder_is_told(jobs: JobStore) -> None:
    jobs.enqueue("describe", "part-1", LINE, {})
    (lost,) = jobs.lease("describe", "worker-1", OVER_AT_ONCE)
    (taken,) = jobs.lease("describe", "worker-2", LONG)
    assert (taken.key, taken.owner, taken.attempts) == ("part-1", "worker-2", 2)
    assert not jobs.renew(lost, LONG)
    assert not jobs.finish(lost)
    assert not jobs.fail(lost, "too late", 0)
    assert jobs.renew(taken, LONG)
    assert jobs.finish(taken)
    assert not jobs.finish(taken)


def test_a_restarted_worker_of_the_same_name_does_not_hold_its_predecessors_lease(jobs: JobStore) -> None:
    jobs.enqueue("describe", "part-1", LINE, {})
    (before,) = jobs.lease("describe", "worker-1", OVER_AT_ONCE)
    (after,) = jobs.lease("describe", "worker-1", LONG)
    assert not jobs.finish(before)
    assert jobs.finish(after)


def test_a_renewed_lease_is_kept(jobs: JobStore) -> None:
    jobs.enqueue("describe", "part-1", LINE, {})
    (job,) = jobs.lease("describe", "worker-1", OVER_AT_ONCE)
    assert jobs.renew(job, LONG)
    assert jobs.lease("describe", "worker-2", LONG) == []


def test_a_failed_job_is_tried_again_after_its_pause_or_never(jobs: JobStore) -> None:
    jobs.enqueue("describe", "part-1", LINE, {})
    (job,) = jobs.lease("describe", "worker-1", LONG)
    assert jobs.fail(job, "no model", LONG)
    assert jobs.lease("describe", "worker-1", LONG) == []
    assert jobs.pending("describe") == 1
    jobs.enqueue("describe", "part-2", LINE, {})
    (job,) = jobs.lease("describe", "worker-1", LONG)
    assert jobs.fail(job, "no model", 0)
    (again,) = jobs.lease("describe", "worker-2", LONG)
    assert (again.key, again.attempts) == ("part-2", 2)
    assert jobs.fail(again, "broken part", None)
    assert jobs.lease("describe", "worker-1", LONG) == []
    assert jobs.pending("describe") == 1
