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
from sts_eval.records.submission import Submission
from sts_eval.store.board import Board
from sts_eval.store.comparisons import Comparisons
from sts_eval.store.files import Files
from sts_eval.store.store import Receipt, Store
from sts_leaderboard.comparing import Comparing, Waiting

KEPT_SECONDS = 20.0
"""How old the tables may be. Asking a store on a hub whether it changed takes a request."""

RESAMPLES = 500
"""Of every bootstrap: an end of an interval moves by about .01 with another seed."""

REFERENCE = "sts_icl"

FEWEST = 4
"""Domains that compared runs must share."""

BEGINNING = 12
"""Digits of a run's name that the pages show."""


class Shelf:
    """A store as the pages see it.

    Args:
        store: The store.
        comparisons: Folder `comparisons` of a store, whose files are read beside the store's own and never written.
        clock: Seconds.
    """

    def __init__(
        self, store: Store, *, comparisons: Path | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.store = store
        self._own = Comparisons(store.files)
        self._shipped = Comparisons(Files(str(comparisons.parent))) if comparisons else None
        self._comparing = Comparing(self._made, self._kept, clock)
        self._clock = clock
        self._board: Board | None = None
        self._read = 0.0
        self._lock = Lock()

    def board(self) -> Board:
        """The tables, at most `KEPT_SECONDS` old; while one visitor's call reads them anew, others get the old ones.

        Raises:
            UserError: The store cannot be read, and never could.
        """
        known = self._board
        if not self._lock.acquire(blocking=known is None):
            return known  # type: ignore[return-value]  # only a call that has tables does not wait
        try:
            if self._board is None or self._clock() - self._read > KEPT_SECONDS:
                self._board = self.store.board()
                self._read = self._clock()
            return self._board
        finally:
            self._lock.release()

    def find(self, beginning: str) -> str:
        """The full name of a run from its first digits.

        Raises:
            UserError: None starts so, or several do.
        """
        wanted = beginning.strip().lower()
        runs = self.board().runs
        found = [name for name in runs["sha256"] if name.startswith(wanted)] if wanted else []
        if len(found) != 1:
            raise UserError(
                f"{len(found) or 'no'} run{'s start' if len(found) > 1 else ' starts'} with that name",
                "Click a run in the table of runs, or give more of its digits",
            )
        return str(found[0])

    def submission(self, sha256: str) -> Submission:
        """One run with its evidence."""
        return self.store.read(sha256)

    def submit(self, raw: bytes, by: str | None) -> Receipt:
        """Hand a file in, and show it at once.

        Raises:
            UserError: The store cannot be written.
        """
        receipt = self.store.submit(raw, by=by)
        with self._lock:
            self._read = -KEPT_SECONDS + self._clock() - 1
        return receipt

    def comparison(self, shas: Sequence[str]) -> Comparison:
        """All predictors over these runs, however long it takes. A run never changes, so it is made once.

        Raises:
            UserError: The runs do not allow it, or too many comparisons are under way.
        """
        return self._comparing.wait(shas)

    def comparison_or_wait(self, shas: Sequence[str]) -> Comparison | Waiting:
        """The same where it is there already; else it is begun in the background.

        Raises:
            UserError: The runs do not allow it, or too many comparisons are under way.
        """
        return self._comparing.ask(shas)

    def _made(self, shas: tuple[str, ...]) -> Comparison:
        made = compare([submission.outcome for submission in self.store.read_all(shas)])
        self._own.keep(shas, made)
        return made

    def _kept(self, shas: tuple[str, ...]) -> Comparison | None:
        known = self._shipped.read(shas, RESAMPLES) if self._shipped else None
        return known or self._own.read(shas, RESAMPLES)


def compare(outcomes: Sequence[Outcome]) -> Comparison:
    """All predictors over these runs, held against STS_ICL, or where no run has it against what most runs have.

    Raises:
        UserError: They share too few domains, or predicted nothing.
    """
    shared = set.intersection(*({one.domain for one in outcome.domains} for outcome in outcomes))
    if len(shared) < FEWEST:
        raise UserError(f"these runs share {len(shared)} domains", "Choose runs that were asked the same domains")
    said = Counter(one.name for outcome in outcomes for one in outcome.predictors)
    if not said:
        raise UserError("none of these runs predicted anything", "Look at what happened under Explore")
    reference = REFERENCE if REFERENCE in said else said.most_common(1)[0][0]
    return compare_runs(outcomes, reference=reference, n_resamples=RESAMPLES, single=False)
