"""What the claims of claims.py rest on: figures from the committed records of the lab matrix."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from evidence_blocks import RESULTS, ROOT
from lab_evidence import MATRIX
from numpy.typing import NDArray
from scipy import integrate, stats

from sts_eval.analysis.aligned_runs import AlignedRuns, align
from sts_eval.analysis.calibrate import calibrate
from sts_eval.analysis.history import history
from sts_eval.records.calibration import HoldOut
from sts_eval.records.comparison import AddedRow, Comparison, Measure, Question, Row, Table
from sts_eval.records.outcome import read_outcomes
from sts_eval.statistics import standardised
from sts_eval.statistics.added import partial_correlation
from sts_eval.statistics.correlation import fisher_interval

README, START, EVIDENCE = "README.md", "docs/start.md", "docs/evidence-lab.md"
Figures = tuple[Any, ...]


class Facts:
    """The committed records, and what is read off them."""

    @cached_property
    def comparison(self) -> Comparison:
        """Of the 18 runs; tests/docs/test_evidence.py holds it to them."""
        return Comparison.read(RESULTS / "lab_comparison" / "comparison.json")

    @cached_property
    def runs(self) -> AlignedRuns:
        """The 18 runs."""
        return align(read_outcomes(MATRIX))

    @cached_property
    def by_model(self) -> HoldOut:
        """The calibration's errors on models that were left out."""
        return next(one for one in calibrate(self.runs.outcomes).hold_outs if one.by == "model")

    def table(self, question: Question, measure: Measure = "accuracy") -> Table:
        """One question's table."""
        found = self.comparison.table(question, measure)
        if found is None:
            raise LookupError(f"no table {question} {measure}")
        return found

    def rows(self, question: Question, names: Sequence[str], measure: Measure = "accuracy") -> list[Row]:
        """Predictors in one table."""
        return [self.table(question, measure).row(name) for name in names]

    def added(self, name: str) -> AddedRow:
        """One predictor beside same-set history, by direction and accuracy."""
        tables = [one for one in self.comparison.added if one.history == "history_same_set"]
        return next(one for one in tables if (one.question, one.measure) == ("which_way", "accuracy")).row(name)

    def beside_accuracy(self, name: str) -> float:
        """Partial r with the change of accuracy beside same-set history by accuracy, the noisier one."""
        changes, scores = self.runs.measures["accuracy"].change, standardised(self.runs.predictors[name].scores)
        known = history(changes, self.runs.model_of, self.runs.set_of)["history_same_set"]
        return partial_correlation(scores, known, changes, units=self.runs.units).r or 0.0

    def share_at_home(self) -> float:
        """Share of the variation within runs that lies in home cells."""
        changes = self.runs.measures["accuracy"].change
        squares = (changes - changes.mean(axis=1, keepdims=True)) ** 2
        return float(squares[self.runs.home].sum() / squares.sum())

    def agreement(self, measure: Measure) -> float:
        """Mean r between the changes of two models on one set."""
        r, sets = np.corrcoef(self.runs.measures[measure].change), self.runs.set_of
        pairs: NDArray[np.bool_] = np.triu(sets[:, None] == sets, 1)
        return float(r[pairs].mean())

    def by_size(self, score: str, dims: str, sae: str = "its own") -> float:
        """The r with the signed change in the table of lab_claims.py."""
        for line in (RESULTS / "lab_claims.md").read_text(encoding="utf-8").splitlines():
            cells = [cell.strip() for cell in line.strip("|").split(" | ")]
            if cells[:3] == [sae, score, dims]:
                return float(cells[4].split()[0])
        raise LookupError(f"no line {sae}, {score}, {dims}")

    @cached_property
    def demo(self) -> NDArray[np.float64]:
        """STS_ICL, STS_act and Δ of each domain in the README's transcript, shape (n_domains, 3)."""
        rows = re.findall(
            r"^│ [a-z ]+│ +([\d.]+) │ +([\d.]+) │ .*% │ .*% │ +([-+][\d.]+) ±", read(README), re.MULTILINE
        )
        return np.array(rows, dtype=np.float64)


def read(document: str) -> str:
    """A document's text."""
    return (ROOT / document).read_text(encoding="utf-8")


def short(value: float, *, sign: bool = False) -> str:
    """Two decimals without the leading zero, as sentences have them."""
    digits = f"{abs(value):.2f}"
    mark = "−" if value < 0 else "+" if sign else ""
    return mark + digits.removeprefix("0")


def fisher(r: float, n: int) -> tuple[float, float]:
    """Ends of the 95% interval of one r."""
    found = fisher_interval(r, n)
    return found.low, found.high


def low(row: Row) -> float:
    """Lower end of the interval."""
    if row.bootstrap is None:
        raise LookupError(f"{row.name} has no interval")
    return row.bootstrap[0]


def shares(facts: Facts, question: Question) -> list[float]:
    """How often four predictors find the better set, TF-IDF first."""
    rows = facts.rows(question, ("tfidf_cosine", "ngram_share", "sts_icl", "sts_act"))
    return [row.pairs_right.share or 0.0 for row in rows if row.pairs_right]


def root_of_debiased() -> float:
    """Mean signed root of Δ² − SE² where Δ is normal around a true change of one standard error."""

    def weighted(x: float) -> float:
        return float(stats.norm.pdf(x - 1) * np.sign(x * x - 1) * np.sqrt(abs(x * x - 1)))

    return float(integrate.quad(weighted, -9, 11, points=[-1, 1])[0])


STS_AND_WORDS = ("tfidf_cosine", "sts_icl", "sts_act")


def home_left_out(facts: Facts) -> Figures:
    """The r and lower ends of TF-IDF and STS without home domains."""
    rows = facts.rows("which_way_away", STS_AND_WORDS)
    r, ends = [row.r or 0.0 for row in rows], [low(row) for row in rows]
    return short(min(r)), short(max(r)), short(min(ends), sign=True), short(max(ends), sign=True)


def at_ten(facts: Facts) -> Figures:
    """The r of STS_ICL and STS_act with the signed change at N = 10."""
    return tuple(short(facts.by_size(score, "10"), sign=True) for score in ("STS_ICL", "STS_act"))


def other_saes(facts: Facts) -> Figures:
    """Largest differences of STS_act and STS_ICL between further SAEs and the model's own."""
    own, others = "`less`: its own", ("block 0", "block 1", "12 active", "512 wide")
    return tuple(
        short(max(abs(facts.by_size(score, "100", sae) - facts.by_size(score, "100", own)) for sae in others))
        for score in ("STS_act", "STS_ICL")
    )
