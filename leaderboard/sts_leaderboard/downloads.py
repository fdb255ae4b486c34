"""Tables as CSV and parquet."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

import pandas as pd

from sts_leaderboard.inert import spreadsheet


def csv(table: pd.DataFrame) -> bytes:
    """CSV in which no cell and no heading is a formula."""
    inert = table.rename(columns=lambda name: str(spreadsheet(str(name))))
    words = [name for name in inert.columns if not pd.api.types.is_numeric_dtype(inert[name])]
    for name in words:
        inert[name] = inert[name].astype(object).map(_cell)
    return inert.to_csv(index=False, lineterminator="\n").encode()


def parquet(table: pd.DataFrame) -> bytes:
    """Parquet; tuples become text."""
    flat = table.copy()
    for name in flat.columns:
        if flat[name].dtype == object:
            flat[name] = flat[name].map(lambda cell: _joined(cell) if isinstance(cell, tuple) else cell)
    written = io.BytesIO()
    flat.to_parquet(written, index=False)
    return written.getvalue()


def as_file(content: bytes, name: str) -> str:
    """Content as a file of its own, in a fresh folder, under a name that we chose.

    The server copies it into its cache and serves that copy, so the path is no secret and no door.
    """
    folder = Path(tempfile.mkdtemp(prefix="sts-board-"))
    path = folder / name
    path.write_bytes(content)
    return str(path)


def _cell(cell: object) -> object:
    return spreadsheet(_joined(cell) if isinstance(cell, tuple) else cell)


def _joined(cell: tuple[object, ...]) -> str:
    return " ".join(map(str, cell))
