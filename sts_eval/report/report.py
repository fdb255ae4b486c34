"""A report on the terminal, as Markdown, and as one HTML file that needs nothing beside it."""

from __future__ import annotations

import html
import io
from pathlib import Path
from statistics import fmean

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sts_eval.records.record import write_atomically
from sts_eval.records.report import Agreement, Report
from sts_eval.records.run_folder import REPORT_FILES
from sts_eval.report.console import WIDTH, standard_output
from sts_eval.report.prediction import NAMES
from sts_eval.report.scatter import scatter

TARGETS = {"delta": "signed Δ", "magnitude": "|Δ|, noise taken off", "logprob": "signed Δ log-probability"}

LEADING = ("sts_icl", "sts_act")
"""The scores that a report's sentences and plot are about; all stand in its table."""


def print_report(report: Report, console: Console | None = None) -> None:
    """Print the domains, the agreement of every score with every outcome, and what follows."""
    console = console or standard_output()
    for warning in report.warnings:
        console.print(f"Warning: {warning}", style="yellow", markup=False, highlight=False)
    console.print(domain_table(report))
    console.print(agreement_table(report))
    if report.overlaps:
        console.print(overlap_table(report))
    for name, text in conclusions(report):
        console.print(f"[bold]{name}[/]: {escape(text)}", highlight=False)
    total = sum(report.seconds.values())
    shares = ", ".join(f"{stage} {spent:.0f} s ({spent / total:.0%})" for stage, spent in report.seconds.items())
    console.print(f"Time: {shares}.", style="dim", highlight=False)


def domain_table(report: Report) -> Table:
    """Domains by falling STS_ICL: the scores, accuracy before and after, the change and its error."""
    table = Table(title="Predicted and measured, by domain", title_justify="left")
    for header in ("domain", "STS_ICL", "STS_act", "before", "after", "Δ points ± SE", "n", "verdict"):
        table.add_column(header, justify="left" if header in ("domain", "verdict") else "right", no_wrap=True)
    for row in sorted(report.rows, key=lambda row: -row.scores["sts_icl"].value):
        table.add_row(
            escape(row.domain),
            f"{row.scores['sts_icl'].value:.4g}",
            f"{row.scores['sts_act'].value:.4g}",
            f"{row.accuracy_before:.1%}",
            f"{row.accuracy_after:.1%}",
            f"{row.delta:+.1f} ± {row.se:.1f}",
            str(row.n),
            {"better": "[green]better[/]", "worse": "[red]worse[/]"}.get(row.verdict, row.verdict),
        )
    return table


def agreement_table(report: Report) -> Table:
    """Every score against every outcome."""
    n = report.agreements[0].n
    table = Table(title=f"How well the scores agree with the change, over {n} domains", title_justify="left")
    for header in ("score", "outcome", "r", "95% interval", "p", "Spearman", "ceiling", "4+4"):
        table.add_column(header, justify="left" if header in ("score", "outcome") else "right", no_wrap=True)
    for agreement in report.agreements:
        table.add_row(*(escape(cell) for cell in cells(agreement)))
    return table


def overlap_table(report: Report) -> Table:
    """How many of the predicted dimensions are among the ones that tuning moved most."""
    title = f"Predicted and actually shifted dimensions, mean of {len(report.overlaps)} tuned seeds"
    table = Table(title=title, title_justify="left")
    for header in OVERLAP_HEADER:
        table.add_column(header, justify="left" if header == "space" else "right", no_wrap=True)
    for row in overlap_rows(report):
        table.add_row(*row)
    return table


OVERLAP_HEADER = ("space", "N", "in both", "null of equal activity", "largest p", "N carry of all change")


