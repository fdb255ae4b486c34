"""A comparison as the ranking, the figure and the words of the page."""

from collections.abc import Callable, Sequence
from typing import Any

import plotly.graph_objects as go

from sts_eval.analysis import wording
from sts_eval.records.comparison import AddedRow, AddedTable, Comparison, Difference, Row, SignFigures, Standing, Table
from sts_eval.reporting.question_columns import by_runs, difference, name_cell
from sts_leaderboard.cells import Figure, figure_table, number, r_cell
from sts_leaderboard.escaping import figure_text, markdown
from sts_leaderboard.style import GREY, style_figure

LONGEST = 3000  # Characters of a sentence of the verdict.

# Name and colour in the figure.
STANDINGS: dict[Standing, tuple[str, str]] = {
    "ranked": ("ranked", "#2f7fb8"),
    "history": ("history", "#c2752d"),
    "oracle": ("oracle, not ranked", "#8a8a8a"),
}


def ranking_table(found: Table, reference: str) -> dict[str, Any]:
    """Ranked predictors by rank and within it by r, then history, then oracles."""

    def against(one: Difference | None) -> object:
        return number(one.difference if one else None, difference(one))

    columns: dict[str, Callable[[Row], object]] = {
        "predictor": lambda row: name_cell(row, found),
        "r, 95% bootstrap": lambda row: r_cell(row.r, row.bootstrap),
        "rank": lambda row: Figure(row.rank, str(row.rank or {"ranked": "–"}.get(row.standing, row.standing))),
        f"95% {by_runs(found)}": lambda row: Figure(row.hksj[0] if row.hksj else None, wording.interval(row.hksj)),
        "p": lambda row: number(row.p_permutation, wording.p_value(row.p_permutation)),
        f"− {reference}": lambda row: against(row.from_reference),
        "− history": lambda row: against(row.from_history),
        "AUROC": lambda row: auroc(row.sign),
        "runs": lambda row: number(row.n_runs, str(row.n_runs)),
        "seconds": lambda row: number(row.cost.seconds, f"{row.cost.seconds:.1f}") if row.cost else number(None, ""),
        "passes": lambda row: number(row.cost.passes, passes(row)) if row.cost else number(None, ""),
        "flags": lambda row: " ".join(row.flags),
        "what it is": lambda row: row.summary,
    }
    if found.question != "which_way":
        del columns["AUROC"]
    return figure_table(by_rank(found.rows), columns)


def auroc(sign: SignFigures | None) -> Figure:
    """How well a score tells domains that rise from those that fall."""
    value = sign.auroc if sign else None
    return number(value, wording.unsigned(value))


def passes(row: Row) -> str:
    """Forward and backward passes of a run, short."""
    if row.cost is None:
        return "–"
    backward = f" + {row.cost.backward_passes:,.0f} back" if row.cost.backward_passes else ""
    return f"{row.cost.passes:,.0f}{backward}"


def by_rank(rows: Sequence[Row]) -> list[Row]:
    """Rows by rank, otherwise as they come: by r a predictor may stand between two that share a better rank."""
    return sorted(rows, key=lambda row: row.rank or len(rows) + 1)


def added_table(found: AddedTable) -> dict[str, Any]:
    """What predictors add to history; errors in points or nats."""

    def error(value: float | None) -> Figure:
        return number(value, f"{value:#.3g}".rstrip(".") if value is not None else "")

    columns: dict[str, Callable[[AddedRow], object]] = {
        "predictor": lambda row: f"{row.name} (oracle)" if row.standing == "oracle" else row.name,
        "partial r, 95%": lambda row: r_cell(row.partial_r, row.interval),
        "p permutation": lambda row: number(row.p_permutation, wording.p_value(row.p_permutation)),
        "error of history": lambda row: error(row.rmse_plain),
        "line without": lambda row: error(row.rmse_without),
        "line with": lambda row: error(row.rmse_with),
    }
    return figure_table(found.rows, columns)


def bold(sentence: str) -> str:
    """A title, as Markdown."""
    return f"**{markdown(sentence)}**"


def answers_text(comparison: Comparison) -> str:
    """Warnings and the verdict as Markdown."""
    lines = [f"- ⚠ {markdown(line, LONGEST)}" for line in comparison.warnings]
    return "\n".join([*lines, *(f"- {markdown(line, LONGEST)}" for line in comparison.verdict)])


def forest(found: Table, reference: str) -> go.Figure:
    """Every predictor's r: thick bars are the bootstrap over runs and domains, thin ones HKSJ (Fisher for one run)."""
    rows = [row for row in found.rows if row.r is not None][::-1]
    drawing = go.Figure()
    for standing, (label, colour) in STANDINGS.items():
        some = [row for row in rows if row.standing == standing]
        if not some:
            continue
        names = [figure_text(row.name) for row in some]
        for intervals, width, opacity in (
            ([row.hksj for row in some], 1.2, 1.0),
            ([row.bootstrap for row in some], 5, 0.4),
        ):
            known = [(name, ends) for name, ends in zip(names, intervals, strict=True) if ends]
            drawing.add_scatter(
                x=[x for _, ends in known for x in (*ends, None)],
                y=[y for name, _ in known for y in (name, name, None)],
                mode="lines",
                line={"color": colour, "width": width},
                opacity=opacity,
                hoverinfo="skip",
                showlegend=False,
            )
        drawing.add_scatter(
            x=[row.r for row in some],
            y=names,
            mode="markers",
            name=label,
            marker={
                "color": colour,
                "size": [13 if row.name == reference else 8 for row in some],
                "symbol": ["star" if row.name == reference else "circle" for row in some],
            },
            customdata=[[wording.interval(row.bootstrap), str(row.rank or "–"), row.n_points] for row in some],
            hovertemplate=(
                "%{y}<br>r %{x:+.2f} %{customdata[0]}<br>rank %{customdata[1]}, %{customdata[2]} points<extra></extra>"
            ),
        )
    if found.ceiling is not None and found.ceiling < 1:
        drawing.add_vrect(x0=found.ceiling, x1=1, fillcolor=GREY, opacity=0.18, line_width=0)
        drawing.add_annotation(
            x=1, y=1.0, yref="paper", yanchor="bottom", xanchor="right", showarrow=False, text="above the noise ceiling"
        )
    drawing.add_vline(x=0, line_color=GREY, line_width=1)
    drawing.update_xaxes(title="pooled r (95% intervals)", range=[-1, 1])
    drawing.update_yaxes(categoryorder="array", categoryarray=[figure_text(row.name) for row in rows])
    return style_figure(drawing, height=140 + 19 * len(rows))
