"""A notebook as a page of the site: its text, its code, and its outputs as they are committed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import nbformat


def notebook_page(path: Path) -> str:
    """Markdown of a notebook; tables are HTML and figures lie in the page."""
    notebook = nbformat.read(path, as_version=4)
    return "\n\n".join(part for cell in notebook.cells for part in _cell(cell)) + "\n"


def _cell(cell: Mapping[str, Any]) -> Iterator[str]:
    if cell["cell_type"] == "markdown":
        yield cell["source"]
        return
    yield _fenced(cell["source"], "python")
    for output in cell["outputs"]:
        data = output.get("data", {})
        if "image/png" in data:
            yield f"![A figure of this cell](data:image/png;base64,{data['image/png'].strip()})"
        elif "text/html" in data:
            yield f'<div class="output" markdown="0">\n{data["text/html"]}\n</div>'
        else:
            yield _fenced(output.get("text") or data["text/plain"])


def _fenced(text: str, language: str = "text") -> str:
    return f"````{language}\n{text.rstrip()}\n````"
