"""Jobs in processes of their own, with limits that hold whatever they do."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing.connection import Connection, wait
from time import monotonic
from typing import Any

from .pool import deaf

FORK = multiprocessing.get_context("fork")
LOOK = 0.5  # seconds between two looks at the limits

Job = tuple[Callable[..., None], tuple[Any, ...]]  # gets a pipe as its last argument


def alone(work: Callable[..., None], args: tuple[Any, ...]) -> None:
    """Make a job in a process of its own."""
    deaf()
    work(*args)


@dataclass
class Running:
    """One job that goes on."""

    at: int
    child: Any
    until: float
    said: list[Any] = field(default_factory=list)


def processes(
    jobs: Iterable[Job], workers: int, limit: Callable[[int, int], float]
) -> Iterator[tuple[int, list[Any], bool]]:
    """Make jobs in forked processes; yield (job, what it sent, whether it ended).

    `limit(job, n)` says how many seconds there are for the message after the n-th;
    a job that takes longer is killed, and what it had sent is kept.  A job is asked
    for when it begins, so that it can use what the earlier ones said.
    """
    todo = enumerate(jobs)
    running: dict[Connection, Running] = {}

    def begin() -> None:
        for at, (work, args) in islice(todo, 1):
            here, there = FORK.Pipe(duplex=False)
            child = FORK.Process(target=alone, args=(work, (*args, there)), daemon=True)
            child.start()
            there.close()
            running[here] = Running(at, child, monotonic() + limit(at, 0))

    def end(pipe: Connection) -> Running:
        job = running.pop(pipe)
        job.child.join()
        pipe.close()
        begin()
        return job

    for _ in range(workers):
        begin()
    try:
        while running:
            for pipe in wait(list(running), LOOK):
                assert isinstance(pipe, Connection), "only pipes are waited for"
                job = running[pipe]
                try:
                    job.said.append(pipe.recv())
                    job.until = monotonic() + limit(job.at, len(job.said))
                except EOFError:
                    end(pipe)
                    yield job.at, job.said, True
            for pipe, job in list(running.items()):
                if monotonic() > job.until:
                    job.child.kill()
                    end(pipe)
                    yield job.at, job.said, False
    finally:
        for job in running.values():
            job.child.kill()
