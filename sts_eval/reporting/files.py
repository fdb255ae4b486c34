"""A report and a comparison as files: JSON, Markdown, HTML, CSV and plots, each written whole or not at all."""

import csv
import io
from pathlib import Path

from matplotlib.figure import Figure

from sts_eval.analysis.aligned_runs import AlignedRuns
from sts_eval.records.comparison import AddedTable, Comparison, Difference, Ends, Row, Table
from sts_eval.records.record import check_writable, write_atomically
from sts_eval.records.report import Report
from sts_eval.records.run_folder import REPORT_FILES
from sts_eval.reporting import comparison as comparison_view
from sts_eval.reporting import report as report_view
from sts_eval.reporting.plots import forest, panels, scatter

COMPARISON_FILES = ("comparison.json", "comparison.md", "comparison.csv", "forest.png", "panels.png")
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")  # beginnings that make a spreadsheet read a cell as a formula

Cell = str | float | int | None


def write_report(report: Report, folder: Path) -> list[Path]:
    """Write report.json, report.md, report.html and scatter.png into a folder, and return their paths.

    Raises:
        UserError: The folder cannot be written, or the report is by an earlier version, without a comparison.
    """
    paths = [folder / name for name in REPORT_FILES]
    report.write(paths[0])
    write_atomically(paths[1], report_view.markdown(report))
    write_atomically(paths[2], report_view.page(report))
    write_atomically(paths[3], _png(scatter(report, "sts_icl")))
    return paths


def write_comparison(comparison: Comparison, runs: AlignedRuns, folder: Path) -> list[Path]:
    """Write a comparison, with panels of the runs that it is about, into a folder; return the files' paths.

    Raises:
        UserError: The folder cannot be written.
    """
    paths = [folder / name for name in COMPARISON_FILES]
    for path in paths:
        check_writable(path)
    comparison.write(paths[0])
    write_atomically(paths[1], comparison_view.markdown(comparison))
    write_atomically(paths[2], tidy(comparison))
    write_atomically(paths[3], _png(forest(comparison)))
    write_atomically(paths[4], _png(panels(comparison, runs)))
    return paths


def tidy(comparison: Comparison) -> str:
    """CSV with one row per question, measure and predictor; missing figures are empty."""
    rows = []
    for table in comparison.tables:
        added = [one for one in comparison.added if (one.question, one.measure) == (table.question, table.measure)]
        rows += [_record(row, table, added) for row in table.rows]
    written = io.StringIO()
    writer = csv.DictWriter(written, list(dict.fromkeys(name for row in rows for name in row)), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: _inert(cell) for name, cell in row.items()})
    return written.getvalue()


def _record(row: Row, table: Table, added: list[AddedTable]) -> dict[str, Cell]:
    cells: dict[str, Cell] = {
        "question": table.question,
        "measure": table.measure,
        "predictor": row.name,
        "group": row.group,
        "standing": row.standing,
        "flags": "".join(row.flags),
        "rank": row.rank,
        "r": row.r,
        **_ends("hksj", row.hksj),
        **_ends("bootstrap", row.bootstrap),
        "spearman": row.spearman,
        "p_permutation": row.p_permutation,
        "n_runs": row.n_runs,
        "n_points": row.n_points,
        "ceiling": table.ceiling,
        **_ends("ceiling", table.ceiling_interval),
        "ceiling_by_agreement": table.agreement,
        **_difference("from_reference", row.from_reference),
        **_difference("from_history", row.from_history),
    }
    if row.other_sets is not None:
        others = row.other_sets
        cells |= {"r_of_other_sets": others.other, "over_other_sets": others.difference}
        cells |= _ends("over_other_sets", others.interval)
    if row.pairs_right is not None:
        pairs = row.pairs_right
        cells |= {"pairs_right": pairs.share, **_ends("pairs_right", pairs.interval), "n_pairs": pairs.n_pairs}
    if row.extremes is not None:
        cells["extremes"] = row.extremes
    if row.sign is not None:
        cells |= {"auroc": row.sign.auroc, **_ends("auroc", row.sign.interval), "mcc": row.sign.mcc}
        cells |= {"n_up": row.sign.n_up, "n_down": row.sign.n_down}
    if row.cost is not None:
        cells |= row.cost.model_dump()
    if row.single is not None:
        one = row.single
        cells |= {"own_p_permutation": one.p_permutation, "kendall": one.kendall, "r2": one.r2}
        cells |= {**_ends("bca", one.bootstrap), **_ends("without_one_domain", one.leave_one_out)}
        cells["conclusion"] = one.conclusion
    for beyond in added:
        for found in (known for known in beyond.rows if known.name == row.name):
            name = f"beyond_{beyond.history}"
            cells |= {f"{name}_partial_r": found.partial_r, **_ends(f"{name}_partial_r", found.interval)}
            for figure in ("p_permutation", "rmse_plain", "rmse_without", "rmse_with"):
                cells[f"{name}_{figure}"] = getattr(found, figure)
    return cells


def _ends(name: str, found: Ends | None) -> dict[str, Cell]:
    low, high = found or (None, None)
    return {f"{name}_low": low, f"{name}_high": high}


def _difference(name: str, found: Difference | None) -> dict[str, Cell]:
    return {
        f"{name}_rival": found.rival if found else None,
        name: found.difference if found else None,
        **_ends(name, found.interval if found else None),
        f"{name}_p": found.p if found else None,
        f"{name}_p_williams": found.p_williams if found else None,
    }


def _inert(cell: Cell) -> Cell:
    """A text that no spreadsheet takes for a formula; numbers stay numbers."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell


def _png(figure: Figure) -> bytes:
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", dpi=150)
    return drawn.getvalue()
