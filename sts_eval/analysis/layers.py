"""STS read at other layers: predictions by another SAE of the same model, which lie in the folder of a run.

They are no predictors of their own. `compare` chooses among them, and among several numbers of features, on other runs
than the one it judges (`sts_icl_tuned`, `sts_act_tuned`).
"""

from collections.abc import Iterator
from typing import Final

from sts_eval.errors import UserError
from sts_eval.records.prediction import Prediction, PredictorScores
from sts_eval.records.run_folder import RunFolder
from sts_eval.records.transfer import Transfer

STS: Final = ("sts_icl", "sts_act")
DEPTHS: Final = ("early", "middle", "late")
"""Thirds of a model: layers of models of unlike depths have no other name in common."""


def depth(layer: int, n_layers: int) -> str:
    """Third of the model in which a layer lies, counted from 0."""
    return DEPTHS[min(len(DEPTHS) * layer // n_layers, len(DEPTHS) - 1)]


def scores_of_other_layers(prediction: Prediction, transfer: Transfer, files: RunFolder) -> tuple[PredictorScores, ...]:
    """STS by other SAEs on the same model, data and questions, named by depth: `sts_icl_late`, `sts_icl_n10_late`.

    Predictions that were made after fine-tuning started are left out.

    Raises:
        UserError: Two of them read in the same third of the model.
    """
    found: dict[str, Prediction] = {}
    for other in _by_other_saes(prediction, files):
        late = transfer.tuning is not None and other.created > transfer.tuning.started
        if other.sae.layer is None or late:
            continue
        where = depth(other.sae.layer, other.model.n_layers)
        if where in found:
            layers = f"{found[where].sae.layer} and {other.sae.layer}"
            raise UserError(
                f"{files.run} has two more predictions in the {where} third of the model (layers {layers})",
                "Leave one prediction of each third in the folder",
            )
        found[where] = other
    return tuple(
        one.model_copy(update={"name": f"{one.name}_{where}", "group": "sts_layers"})
        for where, other in found.items()
        for one in other.predictors
        if one.name in STS or one.group == "sts_sizes"
    )


def _by_other_saes(prediction: Prediction, files: RunFolder) -> Iterator[Prediction]:
    for path in files.files(Prediction):
        try:
            other = Prediction.read(path)
        except UserError:  # it may be an older one that nobody asks for
            continue
        same = all(
            getattr(other, part).sha256 == getattr(prediction, part).sha256 for part in ("training_set", "benchmark")
        )
        if same and other.model == prediction.model and other.sae.weights_sha256 != prediction.sae.weights_sha256:
            yield other
