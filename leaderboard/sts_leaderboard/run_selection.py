"""Which runs are shown or compared, by what is chosen on a page; what a run found plays no part."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from sts_eval.store.board import Board
from sts_eval.store.snapshot import STANDING
from sts_leaderboard.board_cache import FEWEST
from sts_leaderboard.escaping import markdown
from sts_leaderboard.url_state import State

# Runs that are compared at most: some seconds of one core, in the background, by benchmarks/results/board_load.md.
MOST_RUNS = 60
MOST_POINTS = 4000  # Points that are shown at once: of the newest runs.
MOST_SAVED = 2000  # Runs that are saved at most, some 20 KB each.
CHECKED, ALL = "checked by others", "all runs"  # Which evidence counts.
MOST_NAMED = 10  # Runs that are named among those left out.


WORLDS = {"real models": False, "lab": True}
"""Runs of real models come first; those of the lab, a small made-up world in this tool, are marked and come last."""


class Chosen(NamedTuple):
    """Runs that a ranking is over."""

    shas: tuple[str, ...]  # Their names, sorted.
    allowed: tuple[str, ...]  # Names of all that could be compared, the newest last.
    notes: tuple[str, ...]  # Which ones were left out, and why; Markdown.


def matching_runs(runs: pd.DataFrame, state: State) -> pd.DataFrame:
    """The runs of a state's origin, and of its benchmark, models and training sets where it names some."""
    runs = runs[runs["origin"] == state["origin"]]
    for name in ("benchmark", "model", "training_set"):
        wanted = state.get(name, ())
        wanted = [wanted] if isinstance(wanted, str) else wanted
        if any(wanted):
            runs = runs[runs[name].isin(wanted)]
    return runs


def newest_runs(runs: pd.DataFrame, domains: Sequence[str] = (), most: int = MOST_POINTS) -> pd.DataFrame:
    """The newest runs that have at most so many points together; runs are given oldest first, no domains mean all."""
    sizes = runs["n_domains"].clip(upper=len(domains) or None)
    return runs[sizes[::-1].cumsum()[::-1] <= most]


def choose_runs(runs: pd.DataFrame, state: State, pinned: str | None = None) -> Chosen:
    """Runs of one origin and one benchmark: up, not flagged, one for each model and training set, on shared domains.

    Only those count that were checked by somebody else than their submitter, or that who runs the store has made,
    unless the state asks for all. Where it names no benchmark, `pinned` is taken, or else the one with most models and
    training sets. Late predictions and duplicates do not rank among measured runs. Which of several runs of one model
    and training set stands, `standing_runs` says. If they share too few domains, the largest group that does is taken
    (`largest_group`), and of that the newest `MOST_RUNS`.
    """
    usable = _can_rank(runs, state)
    pairs = runs[usable & (runs["origin"] == state["origin"])].drop_duplicates(["benchmark", "model", "training_set"])
    counted = pairs["benchmark"].value_counts()
    leading = pinned if pinned in counted.index else next(iter(counted.index), "")
    here = matching_runs(runs, {**state, "benchmark": state.get("benchmark") or str(leading)})
    best = here[usable.loc[here.index]]
    notes = []
    checked = _can_rank(here, {**state, "evidence": ALL})
    if unchecked := int((checked & ~usable.loc[here.index]).sum()):
        notes.append(
            f"{_left_out(unchecked)} since nobody but the submitter has checked "
            f"{'it' if unchecked == 1 else 'them'}: choose **{ALL}** to count them."
        )
    if others := int((~checked).sum()):
        notes.append(f"{_left_out(others)}: withdrawn, flagged, post hoc or duplicates.")
    one = standing_runs(best)
    if len(one) < len(best):
        notes.append(
            f"Where several runs are of one model and training set, one stands ({len(best) - len(one):,} left out): "
            "history must not see a run's twin."
        )
    fits = largest_group(one["domains"].tolist())
    if not all(fits):
        notes.append(_on_other_domains(one[~pd.Series(fits, index=one.index)], any(fits)))
        one = one[fits]
    if len(one) > MOST_RUNS:
        notes.append(
            f"The newest {MOST_RUNS} of {len(one):,} runs are compared; choose models or sets for others. **Runs (JSON "
            f"lines)** saves the newest {MOST_SAVED:,} for `sts-eval compare runs.jsonl` on your own machine."
        )
    allowed = tuple(one["sha256"])
    return Chosen(tuple(sorted(allowed[-MOST_RUNS:])), allowed, tuple(notes))


