"""Tables as CSV and parquet, and the buttons that save them."""

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import gradio as gr
import pandas as pd

from sts_leaderboard.escaping import spreadsheet
from sts_leaderboard.page import READING, Page, error_notices
from sts_leaderboard.url_state import State

TABLE_FILES = {"csv": "CSV", "parquet": "Parquet"}  # Labels of the buttons that save a table.


def csv(table: pd.DataFrame) -> bytes:
    """CSV in which no cell and no heading is a formula; tuples become text."""
    harmless = table.rename(columns=lambda name: str(spreadsheet(str(name))))
    for name in harmless.columns:
        if not pd.api.types.is_numeric_dtype(harmless[name]):
            harmless[name] = harmless[name].astype(object).map(lambda cell: spreadsheet(_joined(cell)))
    return harmless.to_csv(index=False, lineterminator="\n").encode()


def parquet(table: pd.DataFrame) -> bytes:
    """Parquet; tuples become text."""
    flat = table.copy()
    for name in flat.columns:
        if flat[name].dtype == object:
            flat[name] = flat[name].map(_joined)
    return flat.to_parquet(index=False)


def table_file(table: pd.DataFrame, name: str, kind: str) -> tuple[bytes, str]:
    """A table as a file of a kind of `TABLE_FILES`, and the file's name."""
    return (csv if kind == "csv" else parquet)(table), f"{name}.{kind}"


def as_file(content: bytes, name: str) -> str:
    """Content as a file of its own, in a fresh folder, under a name that we chose.

    The server copies it into its cache and serves that copy, so the path is no secret and no door.
    """
    path = Path(tempfile.mkdtemp(prefix="sts-board-")) / name
    path.write_bytes(content)
    return str(path)


def save_buttons(page: Page, save: Callable[[str, State], tuple[bytes, str]], kinds: Mapping[str, str]) -> None:
    """A button for each of `kinds`, with its label; `save` makes content and name of the file when it is asked for."""
    carrier = gr.DownloadButton("file", visible="hidden", elem_id=f"file-{page.name}")
    with gr.Row(elem_classes="saving"):
        for kind, label in kinds.items():

            def saved(*values: Any, kind: str = kind) -> str:
                with error_notices():
                    return as_file(*save(kind, page.state(values)))

            clicked = gr.Button(label, size="sm", min_width=90).click(saved, page.inputs, carrier, **READING)
            clicked.success(None, None, None, js=f"() => saveFile('{carrier.elem_id}')")


def _joined(cell: object) -> object:
    return " ".join(map(str, cell)) if isinstance(cell, tuple) else cell
