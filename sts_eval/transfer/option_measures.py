"""The task that scores options by likelihood: its name, and its measures beside accuracy.

Both measures, accuracy per character and log-probability per token, are of our own evaluations only: the tokens are the
evaluated model's.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sts_eval.transfer.pairing import Answer

OPTIONS_TASK = "mmlupro_options"
"""The task of this package that asks the questions of any benchmark; a domain's task has its name behind it."""


def with_option_measures(answers: Sequence[Answer], samples: Sequence[Mapping[str, Any]], lm: Any) -> list[Answer]:
    """Answers with the measures of their samples, in the same order; `lm` is lm-eval's model that gave them."""
    return [
        answer._replace(
            acc_norm=float(sample["acc_norm"]) == 1.0 if "acc_norm" in sample else None,
            logprob_per_token=None if answer.logprob is None else _per_token(sample, lm),
        )
        for answer, sample in zip(answers, samples, strict=True)
    ]


def _per_token(sample: Mapping[str, Any], lm: Any) -> float | None:
    """The log-probability of the right option's own text per token, in nats; None where its number is not given."""
    right = str(sample["target"])
    if not right.isdecimal():
        return None
    prompt, option = sample["arguments"][int(right)][:2]
    # As lm-eval divides them: spaces between the two are the option's.
    tokens = len(lm.tok_encode(prompt + option)) - len(lm.tok_encode(prompt.rstrip()))
    return float(sample["filtered_resps"][int(right)][0]) / tokens
