"""Everything that a leaderboard shows, as tables.

Correlations are made here from the figures of each run. A run is ranked if it is measured, up, not late, and no
duplicate of another; imported and published runs are shown beside the ranking.
"""

from collections.abc import Mapping
from functools import cached_property

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from sts_eval.lab.benchmark import CARD
from sts_eval.records.ledger import LedgerEntry
from sts_eval.store.correlations import correlations
from sts_eval.store.ledger import chain_problems
from sts_eval.store.snapshot import CHECKED, RUN, STATE
from sts_eval.submission.times import is_pre_registered

MOST_PREDICTORS = 256  # those that most runs have are shown, so that no submission can widen the table at will

LAB_BENCHMARK = CARD["name"]  # asked in the lab alone, so it tells the lab's runs from those of real models

CORRELATED = ("sts_icl", "sts_act")


class Board:
    """The state of a store at one moment, from a table of `sts_eval.store.snapshot.SCHEMA` and the ledger.

    Entries come oldest first, by the names of their files. `left_out` has the first problem of each file that lies
    among the submissions and is none, by its name; `state` changes whenever the store does. `pinned` is the benchmark
    that the maintainers want compared where none is chosen.
    """

    def __init__(
        self,
        table: pa.Table,
        entries: Mapping[str, LedgerEntry],
        left_out: dict[str, str],
        state: str,
        pinned: str | None = None,
    ) -> None:
        self._table = table.combine_chunks()
        self._entries = entries
        self.left_out = left_out
        self.state = state
        self.pinned = pinned

    def __len__(self) -> int:
        """Submissions, withdrawn ones included."""
        return int(self._table.num_rows)

    @cached_property
    def runs(self) -> pd.DataFrame:
        """A row per submission that was ever accepted, oldest first, by `sha256`.

        The columns of `snapshot.RUN` and `snapshot.STATE` with `tier` raised to `rerun` or `reproduced` where the
        ledger says so, and `seeds`, `home`, `domains`, `warnings` (tuples), `pre_registered`, `complete` (both records
        are attached), `lab` (asked the embedded lab's questions), `checked` (by somebody else than its submitter, or
        made by who runs the store), `withdrawn` (or rejected; `why` tells) and `ranked` (bools). For each score of
        `CORRELATED` and target `magnitude` (|Δ|) and `delta`: `{score}_{target}_r`, `_low` and `_high`, Pearson's r
        over domains with Fisher's 95% interval; NaN where it is not defined.
        """
        frame: pd.DataFrame = self._table.select([*RUN, *STATE]).to_pandas()
        for name in ("parameters", "d_sae", "layer", "training_rows"):
            frame[name] = frame[name].astype("Int64")
        for name, column in (("seeds", "seeds"), ("home", "home"), ("domains", "domain"), ("warnings", "warnings")):
            frame[name] = pd.Series(list(map(tuple, self._table.column(column).to_pylist())), dtype=object)
        measured = frame["origin"] == "measured"
        raised = measured & frame["standing"].isin(["rerun", "reproduced"])
        frame["tier"] = frame["tier"].mask(raised, frame["standing"])
        times = (
            self._table.column(name).to_pylist() for name in ("registered", "tuning_started", "measured", "accepted")
        )
        frame["pre_registered"] = [is_pre_registered(*four) for four in zip(*times, strict=True)]
        frame["checked"] = frame["standing"].isin(CHECKED)
        frame["lab"] = frame["benchmark"] == LAB_BENCHMARK
        frame["complete"] = frame["has_prediction"] & frame["has_transfer"]
        frame["withdrawn"] = frame["status"] != "accepted"
        frame["ranked"] = measured & ~frame["withdrawn"] & ~frame["post_hoc"] & frame["duplicate_of"].isna()
        frame = pd.concat([frame, self._correlations()], axis=1)
        frame = frame.sort_values("place", kind="stable")
        frame.index = pd.Index(frame["sha256"], name=None)
        return frame

    @cached_property
    def points(self) -> pd.DataFrame:
        """A row per submission and domain.

        `sha256` and `domain` (categories), `n`, `accuracy_before` (proportion), `delta`, `se` (points; NaN where a
        paper gives none), `logprob_delta`, `logprob_se` (nats), then a column per predictor of `predictors`, NaN where
        it has no score.
        """
        names = ("domain", "n", "accuracy_before", "delta", "se", "logprob_delta", "logprob_se")
        scores = pd.DataFrame(self._scores, columns=list(self.predictors.index), copy=False)
        return pd.concat([self._flat_table(*names), scores], axis=1)

    @cached_property
    def predictors(self) -> pd.DataFrame:
        """A row per predictor, by name, the one of most runs first: `group`, `flags` (letters), `summary`, `runs`.

        Where submissions describe it differently, the most common description is shown. Runs that were checked count
        before all others, so that nobody changes a description, or crowds a predictor out, by handing in many runs.
        """
        names = ["predictor", "group", "flags", "summary"]
        if not len(self):
            return pd.DataFrame({name: [] for name in (*names[1:], "runs")})
        run, _ = self._runs_and_places("predictor")
        columns = [pd.Series(self._table.column(name).to_pylist(), dtype=object) for name in ("standing", "status")]
        counts = (columns[0].isin(CHECKED) & (columns[1] == "accepted")).to_numpy()
        used = self._flat_table(*names)[names].assign(checked=counts[run])
        used = used.groupby(names, observed=True)["checked"].agg(checked="sum", runs="size").reset_index()
        used[names] = used[names].astype(object)
        runs = used.groupby("predictor")[["checked", "runs"]].sum()
        used = used.sort_values(["checked", "runs", *names[1:]], ascending=[False, False, True, True, True])
        best = used.drop_duplicates("predictor")[names].join(runs, on="predictor")
        best = best.sort_values(["checked", "runs", "predictor"], ascending=[False, False, True]).head(MOST_PREDICTORS)
        return best.drop(columns="checked").set_index("predictor").rename_axis(None)

    @cached_property
    def costs(self) -> pd.DataFrame:
        """A row per submission and predictor: `sha256`, `predictor`, `seconds`, `passes`, `backward_passes`."""
        return self._flat_table("predictor", "seconds", "passes", "backward_passes")

    @cached_property
    def seed_changes(self) -> pd.DataFrame:
        """A row per submission, domain and tuning seed: `sha256`, `domain`, `seed`, `delta` in points."""
        run, place = self._runs_and_places("by_seed")
        n_seeds = self._lengths("seeds")[run]
        domain, number = np.divmod(place, n_seeds)
        point = _starts(self._lengths("domain"))[run] + domain
        seed = self._flat("seeds").to_numpy()[_starts(self._lengths("seeds"))[run] + number]
        frame = self.points[["sha256", "domain"]].iloc[point].reset_index(drop=True)
        return frame.assign(seed=seed.astype(np.int64), delta=self._flat("by_seed").to_numpy())

    @cached_property
    def ledger(self) -> pd.DataFrame:
        """A row per entry, oldest first: `when`, `action`, `submission`, `by`, `why`, `other`."""
        names = ("when", "action", "submission", "by", "why", "other")
        entries = self._entries.values()
        return pd.DataFrame({name: [getattr(entry, name) for entry in entries] for name in names}, dtype=object)

    @cached_property
    def chain_problems(self) -> list[str]:
        """Where the ledger's chain is broken."""
        return chain_problems(self._entries)

    def _correlations(self) -> pd.DataFrame:
        run, _ = self._runs_and_places("domain")
        delta = self._flat("delta").to_numpy()
        targets = {"magnitude": np.abs(delta), "delta": delta}
        found: dict[str, NDArray[np.float64]] = {}
        for score in CORRELATED:
            given = score in self.predictors.index
            values = self._scores[:, self.predictors.index.get_loc(score)] if given else np.full(len(delta), np.nan)
            for target, outcome in targets.items():
                figures = correlations(run, values, outcome, len(self))
                found |= {f"{score}_{target}_{name}": figure for name, figure in figures._asdict().items()}
        return pd.DataFrame(found)

    @cached_property
    def _scores(self) -> NDArray[np.float64]:
        """Shape (n_points, n_predictors), columns in the order of `predictors`."""
        run, place = self._runs_and_places("score")
        n_domains = self._lengths("domain")
        predictor, domain = np.divmod(place, n_domains[run])
        points = _starts(n_domains)[run] + domain
        column = self.predictors.index.get_indexer(pd.Index(self.costs["predictor"]).astype(object))
        columns = column[_starts(self._lengths("predictor"))[run] + predictor]
        scores = np.full((int(n_domains.sum()), len(self.predictors)), np.nan, order="F")
        shown = columns >= 0
        scores[points[shown], columns[shown]] = self._flat("score").to_numpy()[shown]
        return scores

    def _flat_table(self, *names: str) -> pd.DataFrame:
        """Columns of lists that are parallel, a row per entry, behind the submission that each is of."""
        frame: pd.DataFrame = pa.table({name: self._flat(name) for name in names}).unify_dictionaries().to_pandas()
        run, _ = self._runs_and_places(names[0])
        shas = pd.Index(self._table.column("sha256").to_pylist(), dtype=object)
        frame.insert(0, "sha256", pd.Series(pd.Categorical.from_codes(run, categories=shas)))
        return frame

    def _runs_and_places(self, name: str) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The row of the table that each entry of a column of lists is in, and its place in that list."""
        lengths = self._lengths(name)
        run = np.repeat(np.arange(len(self)), lengths)
        return run, np.arange(len(run)) - _starts(lengths)[run]

    def _flat(self, name: str) -> pa.ChunkedArray:
        return pc.list_flatten(self._table.column(name))

    def _lengths(self, name: str) -> NDArray[np.intp]:
        lengths: NDArray[np.intp] = pc.list_value_length(self._table.column(name)).to_numpy().astype(np.intp)
        return lengths


def _starts(lengths: NDArray[np.intp]) -> NDArray[np.intp]:
    """Where each list begins in all of them behind one another."""
    starts: NDArray[np.intp] = np.cumsum(lengths) - lengths
    return starts
