"""The table of runs: which ones, in what order, which page of them, and as what text."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from sts_leaderboard.badges import TIERS
from sts_leaderboard.inert import plain
from sts_leaderboard.shelf import BEGINNING
from sts_leaderboard.views.look import EMPTY_STORE

PAGE = 100
"""Rows of a page."""

UNKNOWN = "not stated"

_BILLION = 1_000_000_000

SIZES: Mapping[str, tuple[float, float]] = {
    "below 1B": (0, _BILLION),
    "1B to 3B": (_BILLION, 3 * _BILLION),
    "3B to 10B": (3 * _BILLION, 10 * _BILLION),
    "10B to 40B": (10 * _BILLION, 40 * _BILLION),
    "40B and more": (40 * _BILLION, math.inf),
}
"""Parameters, from and below."""

ORDERS: Mapping[str, tuple[str, bool]] = {
    "newest first": ("accepted", False),
    "oldest first": ("accepted", True),
    "highest r": ("sts_icl_magnitude_r", False),
    "lowest r": ("sts_icl_magnitude_r", True),
    "model": ("model", True),
    "largest model": ("parameters", False),
}
"""Column, and whether it rises."""


@dataclass(frozen=True)
class Filters:
    """Which runs are wanted. Empty means all.

    Attributes:
        origin: Exactly one: the three are never mixed.
        search: Words that all occur in names, submitter or the run's hash.
        complete: Only those with prediction and transfer attached.
        withdrawn: Also those that were taken down.
    """

    origin: str = "measured"
    search: str = ""
    family: tuple[str, ...] = ()
    size: tuple[str, ...] = ()
    sae: tuple[str, ...] = ()
    width: tuple[str, ...] = ()
    layer: tuple[str, ...] = ()
    training_set: tuple[str, ...] = ()
    tier: tuple[str, ...] = ()
    complete: bool = False
    withdrawn: bool = False


def choices(runs: pd.DataFrame) -> dict[str, list[str]]:
    """What the filters can be set to, by their name."""
    return {
        "family": _distinct(runs["family"]),
        "size": [*SIZES, UNKNOWN],
        "sae": _distinct(runs["sae_release"]),
        "width": _distinct(runs["d_sae"]),
        "layer": _distinct(runs["layer"]),
        "training_set": _distinct(runs["training_set"]),
        "tier": list(TIERS.values())[:3],
    }


def matching(runs: pd.DataFrame, wanted: Filters) -> pd.DataFrame:
    """The runs that fit, in the order of the store."""
    fits = runs["origin"] == wanted.origin
    if not wanted.withdrawn:
        fits &= ~runs["withdrawn"]
    if wanted.complete:
        fits &= runs["complete"]
    words = {
        "family": "family",
        "sae": "sae_release",
        "training_set": "training_set",
        "width": "d_sae",
        "layer": "layer",
    }
    for name, column in words.items():
        some: tuple[str, ...] = getattr(wanted, name)
        if some:
            fits &= runs[column].astype(object).map(_word).isin(some)
    if wanted.tier:
        fits &= runs["tier"].map(TIERS).isin(wanted.tier)
    if wanted.size:
        fits &= _sized(runs["parameters"], wanted.size)
    found = runs[fits]
    for word in wanted.search.lower().split()[:8]:
        texts = ("model", "model_id", "training_set", "training_set_id", "sae_release", "submitter", "sha256")
        hit = pd.Series(False, index=found.index)
        for column in texts:
            hit |= found[column].astype(object).fillna("").str.lower().str.contains(word, regex=False)
        found = found[hit]
    return found


def ordered(runs: pd.DataFrame, order: str) -> pd.DataFrame:
    """Sorted; what has no value comes last."""
    column, rises = ORDERS.get(order, ORDERS["newest first"])
    return runs.sort_values(column, ascending=rises, na_position="last", kind="stable")


def page_of(runs: pd.DataFrame, page: int) -> tuple[pd.DataFrame, int, int]:
    """One page, its number from 1, and how many there are; a page beyond the last is the last."""
    pages = max(1, math.ceil(len(runs) / PAGE))
    page = min(max(1, page), pages)
    return runs.iloc[(page - 1) * PAGE : page * PAGE], page, pages


Row = Mapping[str, object]

COLUMNS: Mapping[str, Callable[[Row], str]] = {
    "model": lambda row: plain(row["model"]),
    "training set": lambda row: plain(row["training_set"]),
    "r of STS_ICL": lambda row: correlation(row, "sts_icl_magnitude"),
    "r of STS_act": lambda row: correlation(row, "sts_act_magnitude"),
    "signed r of STS_ICL": lambda row: correlation(row, "sts_icl_delta"),
    "tier": lambda row: TIERS.get(str(row["tier"]), "") + marks(row),
    "seeds": lambda row: _word(row["n_seeds"]),
    "domains": lambda row: _word(row["n_domains"]),
    "SAE": lambda row: plain(row["sae_release"]) or UNKNOWN,
    "width": lambda row: _grouped(row["d_sae"]),
    "layer": lambda row: _word(row["layer"]),
    "family": lambda row: plain(row["family"]) or UNKNOWN,
    "size": lambda row: size(row["parameters"]),
    "benchmark": lambda row: plain(row["benchmark"]),
    "accepted": lambda row: plain(row["accepted"])[:10],
    "submitter": lambda row: plain(row["submitter"]),
}
"""A cell of each column that can be shown."""

USUAL = (
    "model",
    "training set",
    "r of STS_ICL",
    "r of STS_act",
    "tier",
    "seeds",
    "domains",
    "SAE",
    "layer",
    "accepted",
)


def table(runs: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """A page of runs as text, the run's short name first."""
    shown = [name for name in COLUMNS if name in columns] or list(USUAL)
    records: list[Row] = [{str(name): cell for name, cell in row.items()} for row in runs.to_dict("records")]
    cells = {"run": [str(row["sha256"])[:BEGINNING] for row in records]}
    cells |= {name: [COLUMNS[name](row) for row in records] for name in shown}
    return pd.DataFrame(cells, dtype=object)


