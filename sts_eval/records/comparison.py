"""The record of a comparison over one run or many: every predictor against what tuning changed, by question."""

from typing import Literal, get_args

from pydantic import Field

from sts_eval.records.record import Part, Record, absent

Question = Literal["how_much", "which_way", "which_way_away", "which_set", "which_set_away", "how_much_debiased"]
"""`how_much`: |Δ|, the paper's outcome. `which_way`: the signed change. `which_set`: which training set helps which
domain, each domain's and each run's mean removed within a model. `…_away`: the same without home domains (the domains
that the training set is made for). `how_much_debiased`: the signed root of Δ² - SE², an outcome beside |Δ|; the square
is unbiased, the root is not."""

EVERY_QUESTION: tuple[Question, ...] = get_args(Question)
SET_BY_DOMAIN: tuple[Question, ...] = ("which_set", "which_set_away")  # about the training sets of a model
AWAY: tuple[Question, ...] = ("which_way_away", "which_set_away")  # without home domains
SIZE: tuple[Question, ...] = ("how_much", "how_much_debiased")  # about the size of a change

Measure = Literal["accuracy", "acc_norm", "logprob", "logprob_per_token"]
"""Accuracy by the likeliest option and by the likeliest per character, in points; log-probability of the right option
over all options, and of its own text per token, in nats."""

Standing = Literal["ranked", "history", "oracle"]
"""Only `ranked` predictors compete. History is the baseline to beat; an oracle has seen the tuned model."""

Split = Literal["sets", "models"]
"""What is halved to see whether a choice of predictor holds for others."""

Ends = tuple[float, float]  # of an interval, the lower one first


def excludes_zero(ends: Ends | None) -> bool:
    """Whether there is an interval and it does not hold 0."""
    return ends is not None and not ends[0] <= 0 <= ends[1]


class Difference(Part):
    """Pooled r of one predictor minus that of another, over the points that both have."""

    rival: str = Field(description="the other predictor")
    difference: float | None
    interval: Ends | None = Field(description="paired bootstrap over runs and domains")
    p: float | None = Field(description="two-sided, of the same bootstrap")
    p_williams: float | None = Field(description="Williams' t, where there is one run")


class SignFigures(Part):
    """Which domains gain and which lose, over the changes larger than 1.96 standard errors."""

    auroc: float | None
    interval: Ends | None = Field(description="of the AUROC")
    mcc: float | None = Field(description="None for a score whose zero does not mean no change")
    n_up: int
    n_down: int


class MeanCost(Part):
    """What a predictor costs a run, means over the runs that recorded it."""

    seconds: float
    passes: float
    backward_passes: float
    share_of_tuning: float | None = Field(description="of the time of one tuning, one seed")


class OtherSets(Part):
    """The placebo: the same predictor, made for another training set of the model, against this set's changes.

    All r are within runs, averaged over the runs whose model has another set.
    """

    own: float | None = Field(description="r of each run's own prediction")
    other: float | None = Field(description="r of the predictions for other sets with this set's changes")
    difference: float | None = Field(description="own minus other")
    interval: Ends | None = Field(description="95%, of the difference, over models, sets and domains")


class PairsRight(Part):
    """Of two training sets, which is better for a domain: how often the order of the scores is right."""

    share: float | None = Field(description="of pairs within a model; 0.5 for a score that knows nothing")
    interval: Ends | None = Field(description="95%, over models, sets and domains")
    n_pairs: int


class SingleRun(Part):
    """One predictor within one run: what is not pooled, and not resampled together with other predictors."""

    n: int = Field(description="domains with a score")
    r: float | None = Field(description="Pearson's")
    r2: float | None
    fisher: Ends | None = Field(description="95%")
    bootstrap: Ends | None = Field(description="95%, BCa over domains")
    p_permutation: float | None = Field(description="of this predictor alone")
    spearman: float | None
    kendall: float | None
    leave_one_out: Ends | None = Field(description="lowest and highest r without one domain")
    extremes: float | None = Field(description="r with |Δ| over the paper's 4+4 domains; only for how_much")
    conclusion: str = Field(description="undefined, inconclusive, positive or negative")
    verdict: str = Field(description="what the correlation allows one to say, in sentences")


class Row(Part):
    """One predictor in one table."""

    name: str
    group: str
    flags: tuple[str, ...]
    summary: str
    standing: Standing
    rank: int | None = Field(description="shared by predictors that cannot be told apart; None outside the ranking")
    r: float | None = Field(description="pooled over runs")
    hksj: Ends | None = Field(description="95%, random effects; Fisher's for one run")
    bootstrap: Ends | None = Field(description="95%, over models, training sets and domains")
    spearman: float | None
    p_permutation: float | None = Field(description="of max |r| over all predictors of its standing; None for oracles")
    n_runs: int = Field(description="runs in which it has a correlation")
    n_points: int
    from_reference: Difference | None
    from_history: Difference | None
    from_baseline: Difference | None = Field(
        default=None, exclude_if=absent, description="from TF-IDF, the plainest predictor that reads both texts"
    )
    sign: SignFigures | None = Field(description="only for which_way")
    cost: MeanCost | None
    other_sets: OtherSets | None = Field(default=None, description="None where no model has two training sets")
    pairs_right: PairsRight | None = Field(default=None, description="only for which_set and which_set_away")
    extremes: float | None = Field(default=None, description="r over the paper's 4+4 domains; only for how_much")
    single: SingleRun | None = Field(description="only where one run was compared, and these figures were asked for")
    undefined: str | None = Field(description="why there is no r")


