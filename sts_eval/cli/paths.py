"""Paths in a description, looked at before torch is loaded: a mistake in one need not wait for that."""

from sts_eval.data.tables import check_there
from sts_eval.experiment import Experiment
from sts_eval.model.load import check_place


def check_paths(experiment: Experiment) -> None:
    """Refuse a description whose data or model are paths that are not there. Nothing is read.

    Raises:
        UserError: One of them is not there.
    """
    check_there(experiment.training_set.source)
    check_there(experiment.benchmark.source)
    check_place(experiment.model)
