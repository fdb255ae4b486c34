"""What makes a run again: the experiment file that its records describe, and the commands around it."""

import shlex

import sts_eval
from sts_eval.experiment_file import template
from sts_eval.records.submission import Submission
from sts_eval.records.transfer import Imported
from sts_eval.submission.experiment import experiment, withheld
from sts_leaderboard.board_cache import BEGINNING
from sts_leaderboard.escaping import plain

WRITTEN = "# as the submitter wrote it; nobody checked it"
PUBLISHED = "# figures of a paper: there is nothing to run"
ELSEWHERE = "# evaluated elsewhere; the submitter gave no command"
RECORDED = (
    "# The settings of the attached records. They do not say how questions were drawn and batched: see `measure`.\n"
)
IN_SHORT = (
    "# No records are attached, so these are the names that the submission gives; all other settings stand at their\n"
    "# defaults and may differ from those of the run.\n"
)
WITHHELD = (
    "# The records set {}. They are not set here, since they run code or read files that somebody else chose:\n"
    "# add them only if you trust it.\n"
)
LOCAL = "# Names without an owner are of what the submitter had on a disk: put your own folders in their place.\n"


def command(run: Submission, sha256: str) -> str:
    """Commands that make the run again, and before each how far to trust it."""
    written = plain(run.provenance.command, 1000)
    lines = [WRITTEN, written] if written else []
    if run.origin == "measured":
        lines.append("# with the experiment file below, which was made from the submission")
        lines.append(f"sts-eval run {file_name(sha256)}")
    elif run.origin == "imported" and run.transfer is not None and isinstance(run.transfer.origin, Imported):
        origin = run.transfer.origin
        words = ["sts-eval", "import", "--format", origin.format, *origin.sources]
        lines += ["# from the results of both sides, by their names", shlex.join(plain(word) for word in words)]
    return "\n".join(lines) or (PUBLISHED if run.origin == "published" else ELSEWHERE)


def experiment_file(run: Submission, sha256: str) -> str:
    """The experiment of a measured run as the YAML file that `sts-eval run` takes."""
    local = run.model.revision is None or run.training_set.revision is None
    head = f"# Run {sha256[:BEGINNING]} of the leaderboard, for sts-eval {sts_eval.__version__}.\n"
    left_out = withheld(run)
    head += WITHHELD.format(", ".join(left_out)) * bool(left_out)
    return head + (IN_SHORT if run.prediction is None else RECORDED) + LOCAL * local + template(experiment(run))


def file_name(sha256: str) -> str:
    """What the experiment file of a run is called."""
    return f"run-{sha256[:BEGINNING]}.yaml"
