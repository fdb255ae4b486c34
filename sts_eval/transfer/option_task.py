r"""The lm-eval task `mmlupro_options`: the options of a question scored by the likelihood of their texts.

Base models and small ones answer at chance where a letter or a chain of thought is asked for. Here the prompt is the
question alone, and what follows it is an option:

    Question: <question>\nAnswer: <option>

`acc` takes the likeliest option and `acc_norm` the likeliest one per character, as lm-eval does everywhere. Beside them
stand the log-probability of the right option among the options, and the right option's own per byte (in nats).
The questions are those of any benchmark that `BenchmarkSpec` names; the files in `tasks/mmlupro_options` give this
task to `lm_eval` for the categories of MMLU-Pro.
"""

import functools
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from lm_eval.api.task import ConfigurableTask

from sts_eval.data.benchmark import Question, load_option_questions
from sts_eval.errors import UserError
from sts_eval.experiment import BenchmarkSpec, Spec
from sts_eval.harness.request import exits_like_a_command
from sts_eval.settings import describe
from sts_eval.transfer.lm_eval_samples import normalised_logprob
from sts_eval.transfer.option_measures import OPTIONS_TASK

VERSION = 1.0  # as in the task files; another prompt is another version

METRICS = ("acc", "acc_norm", "logprob", "logprob_per_byte")

_CONFIG = {
    "test_split": "test",
    "fewshot_split": "validation",
    "fewshot_config": {"sampler": "first_n"},
    "output_type": "multiple_choice",
    "doc_to_text": "Question: {{question}}\nAnswer:",
    "doc_to_choice": "options",
    "doc_to_target": "answer_index",
    "metric_list": [{"metric": name, "aggregation": "mean", "higher_is_better": True} for name in METRICS],
}


class _Read(Spec):
    """What the metadata of a task say."""

    benchmark: BenchmarkSpec = BenchmarkSpec()


class OptionTask(ConfigurableTask):  # type: ignore[misc]  # lm-eval ships no types
    """One category, which `dataset_name` names. The metadata name the benchmark, as for STS's own tasks."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        described = {key: value for key, value in config.items() if key != "class"}
        super().__init__(config=_CONFIG | described | {"process_results": scores})

    def download(self, *_: Any, **__: Any) -> None:
        """Read the category's questions."""
        from datasets import Dataset, DatasetDict

        with exits_like_a_command():
            spec = describe(_Read, self.config.metadata, lambda name, value: f"--metadata {name}={value!r}").benchmark
            test, validation = _documents(spec)
            domain = self.config.dataset_name
            if domain not in test:
                raise UserError(
                    f"{spec.source} has no questions with a known answer in domain {domain!r}",
                    f"Name only the tasks of its own domains: {', '.join(sorted(test))}",
                )
        splits = {"test": test[domain], "validation": validation.get(domain, [])}
        self.dataset = DatasetDict({name: Dataset.from_list(asked) for name, asked in splits.items()})


def option_tasks(benchmark: BenchmarkSpec) -> dict[str, OptionTask]:
    """A task for every category of a benchmark, or for those that it names, by name.

    Raises:
        UserError: The benchmark cannot be read, or has no questions in a category.
    """
    metadata = {"version": VERSION, "domains": benchmark.source, "domains_revision": benchmark.revision}
    tasks = {}
    for domain in benchmark.domains or sorted(_documents(benchmark)[0]):
        name = f"{OPTIONS_TASK}_{re.sub(r'[^a-z0-9]+', '_', domain.lower())}"
        tasks[name] = OptionTask({"task": name, "dataset_name": domain, "metadata": metadata})
    return tasks


def scores(doc: Mapping[str, Any], results: Sequence[tuple[float, bool]]) -> dict[str, float]:
    """The metrics of a question from the log-likelihoods of its options, in nats."""
    options, right = doc["options"], doc["answer_index"]
    likelihoods = np.array([value for value, _ in results])
    return {
        "acc": float(likelihoods.argmax() == right),
        "acc_norm": float((likelihoods / [len(option) for option in options]).argmax() == right),
        "logprob": normalised_logprob(likelihoods.tolist(), right),
        "logprob_per_byte": float(likelihoods[right]) / len(options[right].encode()),
    }


Documents = dict[str, list[dict[str, Any]]]


@functools.cache  # read once for all the tasks of a run
def _documents(spec: BenchmarkSpec) -> tuple[Documents, ...]:
    """The documents of test and validation, by category."""
    splits = load_option_questions(spec)
    found = [
        {name: [row for one in asked if (row := _document(one))] for name, asked in split.items()} for split in splits
    ]
    return tuple({name: rows for name, rows in split.items() if rows} for split in found)


def _document(question: Question) -> dict[str, Any] | None:
    """A question as the task reads it; None where its right option, or every other one, is empty."""
    texts = [option.strip() for option in question.choices]
    kept = [place for place, text in enumerate(texts) if text]
    if question.right not in kept or len(kept) == 1:
        return None
    return {
        "question_id": question.id,
        "question": question.text,
        "options": [texts[place] for place in kept],
        "answer_index": kept.index(question.right),
        "category": question.domain,
    }
