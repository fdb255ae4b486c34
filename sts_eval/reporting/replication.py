"""Whether a choice of predictor holds on the other half of the training sets or models: one short table a measure."""

from collections.abc import Sequence

from sts_eval.analysis.wording import MEASURES, counted, signed
from sts_eval.records.comparison import Comparison, Measure, Question, Replication

NAMED = 2  # chosen predictors that a row names

SHORT_QUESTIONS: dict[Question, str] = {
    "how_much": "how much",
    "which_way": "which way",
    "which_way_away": "which way, home left out",
    "which_set": "which set",
    "which_set_away": "which set, home left out",
}
"""A row's head: the whole question is that of the tables above."""


def by_measure(comparison: Comparison, *, everything: bool = True) -> dict[str, list[Replication]]:
    """Tables by their titles, that by accuracy alone unless everything is asked for."""
    measures: list[Measure] = [one for one in MEASURES if everything or one == "accuracy"]
    found = {measure: [one for one in comparison.replication if one.measure == measure] for measure in measures}
    return {_title(rows[0]): rows for rows in found.values() if rows}


def cells(found: Sequence[Replication]) -> tuple[list[str], list[list[str]]]:
    """Header and rows, one per question."""
    fixed = list(dict.fromkeys(one.name for each in found for one in each.fixed))
    header = ["question", "chosen (splits)", "wins again", "its rank", "its r", "best r", *fixed, "ranks agree"]
    rows = []
    for each in found:
        named = {one.name: f"{signed(one.value)} ({one.rank:.0f})" for one in each.fixed}
        chosen = ", ".join(f"{one.name} ({one.n_splits})" for one in each.winners[:NAMED])
        rows.append(
            [
                SHORT_QUESTIONS[each.question],
                f"{chosen}, …" if len(each.winners) > NAMED else chosen,
                f"{each.won_again:.0%}",
                f"{each.rank:.1f}/{each.n_candidates}",
                signed(each.value),
                signed(each.best),
                *(named.get(name, "–") for name in fixed),
                signed(each.agreement),
            ]
        )
    return header, rows


def footnote(comparison: Comparison) -> str:
    """What the columns are, and what they cannot say."""
    left_out = sorted({name for each in comparison.replication for name in each.left_out})
    return (
        "The predictor that is best on one half is judged on the other: how often it is the best there too, its rank, "
        "and its r beside that of the best there and of predictors named beforehand (rank in brackets). Where sets are "
        "chosen, r is less that of other sets. Ranks agree: rank correlation of all predictors between the halves. "
        "The halves complement each other, so of two equally good predictors the one that is ahead in one half tends "
        "to be behind in the other: read the rank and what is lost in r before how often it wins. Splits overlap: "
        "their number is no sample size. Predictors that use other runs' changes (histories, tuned N) do not take part."
        + f" Neither do those without r in some run: {', '.join(left_out)}."
        * bool(left_out)
    )


def _title(first: Replication) -> str:
    part = "all" if first.complete else "random"
    of = "training sets" if first.split == "sets" else "models"
    return (
        f"The best predictor on half of the {of}, judged on the other half: {MEASURES[first.measure]}, "
        f"{part} {counted(first.n_splits, 'split')}"
    )
