"""Tables of figures that sort by their value and are shown as text, an interval as a small bar below it."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeVar

from sts_eval.analysis.wording import interval, signed
from sts_eval.records.comparison import Ends
from sts_leaderboard.escaping import plain

Row = TypeVar("Row")

# In the dark both are lighter: see `head.html`.
BAND, TICK, ZERO = "var(--interval,rgba(47,127,184,0.45))", "var(--estimate,#2f7fb8)", "rgba(138,143,152,0.9)"
LONGEST = 300  # characters of a cell


MISSING = -1e300  # where there is no figure; the page sorts an empty cell as if it were 0


class Figure(NamedTuple):
    """A cell that sorts by a number; one without it is the smallest in its column."""

    value: float | None
    text: str
    style: str = ""


def number(value: float | None, text: str) -> Figure:
    """A figure; a dash where there is none."""
    known = value is not None and value == value  # noqa: PLR0124 - NaN is not itself
    return Figure(float(value), text) if known and value is not None else Figure(None, "–")


def r_cell(r: float | None, ends: Ends | None) -> Figure:
    """A correlation with its interval, in figures and as a bar from -1 to +1."""
    if r is None:
        return Figure(None, "–")
    text = f"{signed(r)} {interval(ends)}".removesuffix(" –")
    return Figure(r, text.replace("+0.", "+.").replace("-0.", "-."), interval_bar(r, ends))


def interval_bar(r: float, ends: Ends | None) -> str:
    """CSS that draws a correlation, its interval and 0 on a line from -1 to +1 below a cell's text."""

    def at(value: float) -> str:
        return f"{50 + 50 * max(-1.0, min(1.0, value)):.1f}%"

    def mark(value: float, colour: str, half: int) -> str:
        ends = f"calc({at(value)} - {half}px)", f"calc({at(value)} + {half}px)"
        return f"linear-gradient(90deg,transparent {ends[0]},{colour} {ends[0]} {ends[1]},transparent {ends[1]})"

    layers = [mark(r, TICK, 2), mark(0.0, ZERO, 1)]
    if ends:
        low, high = map(at, ends)
        layers.append(f"linear-gradient(90deg,transparent {low},{BAND} {low} {high},transparent {high})")
    return (
        f"display:block;min-width:130px;padding-bottom:9px;background:{','.join(layers)};"
        "background-size:100% 8px;background-repeat:no-repeat;background-position:0 100%"
    )


def figure_table(rows: Iterable[Row], columns: Mapping[str, Callable[[Row], object]]) -> dict[str, Any]:
    """A table as `gr.Dataframe` takes it. Columns say, by heading, what a row's cell is: a `Figure`, or else text."""
    cells = [
        [
            one if isinstance(one := cell(row), Figure) else Figure(None, plain(one, LONGEST))
            for cell in columns.values()
        ]
        for row in rows
    ]
    numeric = [any(row[place].value is not None for row in cells) for place in range(len(columns))]
    return {
        "headers": list(columns),
        "data": [[_sorted_by(one, known) for one, known in zip(row, numeric, strict=True)] for row in cells],
        "metadata": {
            "display_value": [[one.text for one in row] for row in cells],
            "styling": [[one.style for one in row] for row in cells],
        },
    }


def _sorted_by(cell: Figure, known: bool) -> float | str:
    if not known:
        return cell.text
    return MISSING if cell.value is None else cell.value
