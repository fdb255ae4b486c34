"""What is kept of the store between two clicks: its tables for a while, and comparisons by the runs they are of."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock

from sts_eval.analysis.compare import compare_runs
from sts_eval.errors import UserError
from sts_eval.records.comparison import Comparison
from sts_eval.records.outcome import Outcome
from sts_eval.store.board import Board
from sts_eval.store.comparisons import Comparisons
from sts_eval.store.files import Files
from sts_eval.store.store import Store
from sts_eval.submission.validate import Verdict
from sts_leaderboard.comparison_cache import ComparisonCache

KEPT_SECONDS = 20.0  # How old the tables may be. Asking a store on a hub whether it changed takes a request.
RESAMPLES = 500  # Of every bootstrap: an end of an interval moves by about .01 with another seed.
REFERENCE = "sts_icl"
FEWEST = 4  # Domains that compared runs must share.
BEGINNING = 12  # Digits of a run's name that the pages show.


class BoardCache:
    """A store as the pages see it.

    Args:
        store: The store.
        shipped: Folder `comparisons` of a store, whose files are read beside the store's own and never written.
        clock: Seconds.

    Attributes:
        store: The store.
        comparisons: Of its runs, by their names.
    """

    def __init__(
        self, store: Store, *, shipped: Path | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.store = store
        self.comparisons = ComparisonCache(self._compare, self._kept, clock)
        self._own = Comparisons(store.files)
        self._shipped = Comparisons(Files(str(shipped.parent))) if shipped else None
        self._clock = clock
        self._tables: Board | None = None
        self._read = 0.0
        self._lock = Lock()

    def tables(self) -> Board:
        """The store's tables, at most `KEPT_SECONDS` old; others get the old ones while one call reads them anew.

        Raises:
            UserError: The store cannot be read, and never could.
        """
        known = self._tables
        if not self._lock.acquire(blocking=known is None):
            return known  # type: ignore[return-value]  # only a call that has tables does not wait
        try:
            if self._tables is None or self._clock() - self._read > KEPT_SECONDS:
                self._tables = self.store.board()
                self._read = self._clock()
            return self._tables
        finally:
            self._lock.release()

    def find(self, beginning: str) -> str:
        """The full name of a run from its first digits.

        Raises:
            UserError: None starts so, or several do.
        """
        wanted = beginning.strip().lower()
        found = [name for name in self.tables().runs["sha256"] if wanted and name.startswith(wanted)]
        if len(found) != 1:
            raise UserError(
                f"{len(found) or 'no'} run{'s start' if len(found) > 1 else ' starts'} with that name",
                "Click a run in the table of runs, or give more of its digits",
            )
        return str(found[0])

    def submit(self, raw: bytes, by: str | None) -> Verdict:
        """Hand a file in, and show it at once.

        Raises:
            UserError: The store cannot be written.
        """
        receipt = self.store.submit(raw, by=by)
        with self._lock:
            self._read = -KEPT_SECONDS + self._clock() - 1
        return receipt

    def _compare(self, shas: tuple[str, ...]) -> Comparison:
        made = compare([submission.outcome for submission in self.store.read_all(shas)])
        self._own.keep(shas, made)
        return made

    def _kept(self, shas: tuple[str, ...]) -> Comparison | None:
        known = self._shipped.read(shas, RESAMPLES) if self._shipped else None
        return known or self._own.read(shas, RESAMPLES)


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
    return compare_runs(outcomes, reference=reference, n_resamples=RESAMPLES)
