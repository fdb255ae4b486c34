"""Text and tables in Markdown."""

from collections.abc import Iterable, Sequence


def inline(text: str) -> str:
    """Text that stays one cell of one table, and text: no pipe, no line break, no markup."""
    for mark in ("\\", "|", "*", "`"):
        text = text.replace(mark, f"\\{mark}")
    text = text.replace("](", "]\\(")
    return " ".join(text.replace("&", "&amp;").replace("<", "&lt;").split())


def pipe_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table of plain text, with an empty line on either side."""
    lines = [[inline(cell) for cell in row] for row in (header, *rows)]
    lines.insert(1, ["---"] * len(header))
    return ["", *("| " + " | ".join(line) + " |" for line in lines), ""]
