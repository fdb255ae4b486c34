"""What tuning really does in the embedded lab, and what STS said beforehand.

Runs predict, fine-tune, measure and report for each of the lab's training sets and writes the table
that docs/lab-transfer.md shows. Resumable: what is in the folder is not done again.

    python benchmarks/lab_transfer.py [--folder runs/lab] [SET ...]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from sts_eval.lab import SFT_SETS
from sts_eval.lab.experiment import lab_experiment
from sts_eval.pipeline import run
from sts_eval.records.prediction import SCORES
from sts_eval.records.report import Report
from sts_eval.reporting.files import write_report
from sts_eval.reporting.markdown import pipe_table
from sts_eval.reporting.question_columns import question_lines, title
from sts_eval.reporting.report import OVERLAP_HEADER, outcome_tables, overlap_rows, sts_first

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "lab-transfer.md"

HEAD = """# What tuning does in the lab

Written by `python benchmarks/lab_transfer.py`; every figure is measured. One tiny model, {n_sets} training
sets, {n_seeds} seeds each, {n} held-out questions a category. Changes in accuracy are
in points, ± standard error over questions and seeds.

The lab is a small world of our own. It neither confirms nor refutes the paper, whose models are four
thousand times larger.
"""


SEEDS = (0, 1, 2)


def main() -> None:
    """Run, and write the document."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sets", nargs="*", default=["math", "code", "health"], help=f"among {', '.join(SFT_SETS)}")
    parser.add_argument("--folder", type=Path, default=Path("runs/lab"))
    arguments = parser.parse_args()
    reports: dict[str, Report] = {}
    for name in arguments.sets:
        lab = lab_experiment(name)
        experiment = lab.model_copy(update={"tune": lab.tune.model_copy(update={"seeds": SEEDS})})
        reports[name] = run(experiment, arguments.folder / name)
        write_report(reports[name], arguments.folder / name)
        print(f"{name}: done")
    DOCUMENT.write_text(document(reports, len(experiment.tune.seeds)), encoding="utf-8")
    print(f"Written: {DOCUMENT}")


def document(reports: dict[str, Report], n_seeds: int) -> str:
    """The tables as Markdown."""
    first = next(iter(reports.values()))
    lines = [HEAD.format(n_sets=len(reports), n_seeds=n_seeds, n=first.rows[0].n).strip(), ""]
    lines += ["## Change in accuracy", "", "| category | before | " + " | ".join(reports) + " |"]
    lines += ["|---" * (len(reports) + 2) + "|"]
    for row in first.rows:
        changes = [next(one for one in report.rows if one.domain == row.domain) for report in reports.values()]
        figures = [f"{_bold(f'{c.delta:+.1f} ± {c.se:.1f}', c.verdict)}" for c in changes]
        lines.append(f"| {row.domain} | {row.accuracy_before:.1%} | " + " | ".join(figures) + " |")
    ratios = [_figure(report.signal_to_noise) for report in reports.values()]
    sizes = [f"{np.mean([abs(row.delta) for row in report.rows]):.1f}" for report in reports.values()]
    lines += [f"| mean size | | {' | '.join(sizes)} |", f"| signal to noise over categories | | {' | '.join(ratios)} |"]
    lines += ["", "Bold: more than 1.96 standard errors from 0.", "", "## What STS said beforehand", ""]
    for name, report in reports.items():
        comparison = report.compared()
        lines.append(f"### {name}")
        for table in outcome_tables(comparison):
            lines += ["", title(table), *question_lines(table, comparison.reference, sts_first(table)[: len(SCORES)])]
        single = outcome_tables(comparison)[0].row("sts_icl").single
        lines += [single.verdict if single else "", ""]
    lines += ["## Predicted and actually shifted dimensions", ""]
    lines += ["Means over tuned seeds. The null draws as many dimensions of the same activity.", ""]
    for name, report in reports.items():
        lines += [f"### {name}", *pipe_table(OVERLAP_HEADER, overlap_rows(report))]
    return "\n".join(lines)


def _bold(text: str, verdict: str) -> str:
    return text if verdict == "no clear change" else f"**{text}**"


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"


if __name__ == "__main__":
    main()
