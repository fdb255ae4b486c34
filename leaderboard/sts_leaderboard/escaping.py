"""Foreign text made harmless for each place that shows it.

Submissions are checked, but attached records may hold any text, and a store may be filled by other means. So every
text is escaped for the place where it stands, whatever was checked before.
"""

import html
import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

import pandas as pd

Row = TypeVar("Row")

_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+")
"""Control characters and those that turn the reading direction or take no room."""

_NEURONPEDIA = re.compile(r"[A-Za-z0-9._-]+/[A-Za-z0-9._-]+")
FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")  # noqa: RUF001 - wide ones count in some spreadsheets, too
"""Beginnings that make a spreadsheet read a cell as a formula. Tabs and ends of lines are gone by then."""

_NEXT_CELL = re.compile(r"([;|]\s*[\"']*)(?=[=+@＝＋＠-])")  # noqa: RUF001 - where such signs part cells, a formula begins


def plain(text: object, longest: int = 300) -> str:
    """One line of text for a cell that shows text as it is; nothing for a missing value."""
    if text is None or (isinstance(text, float) and math.isnan(text)):
        return ""
    line = _UNSEEN.sub(" ", str(text)).strip()
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def text_table(
    rows: Iterable[Row], columns: Mapping[str, Callable[[Row], object]], *, longest: int = 300
) -> pd.DataFrame:
    """A table of plain text. Columns say, by heading, what a row's cell is, which is cut after `longest` characters.

    A column of numbers stays one, so that it sorts by value.
    """
    every = list(rows)
    given = {heading: [cell(row) for row in every] for heading, cell in columns.items()}
    cells = {
        heading: own if all(type(one) in (int, float) for one in own) else [plain(one, longest) for one in own]
        for heading, own in given.items()
    }
    return pd.DataFrame(cells, dtype=object)


def markdown(text: object, longest: int = 300) -> str:
    """Text within Markdown: all but letters, digits and harmless marks become entities, so nothing is markup."""
    return "".join(one if one.isalnum() or one in " ,()%" else f"&#{ord(one)};" for one in plain(text, longest))


def figure_text(text: object) -> str:
    """Text within a figure: plotly reads a few HTML tags, and dollars as formulas."""
    return html.escape(plain(text, 80), quote=False).replace("$", "&#36;")


def spreadsheet(cell: object) -> object:
    """A cell of a CSV file that no spreadsheet takes for a formula; numbers stay numbers."""
    if not isinstance(cell, str):
        return cell
    line = _NEXT_CELL.sub(r"\1'", plain(cell, 2000))
    return f"'{line}" if line.startswith(FORMULA) else line


def neuronpedia_source(identity: object) -> str | None:
    """The page of an SAE, None where the identity is not of the form `model/source`."""
    known = isinstance(identity, str) and _NEURONPEDIA.fullmatch(identity)
    return f"https://www.neuronpedia.org/{identity}" if known else None


def neuronpedia(identity: str | None, feature: int) -> str | None:
    """The page of a feature, None where the identity is not of the form `model/source`."""
    source = neuronpedia_source(identity)
    return source and f"{source}/{int(feature)}"
