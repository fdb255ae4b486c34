"""Whether a prediction and an outcome are about the same model, training set and benchmark.

What this tool measured states hashes and commits, and these decide. Results from elsewhere state names at most: names
that contradict each other are a difference, and what is not stated is listed as not compared.
"""

import re
from typing import NamedTuple

from sts_eval.errors import UserError
from sts_eval.records.prediction import DataIdentity, Prediction
from sts_eval.records.transfer import Transfer
from sts_eval.records.tuning import Tuning

NAMES_A_MODEL = re.compile(r"/|\d[bm]\b|\d[bm]_", re.IGNORECASE)  # an owner, or a size such as 7B


class Belonging(NamedTuple):
    """What two records say of each other."""

    differences: tuple[str, ...]  # what they are about differs
    not_compared: tuple[str, ...]  # one of them does not say


def belonging(prediction: Prediction, transfer: Transfer) -> Belonging:
    """Compare what a prediction and a transfer are about."""
    differences: list[str] = []
    unknown: list[str] = []
    if transfer.tuning is not None:
        differences += _model_of_tuning(prediction, transfer.tuning)
        differences += _training_set(prediction.training_set, transfer.tuning.training_set)
    else:
        unknown.append("the training set")
        stated = transfer.model_before
        if not NAMES_A_MODEL.search(stated):
            unknown.append(f"the model (the results call it {stated!r})")
        elif not _alike(prediction.model.id, stated):
            differences.append(f"the prediction is about model {prediction.model.id}, the outcome about {stated}")
    measured = getattr(transfer.origin, "benchmark_sha256", "")
    if not measured:
        unknown.append("the benchmark's questions")
    elif measured != prediction.benchmark.sha256:
        mine = f"{prediction.benchmark.source} ({prediction.benchmark.sha256[:12]})"
        differences.append(f"the prediction read benchmark {mine}, the outcome has questions of {measured[:12]}")
    return Belonging(tuple(differences), tuple(unknown))


def check_belonging(prediction: Prediction, transfer: Transfer, *, unrelated: bool, where: str = "") -> Belonging:
    """Refuse records that do not belong together, unless `unrelated` ones are asked for. `where` opens the message.

    Raises:
        UserError: They differ, which is not allowed.
    """
    found = belonging(prediction, transfer)
    if found.differences and not unrelated:
        raise UserError(
            f"{where}prediction and outcome do not belong together: {'; '.join(found.differences)}",
            "Give the records of one run, or pass --unrelated to have the result say so",
        )
    return found


def _model_of_tuning(prediction: Prediction, tuning: Tuning) -> list[str]:
    model, tuned = prediction.model, tuning.model
    mine, other = model.id, tuned.id
    if model.commit and tuning.commit and model.commit != tuning.commit:
        mine, other = f"{mine} at {model.commit[:12]}", f"{other} at {tuning.commit[:12]}"
    elif _tokenizers_differ(prediction, tuning):
        mine, other = f"{mine} (tokenizer {model.tokenizer_sha256[:12]})", f"{other} ({tuning.tokenizer_sha256[:12]})"
    elif prediction.experiment.model.adapter != tuned.adapter:
        mine, other = f"{mine} with adapter {prediction.experiment.model.adapter}", f"{other} without it"
    elif _alike(mine, other):
        return []
    return [f"the prediction is about model {mine}, the tuning about {other}"]


def _tokenizers_differ(prediction: Prediction, tuning: Tuning) -> bool:
    """Whether the tokenizers are others; versions of the library may write the same one in different ways."""
    versions = {one.get("transformers") for one in (prediction.versions, *(run.versions for run in tuning.runs))}
    return tuning.tokenizer_sha256 not in ("", prediction.model.tokenizer_sha256) and len(versions) == 1


def _training_set(mine: DataIdentity, other: DataIdentity) -> list[str]:
    if mine.sha256 == other.sha256:
        return []
    texts = (f"{one.source} ({one.rows} rows, {one.sha256[:12]})" for one in (mine, other))
    return ["the prediction read training set {}, the outcome {}".format(*texts)]


def _alike(one: str, other: str) -> bool:
    """Whether one name may stand for what the other names: the last part of one is within the other's."""
    short, long = sorted((re.sub(r"[^a-z0-9]", "", name.lower()) for name in (_last(one), _last(other))), key=len)
    return bool(short) and short in long


def _last(name: str) -> str:
    return name.replace("\\", "/").rstrip("/").rpartition("/")[2]
