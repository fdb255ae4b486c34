"""A report on one run, on the terminal, as Markdown, and as one HTML file that needs nothing beside it."""

import html
import io
import re
from collections.abc import Sequence
from statistics import fmean

from rich.console import Console
from rich.markup import escape

from sts_eval.analysis.wording import QUESTIONS, interval, signed, unsigned
from sts_eval.records.comparison import Comparison, Measure, Question, Row, Table
from sts_eval.records.overlap import SpaceOverlap
from sts_eval.records.prediction import SCORES
from sts_eval.records.report import Report
from sts_eval.reporting import reinforcement
from sts_eval.reporting.comparison import footnote, question_table
from sts_eval.reporting.markdown import inline, pipe_table
from sts_eval.reporting.plots import scatter
from sts_eval.reporting.prediction import NAMES, tuned_on
from sts_eval.reporting.question_columns import question_lines, title
from sts_eval.reporting.terminal import WIDTH, standard_output, text_table, warn

OUTCOMES: tuple[tuple[Question, Measure], ...] = (
    ("which_way", "accuracy"),
    ("how_much", "accuracy"),
    ("which_way", "logprob"),
)
"""What scores are correlated with, a table each; log-probability where every domain has it."""

IN_WORDS = ("sts_icl", "sts_act")  # scores whose correlations with accuracy are put in words
DOMAIN_HEADER = ("domain", "STS_ICL", "STS_act", "before", "after", "Δ points ± SE", "n", "verdict")
TURNOVER = "Questions lost (right before, wrong after) and gained, per hundred"
TURNOVER_HEADER = (
    "domain",
    "Δ points ± SE",
    "lost",
    "gained",
    "lost, guessing taken off",
    "gained, guessing taken off",
)
GUESSING = (
    "Guessing taken off: k/(k-1) · (lost - wrong on both sides/(k-1)) for k options, if a model knows an answer or "
    "guesses; below 0 where fewer changed than luck would have. "
)
NOT_TAKEN_OFF = "Guessing is not taken off where the record does not hold the number of options of every question. "
OVERLAP_HEADER = ("space", "N", "in both", "null of equal activity", "largest p", "N carry of all change")
IN_ALL = "In all of these"
NAMED = 2  # domains named at either end
CAME_TRUE = {
    "positive": "the scores go with it",
    "negative": "the scores go against it",
    "inconclusive": "inconclusive",
}
"""What the conclusion on one run's correlation means for the prediction."""
UNRELATED = "UNRELATED: THIS PREDICTION IS NOT ABOUT WHAT WAS MEASURED"
COLOURS = {"better": "green", "worse": "red"}


def print_report(report: Report, console: Console | None = None) -> None:
    """Print the domains, every predictor against every outcome, what follows, and the overlaps.

    Raises:
        UserError: The report is by an earlier version, without a comparison.
    """
    console = console or standard_output()
    comparison = report.compared()
    if report.unrelated:
        console.rule(f"[bold red]{UNRELATED}[/]", characters="━")
    for warning in warnings(report, comparison):
        warn(console, f"Warning: {warning}")
    domains = text_table("Predicted and measured, by domain", DOMAIN_HEADER, left=("domain", "verdict"))
    for *cells, verdict in domain_rows(report):
        colour = COLOURS.get(verdict)
        domains.add_row(*map(escape, cells), f"[{colour}]{verdict}[/]" if colour else verdict)
    console.print(domains)
    if turned := turnover_rows(report):
        console.print(text_table(TURNOVER, TURNOVER_HEADER, turned, left=("domain",)))
        console.print(turnover_note(report), style="dim", markup=False, highlight=False)
    for table in outcome_tables(comparison):
        console.print(question_table(table, comparison.reference, leading=SCORES))
    console.print(footnote(comparison), style="dim", markup=False, highlight=False)
    for line in comparison.verdict:
        console.print(f"• {line}", markup=False, highlight=False)
    for name, text in folded(conclusions(comparison)):
        console.print(f"[bold]{name}[/]: {escape(text)}", highlight=False)
    if report.overlaps:
        heading = f"Predicted and actually shifted dimensions, mean of {len(report.overlaps)} tuned seeds"
        console.print(text_table(heading, OVERLAP_HEADER, overlap_rows(report), left=("space",)))
    if report.reinforcement:
        rows = reinforcement.reinforcement_rows(report.reinforcement)
        console.print(text_table(reinforcement.TITLE, reinforcement.HEADER, rows, dense=True))
        console.print(reinforcement.NOTE, style="dim", markup=False, highlight=False)
    total = sum(report.seconds.values())
    shares = ", ".join(f"{stage} {spent:.0f} s ({spent / total:.0%})" for stage, spent in report.seconds.items())
    console.print(f"Time: {shares}.", style="dim", highlight=False)
    console.print("[bold]In short[/]", highlight=False)
    for line in in_short(report, comparison):
        console.print(line, markup=False, highlight=False)


