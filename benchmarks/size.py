"""Lines, files, longest file and longest function of every room.

`python benchmarks/size.py` measures this checkout; with `--at REVISION`, another revision beside it.
"""

from __future__ import annotations

import argparse
import ast
import io
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("sts_eval", "leaderboard")


class Size(NamedTuple):
    """The size of a room."""

    lines: int
    files: int
    longest_file: tuple[int, str]
    longest_function: tuple[int, str]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--at", metavar="REVISION", help="compare with this revision")
    arguments = parser.parse_args()
    now = measure(here())
    before = measure(at(arguments.at)) if arguments.at else {}
    print("| room | lines | files | longest file | longest function |\n|---|---|---|---|---|")
    for room in sorted(now.keys() | before.keys(), key=lambda name: (name == "all", name)):
        columns = [part(before.get(room), now.get(room), bool(before), field) for field in range(4)]
        print(f"| {room} | {' | '.join(columns)} |")


def part(before: Size | None, now: Size | None, both: bool, field: int) -> str:
    """One cell: the figure now, and the earlier one before it where there is one."""
    shown = [text(size[field]) if size else "–" for size in ((before, now) if both else (now,))]
    return " → ".join(shown)


def text(figure: int | tuple[int, str]) -> str:
    """A figure, with the name of what it belongs to."""
    return f"{figure:,}" if isinstance(figure, int) else f"{figure[0]} `{figure[1]}`"


def here() -> Iterator[tuple[PurePosixPath, str]]:
    """The Python files of this checkout."""
    for package in PACKAGES:
        for file in sorted((ROOT / package).rglob("*.py")):
            yield PurePosixPath(file.relative_to(ROOT).as_posix()), file.read_text(encoding="utf-8")


def at(revision: str) -> Iterator[tuple[PurePosixPath, str]]:
    """The Python files of a revision."""
    command = ["git", "-C", str(ROOT), "archive", revision, *PACKAGES]
    packed = subprocess.run(command, capture_output=True, check=True).stdout  # noqa: S603 -- git, on our own checkout
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        for member in archive.getmembers():
            if member.name.endswith(".py") and (file := archive.extractfile(member)):
                yield PurePosixPath(member.name), file.read().decode()


def measure(files: Iterator[tuple[PurePosixPath, str]]) -> Mapping[str, Size]:
    """Sizes by room: a package's folder, or a file that stands by itself."""
    found: dict[str, list[tuple[PurePosixPath, int, tuple[int, str]]]] = {}
    for path, source in files:
        lines = source.count("\n")
        room = "leaderboard" if path.parts[0] == "leaderboard" else path.parts[1]
        entry = (path, lines, longest_function(source))
        for name in (room, "all"):
            found.setdefault(name, []).append(entry)
    return {
        room: Size(
            lines=sum(lines for _, lines, _ in entries),
            files=len(entries),
            longest_file=max((lines, path.name) for path, lines, _ in entries),
            longest_function=max(function for _, _, function in entries),
        )
        for room, entries in found.items()
    }


def longest_function(source: str) -> tuple[int, str]:
    """Lines and name of the longest function, its decorators and docstring included."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    sizes = [
        ((node.end_lineno or 0) - min([node.lineno, *(one.lineno for one in node.decorator_list)]) + 1, node.name)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, kinds)
    ]
    return max(sizes, default=(0, "none"))


if __name__ == "__main__":
    main()