class Table(Part):
    """One question put to every predictor, by one measure."""

    question: Question
    measure: Measure
    n_runs: int
    n_points: int
    ceiling: float | None = Field(description="r of a perfect predictor, given the noise")
    ceiling_interval: Ends | None = Field(default=None, description="95%, over models, training sets and domains")
    agreement: float | None = Field(
        default=None,
        description="√ of the mean r between models on one set: a perfect predictor reaches at least this",
    )
    ranked_by: Literal["r", "other_sets"] = Field(default="r", description="r, or its difference from other sets' r")
    between_seeds: float | None = Field(description="mean r between the changes of two tuning seeds of a run")
    best_history: str | None
    rows: tuple[Row, ...] = Field(description="ranked ones, best first, then history, then oracles")
    notes: tuple[str, ...]

    def row(self, name: str) -> Row:
        """One predictor.

        Raises:
            KeyError: It is not in the table.
        """
        return {row.name: row for row in self.rows}[name]

    def standing(self, standing: Standing) -> tuple[Row, ...]:
        """The predictors of one standing, highest r first."""
        return tuple(row for row in self.rows if row.standing == standing)


class AddedRow(Part):
    """What one predictor adds to history, and what it is worth on groups of runs that nothing has seen."""

    name: str
    flags: tuple[str, ...]
    standing: Standing
    partial_r: float | None = Field(description="of score and change, history and run held fixed")
    interval: Ends | None = Field(description="95%, over models, sets and domains; before schema 3 Fisher's")
    p_permutation: float | None = Field(description="domains exchanged, so that runs may share them")
    rmse_plain: float | None = Field(default=None, description="on held-out groups, of history itself, no line fitted")
    rmse_without: float | None = Field(description="the same of a line on history, in the measure's unit")
    rmse_with: float | None = Field(description="the same of a line on history and score")
    n_runs: int
    n_points: int
    undefined: str | None = Field(description="why there is no partial r")


class AddedTable(Part):
    """What predictors add to one history."""

    question: Question
    measure: Measure
    history: str
    history_measure: Measure | None = Field(default=None, description="of the history held fixed, the less noisy one")
    n_history: int | None = Field(default=None, description="noisy runs that the history is the mean of")
    held_out: Literal["models", "training sets"]
    rows: tuple[AddedRow, ...] = Field(description="by falling partial r, oracles last")

    def row(self, name: str) -> AddedRow:
        """One predictor.

        Raises:
            KeyError: It is not in the table.
        """
        return {row.name: row for row in self.rows}[name]


class FixedChoice(Part):
    """A predictor that was named beforehand, on the half that the choice is judged on."""

    name: str
    value: float = Field(description="mean over splits")
    rank: float = Field(description="mean over splits")


class Winner(Part):
    """A predictor that was the best on the half where it was chosen."""

    name: str
    n_splits: int


class Replication(Part):
    """The best predictor on one half of the training sets or models, judged on the other half.

    Means are over all splits; a split counts twice, each half once as the one to choose on. Values are what the
    question's table ranks by. Predictors that read other runs' changes are no candidates: these are in the other half.
    """

    question: Question
    measure: Measure
    split: Split
    ranked_by: Literal["r", "other_sets"] = Field(description="r, or its difference from other sets' r")
    n_splits: int
    complete: bool = Field(description="all splits, not a random part of them")
    n_candidates: int
    left_out: tuple[str, ...] = Field(description="predictors without a figure in some half")
    won_again: float = Field(description="share of splits in which the chosen one is the best of the other half too")
    rank: float = Field(description="of the chosen one on the other half")
    value: float = Field(description="value of the chosen one on the other half")
    best: float = Field(description="value of the best of the other half")
    agreement: float | None = Field(description="mean Spearman correlation of all candidates' values in the two halves")
    fixed: tuple[FixedChoice, ...]
    winners: tuple[Winner, ...] = Field(description="most frequent first")


class ComparedRun(Part):
    """A run that took part."""

    model: str
    training_set: str
    outcome_sha256: str
    post_hoc: bool


class Comparison(Record):
    """Every predictor against what tuning changed, over one run or many."""

    schema_version: Literal[3] = 3
    created: str = Field(description="UTC, ISO 8601")
    runs: tuple[ComparedRun, ...] = Field(min_length=1)
    effective_runs: dict[Measure, float] = Field(default={}, description="independent runs that would say as much")
    domains: tuple[str, ...]
    reference: str = Field(description="the predictor that others are compared with")
    level: float
    n_resamples: int
    seed: int
    verdict: tuple[str, ...]
    added: tuple[AddedTable, ...]
    tables: tuple[Table, ...]
    replication: tuple[Replication, ...] = Field(
        default=(), exclude_if=absent, description="where a split was asked for"
    )
    warnings: tuple[str, ...]

    def table(self, question: Question, measure: Measure) -> Table | None:
        """One table; None where the runs do not allow it."""
        found = (table for table in self.tables if (table.question, table.measure) == (question, measure))
        return next(found, None)