def warnings(report: Report, comparison: Comparison) -> tuple[str, ...]:
    """What the reader must know first; of the comparison only what the report does not say itself."""
    about_one_run = ("UNRELATED", "POST HOC", "no model has 3 training sets")
    return (*report.warnings, *(line for line in comparison.warnings if not line.startswith(about_one_run)))


def domain_rows(report: Report) -> list[list[str]]:
    """Domains by falling STS_ICL: the scores, accuracy before and after, the change and its error."""
    return [
        [
            row.domain,
            f"{row.scores['sts_icl'].value:.4g}",
            f"{row.scores['sts_act'].value:.4g}",
            f"{row.accuracy_before:.1%}",
            f"{row.accuracy_after:.1%}",
            f"{row.delta:+.1f} ± {row.se:.1f}",
            str(row.n),
            row.verdict,
        ]
        for row in sorted(report.rows, key=lambda row: -row.scores["sts_icl"].value)
    ]


def turnover_rows(report: Report) -> list[list[str]]:
    """Domains as in the table above it: the net change, and questions lost and gained apart; none in older reports."""
    return [
        [
            row.domain,
            f"{row.delta:+.1f} ± {row.se:.1f}",
            f"{row.turnover.lost:.1f}",
            f"{row.turnover.gained:.1f}",
            _known(row.turnover.known_lost, row.turnover.known_lost_se),
            _known(row.turnover.known_gained, row.turnover.known_gained_se),
        ]
        for row in sorted(report.rows, key=lambda row: -row.scores["sts_icl"].value)
        if row.turnover is not None
    ]


def turnover_note(report: Report) -> str:
    """How guessing was taken off, and that it was not where the number of options is unknown."""
    known = [row.turnover is not None and row.turnover.known_lost is not None for row in report.rows]
    return (GUESSING * any(known) + NOT_TAKEN_OFF * (not all(known))).strip()


def _known(value: float | None, se: float | None) -> str:
    return "–" if value is None else f"{value:.1f}" if se is None else f"{value:.1f} ± {se:.1f}"


def outcome_tables(comparison: Comparison) -> list[Table]:
    """The tables that a report shows."""
    return [table for asked in OUTCOMES if (table := comparison.table(*asked)) is not None]


def sts_first(table: Table) -> list[Row]:
    """The rows of a table, STS's scores on top."""
    return [*map(table.row, SCORES), *(row for row in table.rows if row.name not in SCORES)]


def conclusions(comparison: Comparison) -> list[tuple[str, str]]:
    """What the correlations of the leading scores with accuracy allow one to say."""
    found = []
    for name in IN_WORDS:
        for table in outcome_tables(comparison):
            single = table.row(name).single
            if table.measure == "accuracy" and single is not None:
                found.append((f"{QUESTIONS[table.question]}, {NAMES[name]}", single.verdict))
    return found


