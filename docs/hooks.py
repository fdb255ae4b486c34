"""What mkdocs is told beyond mkdocs.yml: files from outside docs/, notebooks, and pages that come from the code.

Documents link to each other as they lie in the repository, so that the links work there too. Here the README becomes
the site's first page, a file outside docs/ that a page links to becomes part of the site, and links follow.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

DOCS = Path(__file__).parent
ROOT = DOCS.parent
sys.path.append(str(DOCS))  # mkdocs loads this file alone

from notebook_page import notebook_page  # noqa: E402 -- it lies beside this file, which the line above makes known
from reference_pages import PAGES  # noqa: E402 -- likewise

LINK = re.compile(r"(\]\()(?![a-z]+:|#)([^)#\s]+)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the README, the notebooks, and every file outside docs/ that a page links to."""
    for notebook in sorted(DOCS.rglob("*.ipynb")):
        files.remove(files.src_uris[notebook.relative_to(DOCS).as_posix()])
        files.append(File.generated(config, uri(notebook), content=notebook_page(notebook)))
    waiting = [ROOT / "README.md", *(Path(one.abs_src_path or "") for one in files.documentation_pages())]
    while waiting:
        file = waiting.pop()
        if uri(file) not in files.src_uris and file.is_file():
            files.append(File.generated(config, uri(file), abs_src_path=str(file)))
        if file.suffix == ".md" and file.is_file():
            waiting += [one for one in links(file) if uri(one) not in files.src_uris]
    return files


def on_page_markdown(markdown: str, *, page: Page, **_: Any) -> str:
    """Fill in what comes from the code, and let links lead to where their files are on the site."""
    # Python-Markdown wants a blank line around a table, GitHub does not.
    markdown = re.sub(r"(<!-- generated: [^>]+ -->\n)(.*?)(\n<!-- end -->)", r"\1\n\2\n\3", markdown, flags=re.DOTALL)
    text = re.sub(r"<!-- from the code: (\w+) -->", lambda found: PAGES[found[1]](), markdown)
    source = Path(page.file.abs_src_path or DOCS / page.file.src_uri)
    here = DOCS / Path(page.file.src_uri).parent

    def moved(link: re.Match[str]) -> str:
        return link[1] + Path(os.path.relpath(DOCS / uri((source.parent / link[2]).resolve()), here)).as_posix()

    return LINK.sub(moved, text)


def links(file: Path) -> list[Path]:
    """The files outside docs/ that a document links to."""
    found = [(file.parent / link[2]).resolve() for link in LINK.finditer(file.read_text(encoding="utf-8"))]
    return [one for one in found if one.is_relative_to(ROOT) and not one.is_relative_to(DOCS)]


def uri(file: Path) -> str:
    """Where a file of the repository is on the site."""
    if file == ROOT / "README.md":
        return "index.md"
    place = os.path.relpath(file, DOCS if file.is_relative_to(DOCS) else ROOT)
    return Path(place).with_suffix(".md").as_posix() if file.suffix == ".ipynb" else Path(place).as_posix()
