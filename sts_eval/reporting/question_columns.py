"""The columns of a question's table: what each says of a predictor, in a file and on a terminal."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from sts_eval.analysis.wording import MEASURES, QUESTIONS, counted, interval, p_value, signed, unsigned
from sts_eval.records.comparison import SET_BY_DOMAIN, Difference, OtherSets, PairsRight, Row, Table, excludes_zero
from sts_eval.reporting.markdown import pipe_table

Known = TypeVar("Known")


class Column(NamedTuple):
    """A column of a question's table."""

    name: str  # its head in a file
    cell: Callable[[Row], str]  # what it says of a predictor
    short: str = ""  # its head on a terminal, which is narrower; empty where it is left out there


def pairs_cell(found: PairsRight) -> str:
    """Of two sets, how often the one that is better for a domain is found, with the interval."""
    if found.share is None:
        return "–"
    ends = "" if found.interval is None else f" [{found.interval[0]:.0%}, {found.interval[1]:.0%}]"
    return f"{found.share:.0%}{ends}"


def columns(table: Table, reference: str) -> list[Column]:
    """The columns of a question's table."""
    single = any(row.single for row in table.rows)
    found = [
        Column("rank", _rank, "#"),
        Column("predictor", lambda row: name_cell(row, table), "predictor"),
        Column("r", lambda row: signed(row.r), "r"),
        Column(by_runs(table), lambda row: interval(row.hksj)),
        Column("bootstrap", lambda row: interval(row.bootstrap), "95% interval"),
    ]
    if single:
        found += [
            Column("BCa", lambda row: part(row.single, lambda one: interval(one.bootstrap))),
            Column("Spearman", lambda row: part(row.single, lambda one: signed(one.spearman)), "Spearman"),
            Column("Kendall", lambda row: part(row.single, lambda one: signed(one.kendall))),
            Column("R²", lambda row: part(row.single, lambda one: unsigned(one.r2))),
            Column("r without one domain", lambda row: part(row.single, lambda one: interval(one.leave_one_out))),
        ]
    else:
        found.append(Column("Spearman", lambda row: signed(row.spearman)))
    if table.question == "how_much":
        found.append(Column("4+4", lambda row: signed(row.extremes), "4+4"))
    if any(row.other_sets for row in table.rows):
        short = "− others" if table.question in SET_BY_DOMAIN else ""
        found += [
            Column("r of other sets", lambda row: part(row.other_sets, lambda one: signed(one.other)), "others"),
            Column("over other sets", lambda row: difference(row.other_sets), short),
            Column("its interval", lambda row: part(row.other_sets, lambda one: interval(one.interval))),
        ]
    if table.question in SET_BY_DOMAIN:
        found.append(Column("better set found", lambda row: part(row.pairs_right, pairs_cell)))
    found.append(Column("p", lambda row: p_value(row.p_permutation), "p"))
    if single:
        found.append(Column("own p", lambda row: part(row.single, lambda one: p_value(one.p_permutation)), "own p"))
    found += [
        Column(f"− {reference}", lambda row: difference(row.from_reference), f"− {reference}"),
        Column("its p", lambda row: part(row.from_reference, lambda found: p_value(found.p))),
    ]
    if table.n_runs == 1:
        found.append(
            Column("Williams p", lambda row: part(row.from_reference, lambda found: p_value(found.p_williams)))
        )
    if table.best_history:
        found += [
            Column(f"− {table.best_history}", lambda row: difference(row.from_history), "− history"),
            Column("its p", lambda row: part(row.from_history, lambda found: p_value(found.p))),
        ]
    if table.question == "which_way":
        short = "AUROC" if table.n_runs > 1 else ""
        found += [
            Column("AUROC", lambda row: part(row.sign, lambda sign: unsigned(sign.auroc)), short),
            Column("MCC", lambda row: part(row.sign, lambda sign: signed(sign.mcc))),
        ]
    return [
        *found,
        Column("seconds", lambda row: part(row.cost, lambda cost: f"{cost.seconds:.1f}"), "s"),
        Column("passes", lambda row: part(row.cost, lambda cost: f"{cost.passes:.0f}")),
        Column("backward passes", lambda row: part(row.cost, lambda cost: f"{cost.backward_passes:.0f}")),
        Column(
            "share of tuning",
            lambda row: part(row.cost and row.cost.share_of_tuning, lambda share: f"{share:.1%}"),
        ),
        Column("flags", lambda row: "".join(row.flags), "flags"),
    ]


def question_lines(table: Table, reference: str, rows: Sequence[Row]) -> list[str]:
    """One question's table in Markdown, all columns of the given rows."""
    shown = columns(table, reference)
    return pipe_table([column.name for column in shown], ([column.cell(row) for column in shown] for row in rows))


def title(table: Table) -> str:
    """What a table is about, over how much, and how high r could go."""
    ceiling = ceiling_text(table)
    seeds = "" if table.between_seeds is None else f", r between seeds {table.between_seeds:.2f}"
    return (
        f"{QUESTIONS[table.question]} ({MEASURES[table.measure]}): {counted(table.n_runs, 'run')}, {table.n_points} "
        f"points, noise ceiling {ceiling}{seeds}"
    )


def ceiling_text(table: Table) -> str:
    """How high r could go, with its interval; the agreement between models where that is higher."""
    noise = None if table.ceiling is None else f"{table.ceiling:.2f}"
    if noise and table.ceiling_interval:
        noise += f" [{table.ceiling_interval[0]:.2f}, {table.ceiling_interval[1]:.2f}]"
    if table.agreement is not None and table.agreement > (table.ceiling or 0.0):
        return f"at least {table.agreement:.2f} by the agreement between models{f', {noise} by noise' * bool(noise)}"
    return noise or "unknown"


def by_runs(table: Table) -> str:
    """What the interval beside the bootstrap is called: one run has Fisher's."""
    return "Fisher" if table.n_runs == 1 else "HKSJ"


def name_cell(row: Row, table: Table) -> str:
    """A predictor's name, marked where it lacks runs or points that others have."""
    if row.n_runs == 0:
        return f"{row.name} (undefined)"
    if row.n_runs < table.n_runs:
        return f"{row.name} ({row.n_runs} of {table.n_runs} runs)"
    return f"{row.name} ({row.n_points} of {table.n_points} points)" if row.n_points < table.n_points else row.name


def difference(found: Difference | OtherSets | None) -> str:
    """A difference of r, with a star where its interval excludes 0."""
    if found is None or found.difference is None:
        return "–"
    return f"{signed(found.difference)}{'*' * excludes_zero(found.interval)}"


def _rank(row: Row) -> str:
    return str(row.rank) if row.rank else {"ranked": "–", "history": "history", "oracle": "oracle"}[row.standing]


def part(found: Known | None, cell: Callable[[Known], str]) -> str:
    """The cell of a part that not every predictor has."""
    return "–" if found is None else cell(found)
