"""Finished comparisons of a store's runs, kept so that nobody waits for the same one twice.

    comparisons/KEY.json

They are derived files, as the snapshot is: each is named by what it follows from, made again where it is missing, and
never edited. A run never changes, so a comparison of the same runs by the same rules never does either.
"""

import contextlib
import hashlib
import json
from collections.abc import Sequence

import sts_eval
from sts_eval.errors import UserError
from sts_eval.records.comparison import Comparison
from sts_eval.records.record import Record
from sts_eval.store.files import Files

FOLDER = "comparisons"

RULES = f"2 {sts_eval.__version__}"
"""What a comparison follows from beside its runs: raise the number where figures change between two versions."""

MOST_KEPT = 64  # the oldest go first; visitors choose the runs, so there is no end to what can be compared


class StoredComparison(Record):
    """A comparison with what it follows from."""

    rules: str
    submissions: tuple[str, ...]
    n_resamples: int
    comparison: Comparison


class Comparisons:
    """The comparisons in one folder.

    Only a folder on a disk is written to: on a hub each file would be a commit, made by whoever looks at the page.
    """

    def __init__(self, files: Files) -> None:
        self._files = files

    def read(self, submissions: Sequence[str], n_resamples: int) -> Comparison | None:
        """The comparison of these submissions, whatever their order; None where none is kept, or only a stale one.

        `n_resamples` is that of every bootstrap and permutation.
        """
        found = self._files.record(StoredComparison, f"{FOLDER}/{key(submissions, n_resamples)}.json")
        wanted = (RULES, tuple(sorted(submissions)), n_resamples)
        if found is None or (found.rules, found.submissions, found.n_resamples) != wanted:
            return None
        return found.comparison

    def keep(self, submissions: Sequence[str], comparison: Comparison) -> None:
        """Write a comparison where that is possible, and let the oldest go."""
        if not self._files.local:
            return
        n_resamples, names = comparison.n_resamples, tuple(sorted(submissions))
        kept = StoredComparison(rules=RULES, submissions=names, n_resamples=n_resamples, comparison=comparison)
        with contextlib.suppress(UserError, OSError):  # a reader may lack the right to write
            self._files.replace(f"{FOLDER}/{key(names, n_resamples)}.json", kept.canonical().encode())
            self._files.keep_newest(FOLDER, MOST_KEPT)


def key(submissions: Sequence[str], n_resamples: int) -> str:
    """A name for a comparison: what it follows from, hashed."""
    return hashlib.sha256(json.dumps([RULES, n_resamples, sorted(submissions)]).encode()).hexdigest()
