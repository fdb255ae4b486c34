"""Takes requests, runs them, submits what comes of them.

A run of a request lies in a folder named by it, so a worker that was killed goes on where it stopped when it takes the
request again on the same disk.
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable
from pathlib import Path

from sts_eval.errors import UserError
from sts_eval.experiment import Run
from sts_eval.queue.queue import Lease, LostLeaseError, Queue
from sts_eval.queue.request import experiment_for
from sts_eval.records.prediction import Prediction
from sts_eval.store.store import Store
from sts_eval.submission.describe import submission_of

Registers = Callable[[Prediction], None]
Runs = Callable[[Run, Path, Registers], None]
"""Runs an experiment in a folder and shows its prediction to somebody before anything is tuned."""


def run_and_report(experiment: Run, folder: Path, register: Registers) -> None:
    """The whole pipeline, with its prediction registered before the tuning."""
    from sts_eval.pipeline import make_prediction, make_report
    from sts_eval.records.run_folder import RunFolder
    from sts_eval.report.files import write_report

    files = RunFolder.of(folder)
    prediction = make_prediction(experiment, files)
    register(prediction)
    write_report(make_report(experiment, prediction, files), folder)


def work(
    store: Store, queue: Queue, folder: Path, *, worker: str, lease_seconds: float, runs: Runs = run_and_report
) -> tuple[Lease, str | None] | None:
    """Take one request and see it through.

    Args:
        store: Where the submission goes.
        queue: Where requests come from.
        folder: Runs are kept below it.
        worker: Who works; it answers for the submission.
        lease_seconds: How long a request is kept without a sign of life.
        runs: What runs an experiment.

    Returns:
        The request, and the submission's name or None if the attempt failed; None where there was no request.

    Raises:
        LostLeaseError: Another worker took the request meanwhile.
    """
    lease = queue.take(lease_seconds, worker)
    if lease is None:
        return None
    place = folder / lease.key[:16]
    try:
        with _Renewing(queue, lease, lease_seconds):
            experiment = experiment_for(lease.request)
            runs(experiment, place, lambda prediction: _register(store, prediction, worker))
            submission = submission_of(place, submitter=worker)
            receipt = store.submit(submission.canonical().encode(), by=worker)
        if receipt.sha256 is None:
            raise UserError(str(receipt.verdict.problems[0]), "Mend the run")
    except LostLeaseError:
        raise
    except Exception as error:  # whatever a run dies of is the request's log, and the worker goes on
        queue.failed(lease, _log(error))
        return lease, None
    queue.done(lease, receipt.sha256)
    return lease, receipt.sha256


def _register(store: Store, prediction: Prediction, worker: str) -> None:
    store.preregister(prediction, by=worker)


def _log(error: Exception) -> str:
    if isinstance(error, UserError):
        return str(error)
    text = "".join(traceback.format_exception(error))
    return text.replace(str(Path.home()), "~").replace(str(Path.cwd()), ".")


class _Renewing:
    """Renews a lease from a thread, three times in its length, while work goes on."""

    def __init__(self, queue: Queue, lease: Lease, lease_seconds: float) -> None:
        self._queue, self._lease, self._seconds = queue, lease, lease_seconds
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._renew, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _renew(self) -> None:
        while not self._over.wait(self._seconds / 3):
            try:
                self._queue.renew(self._lease, self._seconds)
            except LostLeaseError:  # what follows finds it out, too
                return
            except OSError:  # the store may answer again next time
                continue
