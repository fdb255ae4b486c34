"""A comparison as files: Markdown, CSV, JSON and two plots, each written whole or not at all."""

from __future__ import annotations

import csv
import io
import uuid
from pathlib import Path

from matplotlib.figure import Figure

from sts_eval.analysis.aligned_runs import Matrix
from sts_eval.errors import UserError
from sts_eval.records.comparison import AddedTable, Comparison, Difference, Ends, Row, Table
from sts_eval.records.record import check_writable, write_atomically
from sts_eval.report.comparison_plots import forest, panels
from sts_eval.report.comparison_tables import (
    ADDED_HEADER,
    added_cells,
    added_title,
    by_runs,
    difference,
    figure,
    interval,
    name_cell,
    p_value,
    title,
    unsigned,
)

FILES = ("comparison.json", "comparison.md", "comparison.csv", "forest.png", "panels.png")


def write_comparison(comparison: Comparison, matrix: Matrix, folder: Path) -> list[Path]:
    """Write all files into a folder, and return their paths.

    Args:
        comparison: The record.
        matrix: The runs that it is about, for the panels.
        folder: Where to; made if missing.

    Raises:
        UserError: The folder cannot be written.
    """
    paths = [folder / name for name in FILES]
    for path in paths:
        check_writable(path)
    comparison.write(paths[0])
    write_atomically(paths[1], markdown(comparison))
    write_atomically(paths[2], tidy(comparison))
    _save(forest(comparison), paths[3])
    _save(panels(comparison, matrix), paths[4])
    return paths


def markdown(comparison: Comparison) -> str:
    """Everything as Markdown: the verdict, then every row of every table."""
    lines = [f"# {len(comparison.runs)} run{'s' * (len(comparison.runs) > 1)} compared", ""]
    lines += [f"> **{_inline(warning)}**\n" for warning in comparison.warnings]
    lines += [f"- {_inline(line)}" for line in comparison.verdict]
    for added in comparison.added:
        lines += ["", f"## {_inline(added_title(added))}"]
        lines += _pipes(list(ADDED_HEADER), [added_cells(row) for row in added.rows])
    for table in comparison.tables:
        lines += ["", f"## {_inline(title(table))}"]
        lines += _pipes(_header(table, comparison.reference), [_cells(row, table) for row in table.rows])
        lines += [_inline(note) for note in table.notes]
    lines += ["", "## Runs", ""]
    lines += [
        f"- {_inline(run.model)} on {_inline(run.training_set)}{' (post hoc)' * run.post_hoc}"
        for run in comparison.runs
    ]
    lines += [
        "",
        f"Intervals are {comparison.level:.0%}: HKSJ over runs (Fisher's for one run), bootstrap over runs and domains "
        f"({comparison.n_resamples} resamples, seed {comparison.seed}). p is that of the largest \\|r\\| of all ranked "
        "(or all history) columns. Predictors that share a rank cannot be told apart. "
        "\\* marks a difference whose interval excludes 0. "
        "Flags: L labels, G backward passes, P short training, O oracle (not ranked). Cost: means over runs; its share "
        "is of the time of tuning one seed.",
    ]
    return "\n".join(lines) + "\n"


def tidy(comparison: Comparison) -> str:
    """CSV with one row per question, measure and predictor; missing figures are empty."""
    rows = []
    for table in comparison.tables:
        added = [one for one in comparison.added if (one.question, one.measure) == (table.question, table.measure)]
        rows += [_record(row, table, added) for row in table.rows]
    names = list(dict.fromkeys(name for row in rows for name in row))
    written = io.StringIO()
    writer = csv.DictWriter(written, names, lineterminator="\n", restval="")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: _inert(cell) if isinstance(cell, str) else cell for name, cell in row.items()})
    return written.getvalue()


Cell = str | float | int | None


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
        **_difference("from_reference", row.from_reference),
        **_difference("from_history", row.from_history),
    }
    if row.sign is not None:
        cells |= {"auroc": row.sign.auroc, **_ends("auroc", row.sign.interval), "mcc": row.sign.mcc}
        cells |= {"n_up": row.sign.n_up, "n_down": row.sign.n_down}
    if row.cost is not None:
        cells |= row.cost.model_dump()
    for one in added:
        for found in (known for known in one.rows if known.name == row.name):
            beyond = f"beyond_{one.history}"
            cells |= {f"{beyond}_partial_r": found.partial_r, **_ends(f"{beyond}_partial_r", found.interval)}
            for name in ("p_likelihood", "q_likelihood", "p_permutation", "rmse_without", "rmse_with"):
                cells[f"{beyond}_{name}"] = getattr(found, name)
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


def _inert(cell: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else cell


def _header(table: Table, reference: str) -> list[str]:
    sign = ["AUROC", "MCC"] if table.question == "which_way" else []
    rivals = [f"− {reference}", "p", f"− {table.best_history or 'history'}", "p"]
    rivals += ["Williams p"] if table.n_runs == 1 else []
    return [
        *("rank", "predictor", "r", by_runs(table), "bootstrap", "Spearman", "p"),
        *rivals,
        *sign,
        *("seconds", "passes", "backward", "of tuning", "flags"),
    ]


def _cells(row: Row, table: Table) -> list[str]:
    first = [
        str(row.rank) if row.rank else row.standing if row.standing != "ranked" else "–",
        name_cell(row, table),
        figure(row.r),
        interval(row.hksj),
        interval(row.bootstrap),
        figure(row.spearman),
        p_value(row.p_permutation),
    ]
    for found in (row.from_reference, row.from_history):
        first += [difference(found).strip(), p_value(found.p if found else None)]
    if table.n_runs == 1:
        first.append(p_value(row.from_reference.p_williams if row.from_reference else None))
    if table.question == "which_way":
        first += [unsigned(row.sign.auroc if row.sign else None), figure(row.sign.mcc if row.sign else None)]
    cost = row.cost
    share = cost.share_of_tuning if cost else None
    last = [f"{cost.seconds:.1f}", f"{cost.passes:.0f}", f"{cost.backward_passes:.0f}"] if cost else ["–"] * 3
    return [*first, *last, "–" if share is None else f"{share:.1%}", "".join(row.flags)]


def _pipes(header: list[str], rows: list[list[str]]) -> list[str]:
    lines = [[_inline(cell) for cell in row] for row in (header, *rows)]
    lines.insert(1, ["---"] * len(header))
    return ["", *("| " + " | ".join(line) + " |" for line in lines), ""]


def _inline(text: str) -> str:
    """Text that stays one cell of one table, and text: no pipe, no line break, no markup."""
    for mark in ("\\", "|", "*", "`"):
        text = text.replace(mark, f"\\{mark}")
    text = text.replace("](", "]\\(")
    return " ".join(text.replace("&", "&amp;").replace("<", "&lt;").split())


def _save(drawn: Figure, path: Path) -> None:
    """Write an image so that a reader sees all of it or what was there before."""
    temporary = path.with_name(f".{path.stem}.{uuid.uuid4().hex}.png")
    try:
        drawn.savefig(temporary, dpi=150)
        temporary.replace(path)
    except OSError as error:
        raise UserError(f"{path} cannot be written ({error.strerror})", "Free space, or choose another path") from error
    finally:
        temporary.unlink(missing_ok=True)
