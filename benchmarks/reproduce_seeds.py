"""Enter into the shipped store how its lab runs compare with the same runs made again.

    python benchmarks/lab_matrix.py FOLDER           # hours: every run of the matrix, or a part of it
    python benchmarks/reproduce_seeds.py FOLDER      # seconds: compare what is finished, one entry of the ledger a run

FOLDER has to be a fresh one, best on another machine. The shipped runs have no records attached, so the experiment is
that of `lab_matrix.py`. Only an entry of the store's maintainer counts for its own runs: use the secret that
`board_seeds.py` was run with (STS_EVAL_CONFIG).
"""

from __future__ import annotations

import argparse
from pathlib import Path

from board_seeds import SEEDS, SUBMITTER
from lab_matrix import describe, finished

from sts_eval.experiment import Run
from sts_eval.lab.sae import MODEL_NAME
from sts_eval.records.report import Report
from sts_eval.records.run_folder import RunFolder
from sts_eval.store.reproduce import reproduce
from sts_eval.store.store import Store
from sts_eval.submission.owner import config_folder, own_secret, owner_of


def main() -> None:
    """Compare what is finished."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    store, owner = Store(str(SEEDS)), owner_of(own_secret(config_folder()))
    runs = store.board().runs
    for model, name, place in finished(folder):
        same = (runs["model"] == f"{MODEL_NAME}-{model}") & (runs["training_set"] == name)
        for sha256 in runs.index[same & (runs["origin"] == "measured")]:
            entry = reproduce(
                store, sha256, describe(folder, model, name), place, by=SUBMITTER, owner=owner, runs=made_before
            )
            print(f"{model} on {name}: {entry.why}", *(entry.figures.obstacles if entry.figures else ()), sep="\n  ")


def made_before(_run: Run, place: Path) -> Report:
    """The report of a finished run."""
    return Report.read(RunFolder.of(place).report)


if __name__ == "__main__":
    main()
