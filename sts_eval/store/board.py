"""Everything that a leaderboard shows, as tables.

Correlations are made here from the figures of each run. A run is ranked if it is measured, up, not late, and no
duplicate of another; imported and published runs are shown beside the ranking.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from sts_eval.records.ledger import LedgerEntry
from sts_eval.statistics import debiased_magnitude
from sts_eval.store.correlations import correlations
from sts_eval.store.snapshot import RUN, STANDING

MOST_COLUMNS = 256
"""Predictors that get a column: those that most runs have, so that no submission can widen the table at will."""

CORRELATED = ("sts_icl", "sts_act")

_PER_DOMAIN = ("n", "accuracy_before", "delta", "se", "logprob_delta", "logprob_se")


class Board:
    """The state of a store at one moment.

    Args:
        table: A row per submission, in the columns of `sts_eval.store.snapshot.SCHEMA`.
        entries: The ledger, oldest first.
        left_out: First problem of each file that stands among the submissions and is none, by its name.
        state: Changes whenever the store does.
    """

    def __init__(self, table: pa.Table, entries: tuple[LedgerEntry, ...], left_out: dict[str, str], state: str) -> None:
        self._table = table.combine_chunks()
        self._entries = entries
        self.left_out = left_out
        self.state = state

    @cached_property
    def runs(self) -> pd.DataFrame:
        """A row per submission that was ever accepted, oldest first, by `sha256`.

        The columns of `snapshot.RUN` and `snapshot.STANDING` with `tier` raised to `rerun` where the ledger says so,
        and `seeds`, `home`, `domains` (tuples), `pre_registered`, `complete` (both records are attached), `withdrawn`
        (or rejected; `why` tells) and `ranked` (bools). For each score of `CORRELATED` and target `magnitude` (|Δ| with
        the noise's share taken off) and `delta`: `{score}_{target}_r`, `_low` and `_high`, Pearson's r over domains
        with Fisher's 95% interval; NaN where it is not defined.
        """
        frame: pd.DataFrame = self._table.select([*RUN, *STANDING]).to_pandas()
        for name in ("parameters", "d_sae", "layer", "training_rows"):
            frame[name] = frame[name].astype("Int64")
        for name, column in (("seeds", "seeds"), ("home", "home"), ("domains", "domain")):
            frame[name] = pd.Series(list(map(tuple, self._table.column(column).to_pylist())), dtype=object)
        measured = frame["origin"] == "measured"
        frame["tier"] = frame["tier"].mask(measured & frame["rerun_by"].notna(), "rerun")
        registered, started = (_times(frame[name]) for name in ("registered", "tuning_started"))
        frame["pre_registered"] = (registered < started).astype(bool)
        frame["complete"] = frame["has_prediction"] & frame["has_transfer"]
        frame["withdrawn"] = frame["status"] != "accepted"
        frame["ranked"] = measured & ~frame["withdrawn"] & ~frame["post_hoc"] & frame["duplicate_of"].isna()
        frame = pd.concat([frame, self._correlations()], axis=1)
        frame = frame.sort_values(["accepted", "sha256"], kind="stable")
        frame.index = pd.Index(frame["sha256"], name=None)
        return frame

    @cached_property
    def points(self) -> pd.DataFrame:
        """A row per submission and domain.

        `sha256` and `domain` (categories), `n`, `accuracy_before` (proportion), `delta`, `se` (points; NaN where a
        paper gives none), `logprob_delta`, `logprob_se` (nats), then a column per predictor of `columns`, NaN where it
        said nothing.
        """
        scores = pd.DataFrame(self._scores, columns=list(self.columns.index), copy=False)
        shas = self._table.column("sha256").to_pylist()
        frame = pd.DataFrame(
            {
                "sha256": pd.Categorical.from_codes(self._run_of_point, categories=pd.Index(shas, dtype=object)),
                "domain": self._words("domain"),
                **{name: self._numbers(name) for name in _PER_DOMAIN},
            }
        )
        return pd.concat([frame, scores], axis=1)

    @cached_property
    def columns(self) -> pd.DataFrame:
        """A row per predictor, by name, most said first: `group`, `flags` (letters), `summary`, `runs`.

        Where submissions differ in what they call it, the most common word stands.
        """
        if not self._table.num_rows:
            return pd.DataFrame({name: [] for name in ("group", "flags", "summary", "runs")})
        said = pd.DataFrame({name: self._words(name) for name in ("predictor", "group", "flags", "summary")})
        counted = (
            said.groupby(["predictor", "group", "flags", "summary"], observed=True).size().rename("votes").reset_index()
        )
        for name in ("predictor", "group", "flags", "summary"):
            counted[name] = counted[name].astype(object)
        runs = counted.groupby("predictor")["votes"].sum().rename("runs")
        counted = counted.sort_values(["votes", "group", "flags", "summary"], ascending=[False, True, True, True])
        best = counted.drop_duplicates("predictor").set_index("predictor").drop(columns="votes").join(runs)
        best = best.reset_index().sort_values(["runs", "predictor"], ascending=[False, True]).head(MOST_COLUMNS)
        return best.set_index("predictor").rename_axis(None)

    @cached_property
    def costs(self) -> pd.DataFrame:
        """A row per submission and predictor: `sha256`, `predictor`, `seconds`, `passes`, `backward_passes`."""
        shas = self._table.column("sha256").to_pylist()
        run = np.repeat(np.arange(len(shas)), self._lengths("predictor"))
        return pd.DataFrame(
            {
                "sha256": pd.Categorical.from_codes(run, categories=pd.Index(shas, dtype=object)),
                "predictor": self._words("predictor"),
                **{name: self._numbers(name) for name in ("seconds", "passes", "backward_passes")},
            }
        )

    @cached_property
    def seed_changes(self) -> pd.DataFrame:
        """A row per submission, domain and tuning seed: `sha256`, `domain`, `seed`, `delta` in points."""
        n_seeds = self._lengths("seeds")[self._run_of_point]
        point = np.repeat(np.arange(len(n_seeds)), n_seeds)
        order = np.arange(len(point)) - np.repeat(np.cumsum(n_seeds) - n_seeds, n_seeds)
        starts = np.cumsum(self._lengths("seeds")) - self._lengths("seeds")
        seeds = self._numbers("seeds")[starts[self._run_of_point[point]] + order]
        frame = self.points[["sha256", "domain"]].iloc[point].reset_index(drop=True)
        return frame.assign(seed=seeds.astype(np.int64), delta=self._numbers("by_seed"))

    @cached_property
    def ledger(self) -> pd.DataFrame:
        """A row per entry, oldest first: `when`, `action`, `submission`, `by`, `why`, `other`."""
        names = ("when", "action", "submission", "by", "why", "other")
        return pd.DataFrame({name: [getattr(entry, name) for entry in self._entries] for name in names}, dtype=object)

    def __len__(self) -> int:
        """Submissions, withdrawn ones included."""
        return int(self._table.num_rows)

    def _correlations(self) -> pd.DataFrame:
        delta, se = self._numbers("delta"), self._numbers("se")
        # Where a paper gives no error, its |Δ| cannot be freed of noise and is taken as it is.
        targets = {"magnitude": debiased_magnitude(delta, np.nan_to_num(se)), "delta": delta}
        found: dict[str, Any] = {}
        places = {name: place for place, name in enumerate(self.columns.index)}
        for score in CORRELATED:
            missing = np.full(len(delta), np.nan)
            values = self._scores[:, places[score]] if score in places else missing
            for target, outcome in targets.items():
                r, low, high = correlations(self._run_of_point, values, outcome, len(self))
                stem = f"{score}_{target}"
                found |= {f"{stem}_r": r, f"{stem}_low": low, f"{stem}_high": high}
        return pd.DataFrame(found)

    @cached_property
    def _run_of_point(self) -> NDArray[np.intp]:
        return np.repeat(np.arange(len(self)), self._lengths("domain"))

    @cached_property
    def _scores(self) -> NDArray[np.float64]:
        """Shape (n_points, n_predictors), columns in the order of `columns`."""
        n_predictors, n_domains = self._lengths("predictor"), self._lengths("domain")
        column = pd.Index(self.columns.index).get_indexer(pd.Index(self._words("predictor")).astype(object))
        first_point = np.cumsum(n_domains) - n_domains
        each = np.repeat(n_domains, n_predictors)  # domains of the run that a predictor's list is of
        start = np.repeat(first_point, n_predictors)
        offset = np.repeat(np.cumsum(each) - each, each)
        rows = np.arange(int(each.sum())) - offset + np.repeat(start, each)
        columns = np.repeat(column, each)
        scores = np.full((int(n_domains.sum()), len(self.columns)), np.nan, order="F")
        shown = columns >= 0
        scores[rows[shown], columns[shown]] = self._numbers("score")[shown]
        return scores

    def _flat(self, name: str) -> pa.Array:
        column = self._table.column(name)
        return pa.chunked_array([chunk.flatten() for chunk in column.chunks], column.type.value_type)

    def _numbers(self, name: str) -> NDArray[Any]:
        values: NDArray[Any] = self._flat(name).to_numpy()
        return values

    def _words(self, name: str) -> pd.Categorical:
        flat = self._flat(name).unify_dictionaries()
        if not len(flat):
            return pd.Categorical([])
        series = flat.to_pandas()
        return pd.Categorical(series)

    def _lengths(self, name: str) -> NDArray[np.intp]:
        lengths: NDArray[np.intp] = pc.list_value_length(self._table.column(name)).to_numpy().astype(np.intp)
        return lengths


def _times(column: pd.Series[Any]) -> pd.Series[Any]:
    return pd.to_datetime(column, utc=True, format="ISO8601", errors="coerce")
