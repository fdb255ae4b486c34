"""What a predictor may read: the texts, and what the untuned model makes of them.

Nothing here knows a tuned model or a score after tuning.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from sts_eval.data.training_set import Example
from sts_eval.study.activations import Moments
from sts_eval.study.need import Need


@dataclass(frozen=True)
class Texts:
    """The words themselves.

    Attributes:
        training: The training set, all of it.
        domains: By domain, the questions that are read (never scored ones), options included where shown.
    """

    training: Sequence[Example]
    domains: Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Activations:
    """Residuals and features at the SAE's layer."""

    need: ClassVar = Need.ACTIVATIONS

    training: Moments
    domains: Mapping[str, Moments]


@dataclass(frozen=True)
class Answering:
    """What the untuned model makes of a domain's questions in one context.

    Attributes:
        question_nll: Nats per question token, shape (n_questions,).
        option_logprobs: By question, the log-probability (nats) of each option's text, shape (n_options,).
        option_tokens: By question, the number of tokens of each option, shape (n_options,).
        right: Position of the right option by question, shape (n_questions,).
    """

    question_nll: NDArray[np.float64]
    option_logprobs: Sequence[NDArray[np.float64]]
    option_tokens: Sequence[NDArray[np.int64]]
    right: NDArray[np.int64]

    @property
    def answer_nll(self) -> NDArray[np.float64]:
        """Nats per token of the right option, shape (n_questions,)."""
        rows = zip(self.option_logprobs, self.option_tokens, self.right, strict=True)
        return np.array([-logprobs[right] / tokens[right] for logprobs, tokens, right in rows])

    @property
    def share_logprob(self) -> NDArray[np.float64]:
        """Log-probability of the right option among all options, in nats, shape (n_questions,)."""
        rows = zip(self.option_logprobs, self.right, strict=True)
        return np.array([logprobs[right] - np.logaddexp.reduce(logprobs) for logprobs, right in rows])

    @property
    def correct(self) -> NDArray[np.bool_]:
        """Whether the right option is the likeliest, shape (n_questions,)."""
        rows = zip(self.option_logprobs, self.right, strict=True)
        return np.array([int(logprobs.argmax()) == right for logprobs, right in rows])


@dataclass(frozen=True)
class Losses:
    """How well the untuned model reads and answers, by domain.

    Attributes:
        alone: Without demonstrations.
        shown: Behind the demonstrations of the training set that step 1 of STS shows.
    """

    need: ClassVar = Need.LOSSES

    alone: Mapping[str, Answering]
    shown: Mapping[str, Answering]


@dataclass(frozen=True)
class Gradients:
    """Gradients of a fresh LoRA adapter's B matrices (A's are zero while B is), flattened and end to end.

    Attributes:
        training: Gradient of the SFT loss on minibatches of the training set, shape (n_batches, n_parameters).
        domains: By domain, gradient of the right answers' loss, shape (n_parameters,).
        learning_rate: Of the tuning that is predicted.
    """

    need: ClassVar = Need.GRADIENTS

    training: NDArray[np.float32]
    domains: Mapping[str, NDArray[np.float32]]
    learning_rate: float


@dataclass(frozen=True)
class Probe:
    """A short training on the full run's schedule.

    Attributes:
        steps: Steps at which the domains were read, the first 0, shape (n_reads,).
        full_steps: Steps of the tuning that is predicted.
        answers: By domain, what the model makes of its questions at each read.
        kl: By domain, mean divergence in nats of the option distributions, KL(before || after), at the last read.
    """

    need: ClassVar = Need.PROBE

    steps: NDArray[np.int64]
    full_steps: int
    answers: Mapping[str, Sequence[Answering]]
    kl: Mapping[str, float]


class Part(Protocol):
    """Something that is read once for all predictors that name its need."""

    need: ClassVar[Need]


PartT = TypeVar("PartT", bound=Part)


@dataclass(frozen=True)
class Study:
    """What predictors read.

    Attributes:
        texts: Always there.
        parts: What was read: a `Shift` (step 1 of STS, first seed), `QuestionScores`, `Activations`, `Losses`,
            `Gradients`, `Probe`.
        seed: For predictors that draw.
    """

    texts: Texts
    parts: Sequence[Part] = ()
    seed: int = 0

    def read(self, part: type[PartT]) -> PartT:
        """The part of a type.

        Raises:
            LookupError: It was not read, because the predictor does not name it among its needs.
        """
        for one in self.parts:
            if isinstance(one, part):
                return one
        raise LookupError(f"a predictor read the study's {part.need}, which it does not name among its needs")
