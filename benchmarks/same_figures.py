"""Do two versions of this tool give the same figures? Compares their records, to the bit.

    python benchmarks/same_figures.py OLD NEW     two run folders, or two records or .jsonl files of one kind

Records of earlier schemas are brought to the present one first. Times, costs, versions and hashes of whole records are
left out, and of paths only the last part counts: the rest differs between any two runs. Prints what was compared and
every difference; exit code 1 if there is one.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sts_eval.records.answers import Evaluation
from sts_eval.records.calibration import Calibration
from sts_eval.records.comparison import Comparison
from sts_eval.records.oracle import Oracle
from sts_eval.records.outcome import read_outcomes
from sts_eval.records.overlap import Overlap
from sts_eval.records.prediction import Prediction
from sts_eval.records.record import Record
from sts_eval.records.transfer import Transfer

KINDS: Mapping[str, type[Record]] = {
    "prediction": Prediction,
    "transfer": Transfer,
    "overlap": Overlap,
    "oracle": Oracle,
    "evaluation": Evaluation,
    "comparison": Comparison,
    "calibration": Calibration,
}
"""Records by the beginning of their file's name."""

DIFFERS = {
    *("created", "started", "finished", "seconds", "tuning_seconds", "cost", "versions", "warnings", "share_of_tuning"),
    *("prediction_sha256", "transfer_sha256", "outcome_sha256", "key", "before_key", "after_keys", "folder"),
    *("schema_version", "verdict", "notes", "summary"),
}
"""Fields that are no figures, or differ between any two runs."""

Leaf = tuple[str, Any]


def main() -> None:
    """Compare, and say how it went."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    arguments = parser.parse_args()
    total = wrong = 0
    for name, old, new in pairs(arguments.old, arguments.new):
        figures, differences = compare(dict(leaves(old)), dict(leaves(new)))
        print(f"{name}: {figures:,} figures, {len(differences)} differ")
        for line in differences[:20]:
            print(f"  {line}")
        total, wrong = total + figures, wrong + len(differences)
    print(f"{total:,} figures compared, {wrong} differ")
    sys.exit(1 if wrong or not total else 0)


def pairs(old: Path, new: Path) -> Iterator[tuple[str, Any, Any]]:
    """What is compared with what, as plain values."""
    if old.is_file():
        yield old.name, plain(old), plain(new)
        return
    for kind in KINDS:
        files = [sorted(folder.glob(f"{kind}-*.json")) for folder in (old, new)]
        if len(files[0]) != len(files[1]):
            print(f"{kind}: {len(files[0])} records in {old} and {len(files[1])} in {new}")
            sys.exit(1)
        for one, other in zip(*files, strict=True):
            yield one.name, plain(one), plain(other)


def plain(file: Path) -> Any:
    """A file as plain values of the present schema."""
    if file.suffix == ".jsonl":
        return [outcome.model_dump(mode="json") for outcome in read_outcomes(file)]
    return KINDS[file.name.split("-")[0].split(".")[0]].read(file).model_dump(mode="json")


def leaves(values: Any, path: str = "") -> Iterator[Leaf]:
    """Every plain value, with its place."""
    if isinstance(values, dict):
        for key, value in values.items():
            if key not in DIFFERS:
                yield from leaves(value, f"{path}.{key}")
    elif isinstance(values, list):
        for place, value in enumerate(values):
            yield from leaves(value, f"{path}[{place}]")
    else:
        yield path, Path(values).name if isinstance(values, str) and values.startswith("/") else values


def compare(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[int, list[str]]:
    """How many old values have a counterpart, and which of them differ or are gone."""
    differences = [
        f"{place}: {value!r} is {new[place]!r} now" if place in new else f"{place}: {value!r} is gone"
        for place, value in old.items()
        if place not in new or new[place] != value
    ]
    return len(old), differences


if __name__ == "__main__":
    main()