def folded(found: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """The same paragraphs, with the sentences that are in all of them said once, at the end."""
    said = [re.split(r"(?<=\.) (?=[A-Z])", text) for _, text in found]
    shared = [sentence for sentence in said[0] if all(sentence in own for own in said)] if len(said) > 1 else []
    apart = [
        (name, " ".join(sentence for sentence in own if sentence not in shared))
        for (name, _), own in zip(found, said, strict=True)
    ]
    return [*((name, text) for name, text in apart if text), *[(IN_ALL, " ".join(shared))] * bool(shared)]


def in_short(report: Report, comparison: Comparison) -> list[str]:
    """What was predicted, whether it came true, and how far noise lets anything come true: a line each."""
    order = [row.domain for row in sorted(report.rows, key=lambda row: -row.scores["sts_icl"].value)]
    ends_named = f"{', '.join(order[:NAMED])} change most, {', '.join(order[-NAMED:])} least"
    if len({row.scores["sts_icl"].value for row in report.rows}) == 1 < len(order):
        ends_named = "the same of all domains, so none is ranked before another"
    lines = [f"Predicted by {NAMES['sts_icl']}: {ends_named}."]
    tables = [table for table in outcome_tables(comparison) if table.measure == "accuracy"]
    for table in tables:
        single = table.row("sts_icl").single
        if single is not None:
            ends = interval(single.bootstrap or single.fisher)
            came = CAME_TRUE.get(single.conclusion, "cannot be judged")
            noise = "" if table.ceiling is None else f"; noise ceiling {unsigned(table.ceiling)}"
            lines.append(f"{QUESTIONS[table.question]}: {came} (r = {signed(single.r)}, 95% interval {ends}{noise}).")
    return lines


def overlap_rows(report: Report) -> list[list[str]]:
    """The cells of the table of overlaps, means over tuned seeds; those of the model's own demonstrations last."""
    kinds = (("", [one.spaces for one in report.overlaps]), (", on policy", [one.on_policy for one in report.overlaps]))
    return [
        [f"{seeds[0].space} ({seeds[0].dims}){shown}", *cells]
        for shown, overlaps in kinds
        for seeds in zip(*overlaps, strict=True)
        for cells in overlap_cells(seeds)
    ]


def overlap_cells(seeds: Sequence[SpaceOverlap]) -> list[list[str]]:
    """By N, the overlap in one space, means over tuned seeds."""
    return [
        [
            str(same_n[0].n),
            f"{fmean(one.common for one in same_n):.1f}",
            f"{fmean(one.expected for one in same_n):.1f} ± {fmean(one.null_sd for one in same_n):.1f}",
            f"{max(one.p_value for one in same_n):.2g}",
            f"{fmean(one.share_actual for one in same_n):.0%}",
        ]
        for same_n in zip(*(seed.at for seed in seeds), strict=True)
    ]


def markdown(report: Report) -> str:
    """The report as Markdown.

    Raises:
        UserError: The report is by an earlier version, without a comparison.
    """
    comparison = report.compared()
    lines = [f"# {inline(tuned_on(report.model, report.training_set))}", ""]
    if report.unrelated:
        lines += [f"# {UNRELATED}", ""]
    lines += [f"> **{inline(warning)}**\n" for warning in warnings(report, comparison)]
    lines += pipe_table(DOMAIN_HEADER, domain_rows(report))
    if turned := turnover_rows(report):
        lines += [f"## {TURNOVER}", "", *pipe_table(TURNOVER_HEADER, turned), f"{turnover_note(report)}\n"]
    for table in outcome_tables(comparison):
        lines += [f"## {inline(title(table))}", *question_lines(table, comparison.reference, sts_first(table))]
    lines += [f"{inline(footnote(comparison))}\n", *(f"- {inline(line)}" for line in comparison.verdict), ""]
    lines += [f"**{inline(name)}.** {inline(text)}\n" for name, text in folded(conclusions(comparison))]
    if report.overlaps:
        lines += pipe_table(OVERLAP_HEADER, overlap_rows(report))
    if report.reinforcement:
        rows = reinforcement.reinforcement_rows(report.reinforcement)
        lines += [f"## {reinforcement.TITLE}", "", *pipe_table(reinforcement.HEADER, rows), reinforcement.NOTE, ""]
    return "\n".join(lines)


def page(report: Report) -> str:
    """The report as one HTML file: tables and an SVG plot, no script and nothing fetched.

    Raises:
        UserError: The report is by an earlier version, without a comparison.
    """
    # In a notebook rich would show it, too.
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_jupyter=False)
    print_report(report, console)
    body = console.export_html(inline_styles=True, code_format="<pre>{code}</pre>")
    drawing = io.StringIO()
    scatter(report, "sts_icl").savefig(drawing, format="svg")
    svg = drawing.getvalue()
    name = html.escape(tuned_on(report.model, report.training_set))
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{name}</title>'
        "<style>body{max-width:64rem;margin:2rem auto;font-family:system-ui;padding:0 1rem}"
        "pre{overflow-x:auto;font-size:.8rem}svg{max-width:100%;height:auto}</style>"
        f"<h1>{name}</h1>{f'<h1>{UNRELATED}</h1>' if report.unrelated else ''}{svg[svg.index('<svg') :]}{body}</html>\n"
    )
