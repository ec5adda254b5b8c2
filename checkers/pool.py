"""Several runs at once: one process for each core, results in the order of the jobs."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Any, Generic, TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


def deaf() -> None:
    """Leave an interruption to the parent, which ends the workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


class Pool(Generic[Job, Result]):
    """Makes jobs in forked processes, which inherit what cannot be sent to them."""

    def __init__(
        self, work: Callable[[Job], Result], jobs: Sequence[Job], workers: int
    ) -> None:
        global _work
        context = multiprocessing.get_context("fork")
        needless = self.needless = context.Array("b", len(jobs), lock=False)
        _work = lambda at: None if needless[at] else work(jobs[at])
        self.executor = ProcessPoolExecutor(workers, context, deaf)
        self.futures: list[Future[Any]] = [
            self.executor.submit(_make, at) for at in range(len(jobs))
        ]

    def results(
        self, skip: Callable[[int], bool]
    ) -> Iterator[tuple[int, Result | None]]:
        """Yield (job, result) in order; None for a job that `skip` says not to make."""
        abandoned = False
        try:
            for at, future in enumerate(self.futures):
                if skip(at):
                    self.needless[at] = True  # for a worker that has not begun it
                    abandoned |= not future.done()
                    yield at, None
                else:
                    yield at, future.result()
        except BaseException:
            self.stop()
            self.executor.shutdown(wait=False)
            raise
        if abandoned:  # nobody waits for a run whose result is not wanted
            self.stop()
        self.executor.shutdown()

    def stop(self) -> None:
        """End the workers at once; the executor sees it and gives up what is left."""
        workers = list((getattr(self.executor, "_processes", None) or {}).values())
        for worker in workers:
            worker.terminate()


_work: Callable[[int], object] = lambda at: None


def _make(at: int) -> object:
    return _work(at)
