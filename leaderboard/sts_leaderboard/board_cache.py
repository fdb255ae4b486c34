"""What is kept of the store between two clicks: its tables for a while, and comparisons by the runs they are of.

Comparisons are made beside the page, one at a time, so that no visitor's click waits for a bootstrap.
"""

import contextlib
import logging
import math
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, cast

from sts_eval.analysis.compare import compare_runs
from sts_eval.errors import UserError
from sts_eval.records.comparison import Comparison
from sts_eval.records.outcome import Outcome
from sts_eval.store.board import Board
from sts_eval.store.comparisons import Comparisons
from sts_eval.store.files import Files
from sts_eval.store.store import Store
from sts_eval.submission.validate import Verdict
from sts_leaderboard.url_state import State

KEPT_SECONDS = 20.0  # How old the tables may be. Asking a store on a hub whether it changed takes a request.
NEW_SECONDS = 2.0  # Where a run is not found: a worker may just have handed it in.
RESAMPLES = 500  # Of every bootstrap: an end of an interval moves by about .01 with another seed.
REFERENCE = "sts_icl"
FEWEST = 4  # Domains that compared runs must share.
BEGINNING = 12  # Digits of a run's name that the pages show.
MOST_REMEMBERED = 32  # Comparisons.
MOST_MADE = 64  # Results that are kept of one state of the store.
MOST_WAITING = 8  # Comparisons under way. Whoever asks for more has to come back.
SECONDS_A_RUN = 0.1  # What a run is taken to cost until one comparison was timed in this process.

Made = TypeVar("Made")
Contents = dict[Any, Any]  # What components are to show.
Show = Callable[[State], Contents]

_LOG = logging.getLogger(__name__)


class BoardCache:
    """A store as the pages see it, with `comparisons` of its runs by their names.

    Comparisons are read from the store and from the folder `shipped`, which is never written.
    """

    def __init__(self, store: Store, *, shipped: Path | None = None) -> None:
        self.store = store
        self.comparisons = ComparisonCache(self._compare, self._kept)
        self._own = Comparisons(store.files)
        self._places = [self._own] if shipped is None else [Comparisons(Files(str(shipped))), self._own]
        self._tables: Board | None = None
        self._made: OrderedDict[tuple[Hashable, ...], object] = OrderedDict()
        self._read = 0.0
        self._lock = threading.Lock()

    def tables(self, most_seconds: float | None = None) -> Board:
        """The store's tables, at most so old (`KEPT_SECONDS`); others get old ones while one call reads them anew.

        Raises:
            UserError: The store cannot be read, and never could.
        """
        known = self._tables
        if not self._lock.acquire(blocking=known is None):
            return known  # type: ignore[return-value]  # only a call that has tables does not wait
        try:
            most = KEPT_SECONDS if most_seconds is None else most_seconds
            if self._tables is None or time.monotonic() - self._read > most:
                board = self.store.board()
                if board is not self._tables:
                    self._tables, self._made = board, OrderedDict()
                self._read = time.monotonic()
            return self._tables
        finally:
            self._lock.release()

    def once(self, make: Callable[[], Made], *key: Hashable, lasting: Callable[[Made], bool] | None = None) -> Made:
        """What `make` gives, kept by `key` until the tables change, and not to be changed by who gets it.

        It must follow from the tables alone, or be `lasting` where it does. Errors are not kept.

        Raises:
            UserError: The store cannot be read, and never could.
        """
        self.tables()  # which forgets what was made where they are old and others by now
        made = self._made
        with contextlib.suppress(KeyError):
            made.move_to_end(key)
            return cast(Made, made[key])
        result = make()
        if lasting is None or lasting(result):
            made[key] = result
            while len(made) > MOST_MADE:
                made.popitem(last=False)
        return result

    def remembered(self, show: Show, lasting: Callable[[Contents], bool] | None = None) -> Show:
        """What a page shows of a state, made once until the tables change: see `once`."""

        def shown(state: State) -> Contents:
            contents = self.once(lambda: show(state), show, *state.items(), lasting=lasting)
            # gradio takes the value out of an update that it has sent.
            return {component: dict(one) if isinstance(one, dict) else one for component, one in contents.items()}

        return shown

    def find(self, beginning: str) -> str:
        """The full name of a run from its first digits.

        Raises:
            UserError: None starts so, or several do.
        """
        wanted = beginning.strip().lower()
        found = _starting(self.tables(), wanted) or _starting(self.tables(NEW_SECONDS), wanted)
        if len(found) != 1:
            raise UserError(
                f"{len(found) or 'no'} run{'s start' if len(found) > 1 else ' starts'} with that name",
                "Click a run in the table of runs, or give more of its digits",
            )
        return str(found[0])

    def submit(self, raw: bytes, by: str | None, owner: str | None) -> Verdict:
        """Hand a file in, and show it at once.

        Raises:
            UserError: The store cannot be written.
        """
        verdict = self.store.submit(raw, by=by, owner=owner)
        with self._lock:
            self._read = -math.inf
        return verdict

    def _compare(self, shas: tuple[str, ...]) -> Comparison:
        made = compare([submission.outcome for submission in self.store.read_all(shas)])
        self._own.keep(shas, made)
        return made

    def _kept(self, shas: tuple[str, ...]) -> Comparison | None:
        found = (place.read(shas, RESAMPLES) for place in self._places)
        return next((comparison for comparison in found if comparison), None)


@dataclass
class _Job:
    n_runs: int
    future: Future[Comparison] = field(default_factory=Future)
    began: float | None = None


class ComparisonCache:
    """Makes comparisons of runs, by their sorted names, in the background and remembers them.

    `kept` gives those that are on a disk, and None for those that are to be made.
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
            finished = [one for one, job in self._jobs.items() if job.future.done()]
            if found is None and len(self._jobs) - len(finished) >= MOST_WAITING:
                raise UserError(f"{MOST_WAITING} comparisons are being made already", "Try again in a minute")
            job = self._jobs[names] = _Job(len(names))
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

    def _left(self, wanted: Future[Comparison]) -> float:
        """Seconds until a comparison is there, with those that were begun before it."""
        with self._lock:
            jobs = [job for job in self._jobs.values() if not job.future.done()]
        left = 0.0
        for job in sorted(jobs, key=lambda job: job.began is None):
            spent = 0.0 if job.began is None else self._clock() - job.began
            left += max(0.0, self._seconds_a_run * job.n_runs - spent)
            if job.future is wanted:
                break
        return left


def _starting(board: Board, beginning: str) -> list[str]:
    return [name for name in board.runs.index if beginning and name.startswith(beginning)]


def compare(outcomes: Sequence[Outcome]) -> Comparison:
    """All predictors over these runs, compared with STS_ICL, or where no run has it with what most runs have.

    Raises:
        UserError: They share too few domains, or predicted nothing.
    """
    shared = set.intersection(*({one.domain for one in outcome.domains} for outcome in outcomes))
    if len(shared) < FEWEST:
        raise UserError(f"these runs share {len(shared)} domains", "Choose runs that were asked the same domains")
    names = Counter(one.name for outcome in outcomes for one in outcome.predictors)
    if not names:
        raise UserError("none of these runs predicted anything", "Look at what happened under Explore")
    reference = REFERENCE if REFERENCE in names else names.most_common(1)[0][0]
    return compare_runs(outcomes, reference=reference, n_resamples=RESAMPLES, single=False)