def worlds(board: Board, state: State) -> dict[str, Chosen]:
    """The runs that are compared in a state, for real models and for the lab; only those of which there are some."""
    each = {name: board.runs[board.runs["lab"] == lab] for name, lab in WORLDS.items()}
    chosen = {name: choose_runs(runs, state, board.pinned) for name, runs in each.items() if len(runs)}
    return {name: one for name, one in chosen.items() if one.shas}


def chosen_of(board: Board, state: State) -> Chosen:
    """The runs that every tab is about in a state: those of real models, or where none can be compared, the lab's."""
    return next(iter(worlds(board, state).values()), None) or choose_runs(board.runs, state, board.pinned)


def usable_runs(board: Board, state: State) -> pd.DataFrame:
    """All runs of a state that may stand in a ranking, twins of one model and training set among them."""
    fitting = matching_runs(board.runs, state)
    return fitting[_can_rank(fitting, state)]


def standing_runs(runs: pd.DataFrame) -> pd.DataFrame:
    """One run for each model and training set; runs are given in the order in which they were accepted.

    The one that was checked best (`STANDING`) stands. Among those that were checked as well, the first one and its
    owner stand, and of that owner's the newest: nobody's run is displaced by a later one of somebody else. Which SAE or
    layer it used does not matter. Runs whose owner is not known have an owner each.
    """
    ranks = runs["standing"].map(STANDING.index)
    pair = [runs["model"], runs["training_set"]]
    best = runs[ranks == ranks.groupby(pair).transform("max")]
    owner = best["owner"].fillna(best["sha256"])
    first = owner.groupby([best["model"], best["training_set"]]).transform("first")
    return best[owner == first].drop_duplicates(["model", "training_set"], keep="last")


def _can_rank(runs: pd.DataFrame, state: State) -> pd.Series:
    """Which runs may stand in a ranking."""
    can = ~runs["withdrawn"] & runs["flagged"].isna() & runs["duplicate_of"].isna()
    can &= runs["ranked"] | (runs["origin"] != "measured")
    return can & runs["checked"] if state["evidence"] != ALL else can


def largest_group(domains: Sequence[tuple[str, ...]]) -> list[bool]:
    """Which runs belong to the largest group that shares `FEWEST` domains; all of them if all do.

    Looked at are the groups of runs that have all the domains of one of them. Of equally large groups the one on more
    domains is taken, then the one whose domains come first in the alphabet. None belongs if no run has so many.
    """
    each = [frozenset(one) for one in domains]
    if not each or len(frozenset.intersection(*each)) >= FEWEST:
        return [True] * len(each)
    common = Counter(each)
    groups = [
        (-sum(number for other, number in common.items() if some <= other), -len(some), sorted(some))
        for some in common
        if len(some) >= FEWEST
    ]
    wanted = frozenset(min(groups)[2]) if groups else None
    return [wanted is not None and wanted <= one for one in each]


def _on_other_domains(left_out: pd.DataFrame, others: bool) -> str:
    """Which runs were left out for their domains."""
    if not others:
        return f"{_left_out(len(left_out))}: none has {FEWEST} domains."
    pairs = zip(left_out["model"], left_out["training_set"], strict=True)
    names = [f"{markdown(model)} on {markdown(training_set)}" for model, training_set in pairs]
    more = f" and {len(names) - MOST_NAMED:,} more" if len(names) > MOST_NAMED else ""
    named = ", ".join(names[:MOST_NAMED])
    return f"{_left_out(len(left_out))}, not asked the domains that most runs share: {named}{more}."


def _left_out(number: int) -> str:
    return f"{number:,} run is left out" if number == 1 else f"{number:,} runs are left out"
