"""One task of the harness for a whole benchmark: it makes a task for each domain.

lm-eval calls the class that a task file names, with what the file and the command line say. It takes a group where it
asked for a task, and gives the group a row of its own in the table.
"""

import logging
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lm_eval.api.group import Group
from lm_eval.config.group import AggMetricConfig

from sts_eval.harness.plan import benchmark_of, plan_from, unread_keys
from sts_eval.harness.request import exits_like_a_command
from sts_eval.harness.task import STSTask
from sts_eval.records.prediction import SCORES

ANY = "sts"
"""The task without a benchmark of its own; its group is named after the one that it is given."""

_logger = logging.getLogger(__name__)


class STSBenchmark(Group):  # type: ignore[misc]  # lm-eval ships no types
    """STS of all domains of the benchmark that the metadata name, or of those of `only`.

    Raises:
        UserError: The benchmark cannot be read, or the metadata are no description of a prediction.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        # What the YAML file, `--metadata` and `--model_args` said. A file may name a function, with `!function`.
        given = (config.get("metadata") or {}).items()
        metadata = {key: str(value()) if callable(value) else value for key, value in given}
        with exits_like_a_command():
            spec = plan_from(metadata, chat_template=False).benchmark
            domains = list(benchmark_of(spec).domains)
        if unread := unread_keys(metadata):
            _logger.warning("STS reads none of these keys: %s", ", ".join(unread))
        source = _word(Path(spec.source).name)
        name = config["task"] if config["task"] != ANY else f"{ANY}_{source}"
        metrics = [AggMetricConfig(metric=score, weight_by_size=False) for score in SCORES]
        super().__init__(name, aggregate_metric_list=metrics, metadata=metadata)
        for domain, word in zip(domains, _words(domains, source), strict=True):
            self.add(STSTask({"task": f"{name}_{word}", "dataset_name": domain, "metadata": metadata}))


def _words(domains: Sequence[str], source: str) -> list[str]:
    """Domains as parts of task names: in words, without the benchmark's name before them, all different."""
    words = [_word(domain).removeprefix(f"{source}_") for domain in domains]
    return words if len(set(words)) == len(words) else list(domains)


def _word(name: str) -> str:
    return re.sub(r"\W+", "_", name).strip("_")
