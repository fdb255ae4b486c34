"""Run the notebooks and keep their outputs: `python docs/run_notebooks.py [NAME ...]`, each in an empty folder.

What a cell prints to stderr is kept, but for the lines of progress, whose times differ from machine to machine.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parent / "notebooks"
PROGRESS = re.compile(r"^\[\d+:\d\d:\d\d\] .*\n?", re.MULTILINE)


def main() -> None:
    """Run those that are named, or all."""
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        if path.stem in sys.argv[1:] or not sys.argv[1:]:
            with tempfile.TemporaryDirectory() as folder:
                nbformat.write(ran(path, Path(folder)), path)


def ran(path: Path, folder: Path) -> nbformat.NotebookNode:
    """A notebook with the outputs of its cells.

    Raises:
        nbclient.exceptions.CellExecutionError: A cell raises.
    """
    notebook = nbformat.read(path, as_version=4)
    options = {"resources": {"metadata": {"path": str(folder)}}, "record_timing": False, "coalesce_streams": True}
    NotebookClient(notebook, timeout=None, **options).execute()
    notebook.metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            for output in cell.outputs:
                if output.output_type == "stream" and output.name == "stderr":
                    output.text = PROGRESS.sub("", output.text)
            cell.outputs = [one for one in cell.outputs if one.output_type != "stream" or one.text]
    return notebook


if __name__ == "__main__":
    main()
