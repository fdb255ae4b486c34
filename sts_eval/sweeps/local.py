"""The engine of one machine: stages in order, in a process beside the driver, which outlives it."""

import multiprocessing
from collections import deque
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures import TimeoutError as NotYetError
from concurrent.futures.process import BrokenProcessPool

from sts_eval.jobs import die_with_parent, stop
from sts_eval.sweeps.perform import Task, attempt
from sts_eval.sweeps.state import StageRecord


class Local:
    """One stage at a time. The worker process is kept, since loading the libraries takes longer than a small stage."""

    width = 1
    place = "this machine"
    notes: tuple[str, ...] = ()

    def __init__(self) -> None:
        self._queue: deque[Task] = deque()
        self._pool: ProcessPoolExecutor | None = None
        self._running: tuple[Task, Future[StageRecord]] | None = None

    def submit(self, task: Task) -> None:
        """Take an attempt, to begin it after those taken before."""
        self._queue.append(task)
        self._begin()

    def wait(self, seconds: float) -> list[StageRecord]:
        """The attempt that has ended, as soon as it has."""
        if self._running is None:
            return []
        task, future = self._running
        try:
            ended = future.result(timeout=seconds)
        except NotYetError:
            return []
        except BrokenProcessPool:
            ended = task.lose("the worker process died: killed, or out of memory")
            self._stop()
        self._running = None
        if task.matrix.resources.of(task.stage.kind).gpus:
            self._stop()  # only the end of a process gives back all of a GPU's memory
        self._begin()
        return [ended]

    def close(self) -> None:
        """Stop the worker, whatever it does."""
        self._queue.clear()
        self._stop()

    def _begin(self) -> None:
        while self._running is None and self._queue:
            if self._pool is None:
                context = multiprocessing.get_context("spawn")
                self._pool = ProcessPoolExecutor(1, mp_context=context, initializer=die_with_parent)
            try:
                self._running = self._queue[0], self._pool.submit(attempt, self._queue[0])
                self._queue.popleft()
            except BrokenProcessPool:  # it was killed between two stages, which harmed neither
                self._stop()

    def _stop(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            stop(pool)
