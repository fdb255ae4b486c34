"""Running a submission's experiment again, and what the ledger says of it.

The experiment is that of the attached records, without what runs foreign code (`sts_eval.submission.experiment`). What
a commit on a hub names is fetched from there. What lay on the submitter's disk has to be given, or is the lab's: no
path of a record is ever opened here. That it is the same thing is told by the hashes.
"""

import re
from collections.abc import Callable
from pathlib import Path

from sts_eval import lab
from sts_eval.data.benchmark import NAMED
from sts_eval.errors import UserError
from sts_eval.experiment import Run
from sts_eval.records.ledger import LedgerEntry
from sts_eval.records.report import Report
from sts_eval.records.run_folder import RunFolder
from sts_eval.records.submission import Submission
from sts_eval.store.store import Store
from sts_eval.submission.describe import submission_of
from sts_eval.submission.experiment import experiment
from sts_eval.submission.problem import shown
from sts_eval.submission.reproduction import compare_reproduction

LAB = "lab"

_PUBLIC = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?(:[\w.-]+)?", re.ASCII)
"""Names on a hub, with a configuration, and names of tasks and releases; no paths."""

Runs = Callable[[Run, Path], Report]


def reproducible(submission: Submission, **places: str | None) -> Run:
    """The experiment of a submission as it can be run here.

    `places` are folders and files in the place of those of the submitter: `model`, `sae_path`, `sft` and `domains`.

    Raises:
        UserError: It was not measured, has no records, or something that lay on the submitter's disk is not given.
    """
    made = submission.prediction
    if submission.origin != "measured" or made is None or submission.transfer is None:
        raise UserError("this submission has no records attached", "Only a run that has its evidence can be reproduced")
    run = experiment(submission)
    of_lab = submission.model.id == LAB
    given = lab_places(submission.training_set.id) if of_lab else {}
    given |= {name: place for name, place in places.items() if place is not None}
    model, sae, data, benchmark = run.model, run.sae, run.training_set, run.benchmark
    local = {
        "model": made.model.commit is None,
        "sae_path": sae.path is not None,
        "sft": made.training_set.revision is None,
        "domains": made.benchmark.revision is None and benchmark.source not in NAMED and not made.benchmark.version,
    }
    for name, needed in local.items():
        if needed and name not in given:
            option = "--" + name.replace("_", "-")
            raise UserError(f"the submitter had the {_WHAT[name]} on a disk", f"Give yours with {option}")
    changes = {
        "model": model.model_copy(
            update={"id": given["model"] if local["model"] else model.id, "adapter": None, "device": "auto"}
        ),
        "sae": sae.model_copy(update={"path": given["sae_path"]}) if local["sae_path"] else sae,
        "training_set": data.model_copy(update={"source": given["sft"]}) if local["sft"] else data,
        "benchmark": benchmark.model_copy(update={"source": given["domains"]}) if local["domains"] else benchmark,
    }
    if model.adapter is not None:
        raise UserError("the model has an adapter, and no path in a record is opened", "Run it by hand")
    elsewhere = {
        "model": None if local["model"] else model.id,
        "training set": None if local["sft"] else data.source,
        "benchmark": None if local["domains"] else benchmark.source,
        "SAE": sae.release,
        "sentence encoder": run.settings.embeddings,
    }
    for what, public in elsewhere.items():
        if public is not None and (not _PUBLIC.fullmatch(public) or ".." in public or Path(public).exists()):
            raise UserError(f"{shown(public)} is no name of a {what} on a hub", "Run it by hand if you trust it")
    return run.model_copy(update=changes)


def lab_places(training_set: str) -> dict[str, str]:
    """Where the lab's model, SAE, training set and benchmark are.

    Raises:
        UserError: It has no such set.
    """
    return {
        "model": str(lab.model_path()),
        "sae_path": str(lab.sae_path()),
        "sft": str(lab.sft_path(training_set)),
        "domains": str(lab.benchmark_path()),
    }


def reproduce(
    store: Store, sha256: str, run: Run, folder: Path, *, by: str, owner: str | None, runs: Runs
) -> LedgerEntry:
    """Run an experiment in a folder by `runs`, compare it with a submission, and write into the ledger how it compares.

    Raises:
        UserError: It cannot be run, or there is no such submission.
    """
    submission = store.read(sha256)
    runs(run, folder).write(RunFolder.of(folder).report)
    again = submission_of(folder, submitter=by, owner=owner)
    again = again.model_copy(update={"model": submission.model, "training_set": submission.training_set})
    figures = compare_reproduction(submission, again)
    what = "agrees" if figures.agrees else "does not agree"
    return store.ledger.add("reproduced", sha256, by=by, why=what, owner=owner, figures=figures)


_WHAT = {"model": "model", "sae_path": "SAE", "sft": "training set", "domains": "benchmark"}
