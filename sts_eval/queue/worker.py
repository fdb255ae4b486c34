"""Takes requests, runs them, and submits the runs.

A run of a request lies in a folder named by it, so a worker that was killed goes on where it stopped when it takes the
request again on the same disk.
"""

import contextlib
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

from sts_eval.errors import UserError
from sts_eval.experiment import Run
from sts_eval.queue.queue import LostLeaseError, Queue, QueueEntry
from sts_eval.queue.request import experiment_for
from sts_eval.records.prediction import Prediction
from sts_eval.store.store import Store
from sts_eval.submission.describe import submission_of

Registers = Callable[[Prediction], object]
Runs = Callable[[Run, Path, Registers], None]  # an experiment in a folder; its prediction is registered before tuning


def run_and_report(experiment: Run, folder: Path, register: Registers) -> None:
    """The whole pipeline, with its prediction registered before the tuning."""
    from sts_eval.pipeline import make_prediction, make_report
    from sts_eval.records.run_folder import RunFolder

    files = RunFolder.of(folder)
    prediction = make_prediction(experiment, files)
    register(prediction)
    time.sleep(1.01 - time.time() % 1)  # times are to the second, and the tuning has to start later than this one
    make_report(experiment, prediction, files).write(files.report)


def work(
    store: Store,
    queue: Queue,
    folder: Path,
    *,
    worker: str,
    lease_seconds: float,
    owner: str | None = None,
    runs: Runs = run_and_report,
) -> tuple[QueueEntry, str | None] | None:
    """Take one request and see it through; runs are kept below `folder`, and the worker answers for the submission.

    Gives the request, and the submission's name or None if the attempt failed; None where there was no request.

    Raises:
        UserError: The store would take nothing under the worker's name.
        LostLeaseError: Another worker took the request meanwhile.
    """
    store.check_submitter(worker, owner)
    taken = queue.take(lease_seconds, worker)
    if taken is None:
        return None
    place = folder / taken.key[:16]
    try:
        with _renewed(queue, taken, lease_seconds):
            experiment = experiment_for(taken.request)
            runs(experiment, place, lambda prediction: store.preregister(prediction, by=worker, owner=owner))
            submission = submission_of(place, submitter=worker, owner=owner)
            verdict = store.submit(submission.canonical().encode(), by=worker, owner=owner)
        if verdict.sha256 is None:
            raise UserError(str(verdict.problems[0]), "Correct the run")
    except LostLeaseError:
        raise
    except UserError as error:
        queue.failed(taken, str(error))
        return taken, None
    except Exception as error:  # whatever a run dies of is the request's log, and the worker goes on
        log = "".join(traceback.format_exception(error))
        queue.failed(taken, log.replace(str(Path.home()), "~").replace(str(Path.cwd()), "."))
        return taken, None
    queue.done(taken, verdict.sha256)
    return taken, verdict.sha256


@contextlib.contextmanager
def _renewed(queue: Queue, taken: QueueEntry, lease_seconds: float) -> Iterator[None]:
    """Renews a lease from a thread, three times in its length, while work goes on."""
    over = threading.Event()

    def renew() -> None:
        while not over.wait(lease_seconds / 3):
            try:
                queue.renew(taken, lease_seconds)
            except LostLeaseError:  # the next step on the queue finds it out, too
                return
            except (OSError, UserError):  # the store may answer again next time
                continue

    thread = threading.Thread(target=renew, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
