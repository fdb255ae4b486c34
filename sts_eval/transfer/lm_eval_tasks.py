"""The lm-eval tasks that accuracy is measured on."""

from typing import Any

from sts_eval.data.lm_eval_tasks import find_tasks
from sts_eval.experiment import MeasureSettings


def load_tasks(settings: MeasureSettings) -> tuple[dict[str, Any], Any]:
    """The lm-eval tasks that a name stands for, by name, and the manager that loaded them.

    Raises:
        UserError: There is no such task, or the folder of further tasks does not exist.
    """
    return find_tasks(settings.task, settings.include_path)