def nothing_found(runs: pd.DataFrame, wanted: Filters) -> str:
    """What to do where no run matches."""
    here = int((runs["origin"] == wanted.origin).sum())
    if runs.empty:
        return EMPTY_STORE
    if here == 0:
        return f"There are no {wanted.origin} runs here. Choose another origin above."
    return f"No run matches. **Clear the filters** to see all {here:,} {wanted.origin} runs."


def correlation(row: Row, stem: str) -> str:
    """Pearson's r with its interval, a dash where it is not defined."""
    r, low, high = (row[f"{stem}_{end}"] for end in ("r", "low", "high"))
    if not isinstance(r, float) or math.isnan(r):
        return "–"
    ends = f" [{low:+.2f}, {high:+.2f}]" if isinstance(low, float) and not math.isnan(low) else ""
    return f"{r:+.2f}{ends}"


def marks(row: Row) -> str:
    """What else is known of a run, behind its tier."""
    said = {
        "pre-registered": row["pre_registered"],
        "post hoc": row["post_hoc"],
        "flagged": isinstance(row["flagged"], str),
        "withdrawn": row["withdrawn"],
        "duplicate": isinstance(row["duplicate_of"], str),
    }
    return "".join(f", {name}" for name, holds in said.items() if holds)


def size(parameters: object) -> str:
    """Parameters, short."""
    if parameters is None or pd.isna(parameters):  # type: ignore[call-overload]  # a cell is a scalar
        return UNKNOWN
    count = int(str(parameters))
    for unit, name in ((_BILLION, "B"), (1_000_000, "M"), (1000, "k")):
        if count >= unit:
            return f"{count / unit:.3g}{name}"
    return str(count)


def _sized(parameters: pd.Series, wanted: Sequence[str]) -> pd.Series:
    fits = parameters.isna() if UNKNOWN in wanted else pd.Series(False, index=parameters.index)
    for name in wanted:
        if name in SIZES:
            low, high = SIZES[name]
            fits |= ((parameters >= low) & (parameters < high)).fillna(False).astype(bool)
    return fits


def _distinct(column: pd.Series) -> list[str]:
    return [_word(one) for one in sorted(column.dropna().unique())] + [UNKNOWN] * bool(column.isna().any())


def _word(cell: object) -> str:
    if cell is None or pd.isna(cell):  # type: ignore[call-overload]  # a cell is a scalar
        return UNKNOWN
    return plain(cell)


def _grouped(cell: object) -> str:
    word = _word(cell)
    return f"{int(word):,}" if word.isdigit() else word
