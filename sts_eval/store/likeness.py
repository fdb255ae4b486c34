"""Which runs rest on the same evidence, whatever their hashes: a copy differs from its original in a time or a digit.

Evidence is what was answered and what was predicted. Two runs have the same answers if

- of the questions whose answers changed, nine tenths are the same ones and changed alike (Jaccard; estimated from
  `N_HASHES` smallest hashes, Broder 1997), where both attach their answers; or
- the changes of all seeds in all domains differ by less than a tenth of their errors, where it is many changes.

Another tuning of the same model on the same data is not like that: its noise alone moves each change by about its
error. They have the same scores if each of STS's, or of the first predictor where there are none, differs by under a
hundredth.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from sts_eval.records.prediction import SCORES
from sts_eval.records.submission import Submission
from sts_eval.statistics.paired import POINTS
from sts_eval.statistics.result import Floats

N_HASHES = 64
BAND = 4  # hashes that have to agree before two runs are compared; of pairs that share nine tenths, nearly all do
ALIKE = 0.9  # Jaccard of the changed questions
NEAR = 0.1  # errors by which changes may differ
NEAR_SCORE = 0.01  # of the scores' root mean square
FEWEST_CHANGES = 10  # of domains and seeds, that are not 0
_SALTS = np.random.default_rng(0).integers(1, 2**61 - 1, size=(2, N_HASHES), dtype=np.int64)
_PRIME = (1 << 61) - 1
_BLOCK = 500  # runs that are compared with all others at once


def answer_hashes(submission: Submission) -> list[int]:
    """The smallest hashes of the questions whose answers changed, with how; empty without answers or changes."""
    transfer = submission.transfer
    changed = []
    for table in transfer.answers if transfer is not None else ():
        sums = np.sum([replies.right for replies in table.after], axis=0) - len(table.after) * np.array(
            table.before.right
        )
        changed += [f"{table.domain}\x1f{table.question_ids[place]}\x1f{sums[place]}" for place in np.flatnonzero(sums)]
    if not changed:
        return []
    base = [int.from_bytes(hashlib.blake2b(one.encode(), digest_size=7).digest()) for one in changed]
    return [min((a * one + b) % _PRIME for one in base) for a, b in _SALTS.T.tolist()]


def copies(rows: Sequence[Mapping[str, Any]], scores: Callable[[str], Mapping[str, Floats]]) -> dict[str, str]:
    """The original of each run that repeats another's evidence, by name; rows come in the order in which they stand.

    `scores` gives a run's scores by predictor, in the order of its domains.

    A run of somebody else with the same answers is a copy, whatever it predicted. Of one owner, runs that share a
    tuning and differ in their scores (another SAE, say) are two.
    """
    vectors = [_vector(row) for row in rows]
    found: dict[str, str] = {}
    for place, others in _candidates(rows, vectors):
        row = rows[place]
        for other in others:
            original = rows[other]
            if original["sha256"] in found:
                continue
            if _same_answers(row, original, vectors[place], vectors[other]) and (
                row["owner"] is None
                or row["owner"] != original["owner"]
                or _same_scores(scores(row["sha256"]), scores(original["sha256"]))
            ):
                found[row["sha256"]] = original["sha256"]
                break
    return found


def _vector(row: Mapping[str, Any]) -> Floats | None:
    """Accuracies before and the seeds' changes in units of the run's error, whatever the order of domains and seeds.

    None where they are too few to tell runs apart.
    """
    order = np.argsort(row["domain"])
    by_seed = np.asarray(row["by_seed"], dtype=np.float64).reshape(len(order), -1)[order]
    error = float(np.sqrt(np.mean(np.square(np.asarray(row["se"], dtype=np.float64)))))
    before = POINTS * np.asarray(row["accuracy_before"], dtype=np.float64)[order]
    few = np.count_nonzero(by_seed) < FEWEST_CHANGES
    if few or not error > 0 or not np.isfinite(by_seed).all() or not np.isfinite(before).all():
        return None
    return np.concatenate([before, np.sort(by_seed).ravel()]) / error


def _candidates(rows: Sequence[Mapping[str, Any]], vectors: Sequence[Floats | None]) -> Iterator[tuple[int, list[int]]]:
    """For each run the earlier ones that it may repeat: hashes, changes or the records' names agree."""
    near = _near_vectors(rows, vectors)
    by_band: defaultdict[tuple[int, ...], list[int]] = defaultdict(list)
    by_run: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for place, row in enumerate(rows):
        found = set(near[place])
        for start in range(0, len(row["answers"]), BAND):
            band = by_band[start, *row["answers"][start : start + BAND]]
            found.update(band)
            band.append(place)
        if row["transfer_sha256"]:
            run = by_run[row["prediction_sha256"], row["transfer_sha256"]]
            found.update(run)
            run.append(place)
        yield place, sorted(found)


def _near_vectors(rows: Sequence[Mapping[str, Any]], vectors: Sequence[Floats | None]) -> defaultdict[int, list[int]]:
    """For each run the earlier ones on the same domains whose vectors are near; of all pairs, a block at a time."""
    groups: defaultdict[tuple[Any, ...], list[int]] = defaultdict(list)
    for place, vector in enumerate(vectors):
        if vector is not None:
            groups[*sorted(rows[place]["domain"]), len(vector)].append(place)
    near: defaultdict[int, list[int]] = defaultdict(list)
    for places in groups.values():
        table = np.stack([vector for vector in (vectors[place] for place in places) if vector is not None])
        squares = (table**2).sum(axis=1)
        for start in range(0, len(places), _BLOCK):
            stop = min(start + _BLOCK, len(places))
            distances = squares[start:stop, None] + squares[:stop] - 2 * table[start:stop] @ table[:stop].T
            # What rounding adds to a small distance is left to the comparison that follows.
            mine, others = np.nonzero(distances <= 2 * NEAR**2 * table.shape[1])
            for one, other in zip((mine + start).tolist(), others.tolist(), strict=True):
                if other < one:
                    near[places[one]].append(places[other])
    return near


def _same_answers(row: Mapping[str, Any], other: Mapping[str, Any], mine: Floats | None, theirs: Floats | None) -> bool:
    if row["transfer_sha256"] and row["transfer_sha256"] == other["transfer_sha256"]:
        return True
    if len(row["answers"]) and len(other["answers"]) and _jaccard(row["answers"], other["answers"]) >= ALIKE:
        return True
    if mine is None or theirs is None or mine.shape != theirs.shape:
        return False
    return float(np.sqrt(np.mean((mine - theirs) ** 2))) <= NEAR


def _jaccard(one: Sequence[int], other: Sequence[int]) -> float:
    return float(np.mean(np.asarray(one) == np.asarray(other)))


def _same_scores(mine: Mapping[str, Floats], theirs: Mapping[str, Floats]) -> bool:
    shared = [name for name in SCORES if name in mine and name in theirs] or sorted(mine.keys() & theirs.keys())[:1]
    if not shared:
        return mine.keys() == theirs.keys()
    return all(_near(mine[name], theirs[name]) for name in shared)


def _near(one: Floats, other: Floats) -> bool:
    if one.shape != other.shape or (np.isnan(one) != np.isnan(other)).any():
        return False
    known = np.isfinite(one)
    size = float(np.sqrt(np.mean(one[known] ** 2))) if known.any() else 0.0
    return bool(np.max(np.abs(one - other)[known], initial=0.0) <= NEAR_SCORE * size)
