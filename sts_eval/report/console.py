"""The console that tables are printed on."""

from rich.console import Console

WIDTH = 110
"""Columns that a table needs; where output is no terminal, nothing narrower need be assumed."""


def standard_output() -> Console:
    """Standard output: as wide as the terminal, or as wide as a table needs."""
    console = Console()
    return console if console.is_terminal else Console(width=WIDTH)
