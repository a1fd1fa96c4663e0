"""Long work as durable jobs: asked for by a person or a clock, done by a worker, watched while it runs.

A worker claims a job for as long as it keeps reporting; one that dies leaves the job to the next worker.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, insert, or_, select, update

from bot.errors import Conflict, NotFound
from bot.store.database import Database
from bot.store.tables import jobs

ALIVE = timedelta(seconds=120)
"""A running job that has not reported for this long is taken over."""
ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Job:
    """`state` is waiting, running, done, refused or failed; `done` of `total` steps, `message` says which."""

    id: int
    kind: str
    payload: Mapping[str, Any]
    state: str
    done: int
    total: int
    message: str
    result: Mapping[str, Any] = field(default_factory=dict)
    attempts: int = 0
    created_at: datetime | None = None
    finished_at: datetime | None = None


class Jobs:
    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    def enqueue(self, kind: str, payload: Mapping[str, Any] | None = None, *, alone: bool = False) -> Job:
        """Ask for work. With `alone`, a `Conflict` if a job of this kind waits or runs already."""

        def work(connection: Connection) -> int:
            if alone:
                open_jobs = select(jobs.c.id).where(jobs.c.kind == kind, jobs.c.state.in_(("waiting", "running")))
                if (other := connection.scalar(open_jobs.limit(1))) is not None:
                    raise Conflict(f"job {other} of kind {kind} is not finished yet; wait for it", code="busy")
            values = {"kind": kind, "payload": dict(payload or {}), "created_at": self._clock()}
            return int(connection.scalar(insert(jobs).values(**values).returning(jobs.c.id)) or 0)

        return self.get(self._database.write(work))

    def claim(self) -> Job | None:
        """The oldest job that waits, or whose worker died; None when there is none."""

        def work(connection: Connection) -> int | None:
            now = self._clock()
            orphaned = and_(jobs.c.state == "running", jobs.c.alive_until < now)
            query = select(jobs).where(or_(jobs.c.state == "waiting", orphaned)).order_by(jobs.c.id).limit(1)
            row = connection.execute(query.with_for_update(skip_locked=True)).one_or_none()
            if row is None:
                return None
            values: dict[str, Any] = {"state": "running", "attempts": row.attempts + 1, "alive_until": now + ALIVE}
            if row.attempts >= ATTEMPTS:
                values = {"state": "failed", "message": f"given up after {ATTEMPTS} workers died on it"}
            connection.execute(update(jobs).where(jobs.c.id == row.id).values(**values))
            return int(row.id)

        id = self._database.write(work)
        if id is None:
            return None
        job = self.get(id)
        return job if job.state == "running" else self.claim()

    def progress(self, job: Job, done: int, total: int, message: str) -> None:
        """Report how far the work is, which also keeps the claim."""
        values = {"done": done, "total": total, "message": message, "alive_until": self._clock() + ALIVE}
        self._update(job.id, values)

    def finish(self, job: Job, state: str, message: str, result: Mapping[str, Any] | None = None) -> None:
        """End a job as done, refused or failed."""
        values = {"state": state, "message": message, "result": dict(result or {}), "finished_at": self._clock()}
        self._update(job.id, values)

    def get(self, id: int) -> Job:
        with self._database.read() as connection:
            row = connection.execute(select(jobs).where(jobs.c.id == id)).one_or_none()
        if row is None:
            raise NotFound(f"no job {id}")
        return _job(row)

    def listing(self, limit: int = 20) -> tuple[Job, ...]:
        """The newest jobs, newest first."""
        with self._database.read() as connection:
            return tuple(_job(row) for row in connection.execute(select(jobs).order_by(jobs.c.id.desc()).limit(limit)))

    def _update(self, id: int, values: dict[str, Any]) -> None:
        self._database.write(
            lambda connection: connection.execute(update(jobs).where(jobs.c.id == id).values(**values))
        )


def _job(row: Row[Any]) -> Job:
    return Job(
        row.id,
        row.kind,
        row.payload,
        row.state,
        row.done,
        row.total,
        row.message,
        row.result,
        row.attempts,
        row.created_at,
        row.finished_at,
    )