def overlap_rows(report: Report) -> list[list[str]]:
    """The cells of the table of overlaps, means over tuned seeds."""
    rows = []
    for place, space in enumerate(report.overlaps[0].spaces):
        for index, at in enumerate(space.at):
            seeds = [one.spaces[place].at[index] for one in report.overlaps]
            rows.append(
                [
                    f"{space.space} ({space.dims})",
                    str(at.n),
                    f"{fmean(one.common for one in seeds):.1f}",
                    f"{fmean(one.expected for one in seeds):.1f} ± {fmean(one.null_sd for one in seeds):.1f}",
                    f"{max(one.p_value for one in seeds):.2g}",
                    f"{fmean(one.share_actual for one in seeds):.0%}",
                ]
            )
    return rows


def cells(agreement: Agreement) -> list[str]:
    """One row of the table of agreements."""
    interval = f"[{agreement.fisher[0]:+.2f}, {agreement.fisher[1]:+.2f}]" if agreement.fisher else "–"
    p = "–" if agreement.p_permutation is None else f"{agreement.p_permutation:.3f}"
    return [
        NAMES[agreement.score],
        TARGETS[agreement.target],
        _figure(agreement.pearson),
        interval,
        p,
        _figure(agreement.spearman),
        _figure(agreement.ceiling, signed=False),
        _figure(agreement.extremes),
    ]


def conclusions(report: Report) -> list[tuple[str, str]]:
    """What follows, in sentences, for the leading scores and the two outcomes of accuracy."""
    return [
        (f"{NAMES[score]} and {TARGETS[target]}", report.agreement(score, target).verdict)
        for score in LEADING
        for target in ("delta", "magnitude")
    ]


def write_report(report: Report, folder: Path) -> list[Path]:
    """Write report.json, report.md, report.html and scatter.png into a folder, and return their paths.

    Raises:
        UserError: The folder cannot be written.
    """
    paths = [folder / name for name in REPORT_FILES]
    report.write(paths[0])
    write_atomically(paths[1], markdown(report))
    write_atomically(paths[2], page(report))
    figure = scatter(report, LEADING[0])
    figure.savefig(paths[3], dpi=150)
    return paths


def markdown(report: Report) -> str:
    """The report as Markdown."""
    domains = [
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
    lines = [f"# {_last(report.model)} tuned on {_last(report.training_set)}", ""]
    lines += [f"> **{warning}**" for warning in report.warnings]
    lines += _pipes(["domain", "STS_ICL", "STS_act", "before", "after", "Δ points ± SE", "n", "verdict"], domains)
    header = ["score", "outcome", "r", "95% interval", "p", "Spearman", "ceiling", "4+4"]
    lines += _pipes(header, [[cell.replace("|", "\\|") for cell in cells(one)] for one in report.agreements])
    if report.overlaps:
        lines += _pipes(list(OVERLAP_HEADER), overlap_rows(report))
    lines += [f"**{name}.** {text}\n" for name, text in conclusions(report)]
    return "\n".join(lines)


def _pipes(header: list[str], rows: list[list[str]]) -> list[str]:
    return ["", *("| " + " | ".join(row) + " |" for row in [header, ["---"] * len(header), *rows]), ""]


def page(report: Report) -> str:
    """The report as one HTML file: tables and an SVG plot, no script and nothing fetched."""
    console = Console(record=True, width=WIDTH, file=io.StringIO())
    print_report(report, console)
    body = console.export_html(inline_styles=True, code_format="<pre>{code}</pre>")
    drawing = io.StringIO()
    scatter(report, LEADING[0]).savefig(drawing, format="svg")
    svg = drawing.getvalue()
    title = html.escape(f"{_last(report.model)} tuned on {_last(report.training_set)}")
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        "<style>body{max-width:64rem;margin:2rem auto;font-family:system-ui;padding:0 1rem}"
        "pre{overflow-x:auto;font-size:.8rem}svg{max-width:100%;height:auto}</style>"
        f"<h1>{title}</h1>{svg[svg.index('<svg') :]}{body}</html>\n"
    )


def _figure(value: float | None, *, signed: bool = True) -> str:
    return "–" if value is None else f"{value:+.2f}" if signed else f"{value:.2f}"


def _last(name: str) -> str:
    return name.rstrip("/").rsplit("/", 1)[-1]
