"""Jobs on both databases: claimed once, taken over from the dead, given up after three, and fenced."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from bot.errors import Conflict, NotFound
from bot.store.database import Database
from bot.store.jobs import ALIVE, ATTEMPTS, Job, Jobs
from tests.conftest import Clock


@pytest.fixture
def jobs(database: Database, clock: Clock) -> Jobs:
    return Jobs(database, clock)


def claimed(jobs: Jobs) -> Job:
    job = jobs.claim()
    assert job is not None
    return job


def test_a_job_from_asking_to_done(jobs: Jobs, clock: Clock) -> None:
    asked = jobs.enqueue("retrain", {"by": "Maud"})
    assert (asked.state, asked.payload, asked.created_at) == ("waiting", {"by": "Maud"}, clock())
    job = claimed(jobs)
    assert (job.id, job.state, job.attempts) == (asked.id, "running", 1)
    jobs.progress(job, 3, 9, "training")
    shown = jobs.get(job.id)
    assert (shown.done, shown.total, shown.message) == (3, 9, "training")
    clock.pass_(minutes=1)
    jobs.finish(job, "done", "live", {"release": "r-1"})
    ended = jobs.get(job.id)
    assert (ended.state, ended.result, ended.finished_at) == ("done", {"release": "r-1"}, clock())
    assert jobs.claim() is None


def test_jobs_are_claimed_in_the_order_asked_for(jobs: Jobs) -> None:
    ids = [jobs.enqueue(kind).id for kind in ("retrain", "publish", "retrain")]
    assert [claimed(jobs).id for _ in ids] == ids
    assert [each.id for each in jobs.listing(2)] == ids[:0:-1]


def test_many_workers_claim_each_job_once(jobs: Jobs) -> None:
    ids = [jobs.enqueue("publish").id for _ in range(12)]
    with ThreadPoolExecutor(6) as pool:
        got = [job.id for job in pool.map(lambda _: jobs.claim(), range(16)) if job is not None]
    assert sorted(got) == ids


@pytest.mark.parametrize("reach", [lambda jobs: None, lambda jobs: jobs.claim()])
def test_alone_means_one_that_waits_or_runs(jobs: Jobs, reach: Callable[[Jobs], object]) -> None:
    first = jobs.enqueue("retrain", alone=True)
    reach(jobs)
    with pytest.raises(Conflict, match=f"job {first.id} of kind retrain is not finished yet; wait for it") as caught:
        jobs.enqueue("retrain", alone=True)
    assert caught.value.code == "busy"
    assert jobs.enqueue("publish", alone=True).kind == "publish"


@pytest.mark.parametrize("state", ["done", "refused", "failed"])
def test_alone_minds_no_job_that_is_over(jobs: Jobs, state: str) -> None:
    jobs.enqueue("retrain", alone=True)
    jobs.finish(claimed(jobs), state, "over")
    assert jobs.enqueue("retrain", alone=True).state == "waiting"


def test_of_many_who_ask_for_one_alone_one_gets_it(jobs: Jobs) -> None:
    def ask(_: int) -> bool:
        try:
            jobs.enqueue("retrain", alone=True)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(ask, range(16))) == 1
    assert len(jobs.listing()) == 1


def test_a_job_whose_worker_died_is_taken_over_when_its_claim_ends(jobs: Jobs, clock: Clock) -> None:
    jobs.enqueue("retrain")
    dead = claimed(jobs)
    clock.pass_(seconds=ALIVE.total_seconds())
    assert jobs.claim() is None
    clock.pass_(seconds=1)
    heir = claimed(jobs)
    assert (heir.id, heir.attempts) == (dead.id, 2)


def test_progress_keeps_the_claim(jobs: Jobs, clock: Clock) -> None:
    jobs.enqueue("retrain")
    job = claimed(jobs)
    for step in range(5):
        clock.pass_(seconds=ALIVE.total_seconds() - 1)
        jobs.progress(job, step, 5, "training")
        assert jobs.claim() is None


def test_a_worker_that_comes_late_changes_nothing(jobs: Jobs, clock: Clock) -> None:
    jobs.enqueue("retrain")
    late = claimed(jobs)
    clock.pass_(seconds=ALIVE.total_seconds() + 1)
    heir = claimed(jobs)
    for change in (lambda: jobs.progress(late, 1, 2, "old"), lambda: jobs.finish(late, "failed", "old")):
        with pytest.raises(Conflict) as caught:
            change()
        assert caught.value.code == "taken_over"
    jobs.finish(heir, "done", "live")
    with pytest.raises(Conflict):
        jobs.finish(late, "failed", "old")
    assert (jobs.get(heir.id).state, jobs.get(heir.id).message) == ("done", "live")


def test_a_job_that_kills_its_workers_is_given_up_and_the_next_one_done(jobs: Jobs, clock: Clock) -> None:
    deadly = jobs.enqueue("retrain")
    harmless = jobs.enqueue("publish")
    for _ in range(ATTEMPTS):
        assert claimed(jobs).id == deadly.id
        clock.pass_(seconds=ALIVE.total_seconds() + 1)
    assert claimed(jobs).id == harmless.id
    given_up = jobs.get(deadly.id)
    assert (given_up.state, given_up.finished_at) == ("failed", clock())
    assert given_up.message == f"given up after {ATTEMPTS} workers died on it"


def test_an_unknown_job_is_told(jobs: Jobs) -> None:
    with pytest.raises(NotFound, match="no job 99"):
        jobs.get(99)
