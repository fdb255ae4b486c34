"""Comparisons made beside the page: one at a time, so that no visitor's click waits for a bootstrap."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from sts_eval.errors import UserError
from sts_eval.records.comparison import Comparison

_LOG = logging.getLogger(__name__)
MOST_REMEMBERED = 32
MOST_WAITING = 8  # Comparisons under way. Whoever asks for more has to come back.
SECONDS_A_RUN = 0.1  # What a run is taken to cost until one comparison was timed in this process.


@dataclass
class _Job:
    n_runs: int
    future: Future[Comparison] = field(default_factory=Future)
    began: float | None = None


class ComparisonCache:
    """Makes comparisons in the background and remembers them.

    Args:
        make: From the names of runs, sorted, to their comparison.
        kept: The same from a disk; None where it has to be made.
        clock: Gives seconds.
    """

    def __init__(
        self,
        make: Callable[[tuple[str, ...]], Comparison],
        kept: Callable[[tuple[str, ...]], Comparison | None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._make, self._kept, self._clock = make, kept, clock
        self._jobs: OrderedDict[tuple[str, ...], _Job] = OrderedDict()
        self._lock, self._turn = threading.Lock(), threading.Lock()
        self._seconds_a_run = SECONDS_A_RUN

    def get(self, shas: Sequence[str]) -> Comparison | float:
        """The comparison of these runs, or how many seconds it may still take: it is begun if it was not.

        Raises:
            UserError: The runs do not allow it, or too many comparisons are under way.
            OSError: The store cannot be read. The next call tries again.
        """
        future = self._job(shas).future
        return future.result() if future.done() else self._left(future)

    def wait(self, shas: Sequence[str]) -> Comparison:
        """As `get`, however long it takes."""
        return self._job(shas).future.result()

    def _job(self, shas: Sequence[str]) -> _Job:
        names = tuple(sorted(shas))
        with self._lock:
            if names in self._jobs:
                self._jobs.move_to_end(names)
                return self._jobs[names]
        found = self._kept(names)
        with self._lock:
            if names in self._jobs:  # begun by another visitor meanwhile
                return self._jobs[names]
            if found is None and len(self._under_way()) >= MOST_WAITING:
                raise UserError(f"{MOST_WAITING} comparisons are being made already", "Try again in a minute")
            job = self._jobs[names] = _Job(len(names))
            finished = [one for one, other in self._jobs.items() if other.future.done()]
            for one in finished[: max(0, len(self._jobs) - MOST_REMEMBERED)]:
                del self._jobs[one]
        if found is not None:
            job.future.set_result(found)
        else:
            # As a daemon: whoever stops the board does not wait for it.
            threading.Thread(target=self._run, args=(names, job), name="comparison", daemon=True).start()
        return job

    def _run(self, names: tuple[str, ...], job: _Job) -> None:
        with self._turn:
            job.began = self._clock()
            try:
                made = self._make(names)
            except UserError as error:
                job.future.set_exception(error)
            except OSError as error:
                with self._lock:
                    self._jobs.pop(names, None)
                job.future.set_exception(error)
            except Exception:
                # Kept, so that a page that asks every second does not begin it again and again.
                _LOG.exception("a comparison of %d runs failed", len(names))
                sorry = UserError("the comparison failed", "Choose other runs, or tell who runs this board")
                job.future.set_exception(sorry)
            else:
                self._seconds_a_run = (self._clock() - job.began) / max(1, job.n_runs)
                job.future.set_result(made)

    def _under_way(self) -> list[_Job]:
        return [job for job in self._jobs.values() if not job.future.done()]

    def _left(self, wanted: Future[Comparison]) -> float:
        """Seconds until a comparison is there, with those that were begun before it."""
        with self._lock:
            jobs = sorted(self._under_way(), key=lambda job: job.began is None)
        left = 0.0
        for job in jobs:
            spent = 0.0 if job.began is None else self._clock() - job.began
            left += max(0.0, self._seconds_a_run * job.n_runs - spent)
            if job.future is wanted:
                break
        return left
