"""What is kept of the store between two clicks: its tables for a while, and comparisons by the runs they are of."""

from __future__ import annotations

import hashlib
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock

import sts_eval
from sts_eval.errors import UserError
from sts_eval.records.comparison import Comparison
from sts_eval.records.outcome import Outcome
from sts_eval.records.submission import Submission
from sts_eval.report.comparing import compare_runs
from sts_eval.store.board import Board
from sts_eval.store.store import Receipt, Store

KEPT_SECONDS = 20.0
"""How old the tables may be. Asking a store on a hub whether it changed takes a request."""

MOST_COMPARISONS = 32

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
        comparisons: Folder of comparisons that were made before, by their key; None to make all.
        clock: Seconds.
    """

    def __init__(
        self, store: Store, *, comparisons: Path | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.store = store
        self._made_before = comparisons
        self._clock = clock
        self._board: Board | None = None
        self._read = 0.0
        self._lock = Lock()
        self._comparing = Lock()
        self._comparisons: OrderedDict[str, Comparison] = OrderedDict()

    def board(self) -> Board:
        """The tables, at most `KEPT_SECONDS` old.

        Raises:
            UserError: The store cannot be read, and never could.
        """
        with self._lock:
            if self._board is None or self._clock() - self._read > KEPT_SECONDS:
                self._board = self.store.board()
                self._read = self._clock()
            return self._board

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
            self._board = None
        return receipt

    def comparison(self, shas: Sequence[str]) -> Comparison:
        """All predictors over these runs. One is made at a time; a run never changes, so it is made once.

        Raises:
            UserError: The runs do not allow it.
        """
        key = comparison_key(shas)
        with self._comparing:
            found = self._comparisons.get(key) or self._before(key)
            if found is None:
                found = compare([self.submission(sha).outcome for sha in sorted(shas)])
            self._comparisons[key] = found
            self._comparisons.move_to_end(key)
            while len(self._comparisons) > MOST_COMPARISONS:
                self._comparisons.popitem(last=False)
            return found

    def _before(self, key: str) -> Comparison | None:
        path = self._made_before / f"{key}.json" if self._made_before else None
        return Comparison.read(path) if path is not None and path.is_file() else None


def comparison_key(shas: Sequence[str]) -> str:
    """A name for a comparison: what it follows from, hashed."""
    return hashlib.sha256("\n".join((*sorted(shas), sts_eval.__version__, str(RESAMPLES))).encode()).hexdigest()


def compare(outcomes: Sequence[Outcome]) -> Comparison:
    """All predictors over these runs, held against STS_ICL, or where no run has it against what most runs have.

    Raises:
        UserError: They share too few domains, or predicted nothing.
    """
    shared = set.intersection(*({one.domain for one in outcome.domains} for outcome in outcomes))
    if len(shared) < FEWEST:
        raise UserError(f"these runs share {len(shared)} domains", "Choose runs that were asked the same domains")
    said = Counter(one.name for outcome in outcomes for one in outcome.said)
    if not said:
        raise UserError("none of these runs predicted anything", "Look at what happened under Explore")
    reference = REFERENCE if REFERENCE in said else said.most_common(1)[0][0]
    return compare_runs(outcomes, reference=reference, n_resamples=RESAMPLES)
