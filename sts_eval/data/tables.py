"""Rows from a local file, a folder of files, or the hub, with errors that a user can act on.

The formats of files are in `files`.
"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sts_eval.data.archives import is_visible
from sts_eval.data.files import COMPRESSED, READERS, Row, ending, missing, read_file
from sts_eval.errors import UserError

__all__ = ["SUFFIXES", "Row", "Table", "check_there", "commit_of", "is_local", "read_files", "read_table"]

SUFFIXES = tuple(READERS)

_SAVED = ("state.json", "dataset_dict.json")  # what `save_to_disk` of datasets leaves in a folder


@dataclass(frozen=True)
class Table:
    """Rows and where they came from.

    Attributes:
        source: The path or hub id as the user gave it.
        revision: The hub commit, or None for local files.
        rows: One mapping per row, in the order of the source.
        notes: What the user should know about how the files were read.
    """

    source: str
    revision: str | None
    rows: Sequence[Row]
    notes: tuple[str, ...] = ()


def is_local(source: str) -> bool:
    """Whether a source names something on disk rather than a hub id."""
    return (
        Path(source).expanduser().exists()
        or ending(Path(source)) is not None
        or source.endswith(COMPRESSED)
        or source.startswith((".", "/", "~"))
    )


def read_table(source: str, *, split: str, revision: str | None = None) -> Table:
    """Read a local file, a folder of files, or one split of a hub dataset.

    Args:
        source: A path, or a hub id; ORG/NAME:CONFIGURATION where the dataset has several configurations.
        split: Split of a hub dataset, or of a folder whose files are named by split.
        revision: Branch, tag or commit of a hub dataset.

    Raises:
        UserError: The file is missing, empty or malformed (with the line), or the hub has no such set.
    """
    check_there(source)
    path = Path(source).expanduser()
    if not is_local(source):
        return _read_hub(source, split, revision)
    if not path.is_dir():
        return read_files([path], source)
    if any((path / name).is_file() for name in _SAVED):
        return Table(source, None, _read_saved(path, split))
    files, unnamed = _files_of_split(path, split)
    table = read_files(files, source)
    if not unnamed:
        return table
    told = ", ".join(map(str, unnamed))
    note = f"{source}: not read, since other files of the folder are named by split: {told}"
    return replace(table, notes=(note, *table.notes))


def check_there(source: str) -> None:
    """Refuse a path that is not there, and a web address. Nothing is read, so that this costs no time.

    Raises:
        UserError: It is one of these.
    """
    if source.startswith(("http://", "https://")):
        _, is_hub, name = source.partition("huggingface.co/datasets/")
        hub_id = "/".join(name.split("/")[:2])
        raise UserError(
            f"{source} is a web address",
            f"Give the hub id: {hub_id}" if is_hub else "Download it, and give the path of the file",
        )
    if is_local(source) and not Path(source).expanduser().exists():
        raise missing(Path(source).expanduser())


def read_files(paths: Sequence[Path], source: str) -> Table:
    """The rows of several files, one after the other."""
    found = [read_file(path) for path in paths]
    rows = found[0].rows if len(found) == 1 else [row for one in found for row in one.rows]
    return Table(source, None, rows, tuple(note for one in found for note in one.notes))


def _files_of_split(folder: Path, split: str) -> tuple[list[Path], list[Path]]:
    """The files of a folder that belong to a split by their names, as `datasets` takes them; all if none is named.

    The second list holds the tables that belong to no split.
    """
    from datasets.data_files import DataFilesList, EmptyDatasetError, get_data_patterns

    root = Path(os.path.abspath(folder))  # noqa: PTH100 -- resolve() would follow links, and a link carries the name
    try:
        patterns = {str(name): found for name, found in get_data_patterns(str(folder)).items()}
    except EmptyDatasetError:
        patterns = {split: []}
    if split not in patterns:
        raise UserError(
            f"{folder} has no files of split {split!r}, only of {', '.join(patterns)}",
            "Name the split with --sft-split, or give the file itself; a benchmark is given with --domains",
        )
    named = {
        name: {Path(file) for file in DataFilesList.from_patterns(found, str(root))} for name, found in patterns.items()
    }
    files = sorted(file for file in named[split] if ending(file))
    kinds = sorted({str(ending(name)) for name in files})
    if not files:
        raise UserError(f"{folder} holds no table", f"Put files there that end in {', '.join(SUFFIXES)}")
    if len(kinds) > 1:
        raise UserError(
            f"{folder} holds files of several kinds ({', '.join(kinds)}), which may be the same rows twice",
            "Give one file, or a folder with files of one kind",
        )
    told = {file for files in named.values() for file in files}
    tables = sorted(file for file in root.rglob("*") if ending(file) == kinds[0] and file.is_file())
    others = [file.relative_to(root) for file in tables if file not in told]
    return files, [file for file in others if is_visible(file.as_posix())]


def _read_saved(folder: Path, split: str) -> Sequence[Row]:
    from datasets import DatasetDict, load_from_disk

    saved: Any = load_from_disk(str(folder))
    if not isinstance(saved, DatasetDict):
        return saved  # type: ignore[no-any-return]  # a Dataset is a sequence of rows
    if split not in saved:
        raise UserError(f"{folder} has no split {split!r}, only {', '.join(saved)}", "Name the split with --sft-split")
    return saved[split]  # type: ignore[no-any-return]  # likewise


def _read_hub(source: str, split: str, revision: str | None) -> Table:
    from datasets import load_dataset
    from datasets.exceptions import DatasetNotFoundError

    name, _, configuration = source.partition(":")
    try:
        dataset = load_dataset(name, *filter(None, [configuration]), split=split, revision=revision)
    except DatasetNotFoundError as error:
        raise UserError(
            f"the hub has no dataset {name!r} that you may read",
            "Check the id, log in with `hf auth login`, or give a local file",
        ) from error
    except ValueError as error:  # an unknown split or configuration; the library's message names those on offer
        raise UserError(
            f"dataset {source!r}: {error}",
            f"Choose another split or revision, or name the configuration after a colon: {name}:CONFIGURATION",
        ) from error
    except ConnectionError as error:
        raise UserError(
            f"the hub cannot be reached for dataset {name!r}", "Give a local file, or retry online"
        ) from error
    return Table(source, revision or commit_of([dataset]), dataset)


def commit_of(datasets: Iterable[Any]) -> str | None:
    """The hub commit that datasets of the library `datasets` were downloaded from; None for none or several."""
    checksums = [getattr(dataset.info, "download_checksums", None) or {} for dataset in datasets]
    commits = {url.split("@")[1].split("/")[0] for urls in checksums for url in urls if "@" in url}
    return commits.pop() if len(commits) == 1 else None
