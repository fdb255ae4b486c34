"""What a predictor may read: the texts, and what the untuned model makes of them.

Nothing here knows a tuned model or a score after tuning.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from sts_eval.data.training_set import Example
from sts_eval.study.activations import Moments


@dataclass(frozen=True)
class Texts:
    """The words themselves: the whole training set, and the domains' questions."""

    training: Sequence[Example]
    domains: Mapping[str, Sequence[str]]  # the questions that are read (never scored ones), options included
    solutions: Mapping[str, Sequence[str]] = field(default_factory=dict)  # of the domains' demonstrations


@dataclass(frozen=True)
class Activations:
    """Residuals and features at the SAE's layer."""

    training: Moments
    domains: Mapping[str, Moments]


@dataclass(frozen=True)
class Answering:
    """What the untuned model makes of a domain's questions in one context."""

    question_nll: NDArray[np.float64]  # nats per question token, shape (n_questions,)
    option_logprobs: Sequence[NDArray[np.float64]]  # by question, nats of each option's text, shape (n_options,)
    option_tokens: Sequence[NDArray[np.int64]]  # by question, tokens of each option, shape (n_options,)
    right: NDArray[np.int64]  # position of the right option, shape (n_questions,)

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
    """How well the untuned model reads and answers, by domain."""

    alone: Mapping[str, Answering]  # without demonstrations
    shown: Mapping[str, Answering]  # behind the demonstrations of the training set that step 1 of STS shows


@dataclass(frozen=True)
class TrainingLosses:
    """How well the untuned model reads rows of the training set, questions with their solution as the one option."""

    alone: Answering


@dataclass(frozen=True)
class ReversedLosses:
    """The same rows, behind the demonstrations of each domain that STS_ICL shows."""

    shown: Mapping[str, Answering]


@dataclass(frozen=True)
class Injection:
    """Answers while the training set's mean states are added to the residual stream."""

    strength: float  # what the mean states are multiplied with
    answers: Mapping[str, Answering]  # by domain, without demonstrations


@dataclass(frozen=True)
class LastTokens:
    """Residuals at the SAE's layer of the prompts' last tokens, without demonstrations.

    All of shape (n_questions, d_model).
    """

    training: NDArray[np.float64]
    domains: Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True)
class OwnAnswers:
    """Residuals at the SAE's layer, each the mean over an answer's tokens."""

    solutions: NDArray[np.float64]  # of rows of the training set, shape (n_rows, d_model)
    own: NDArray[np.float64]  # the same rows answered by the untuned model itself
    right: Mapping[str, NDArray[np.float64]]  # by domain, of the right options, shape (n_questions, d_model)
    wrong: Mapping[str, NDArray[np.float64]]  # the mean over the wrong options of the same questions


@dataclass(frozen=True)
class Embeddings:
    """Mean sentence embeddings, each sentence at length one, shape (d,)."""

    training: NDArray[np.float64]
    domains: Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True)
class Gradients:
    """Gradients of a fresh LoRA adapter's B matrices (A's are zero while B is), flattened and end to end."""

    training: NDArray[np.float32]  # of the SFT loss on minibatches of the training set, shape (n_batches, n_parameters)
    domains: Mapping[str, NDArray[np.float32]]  # of the right answers' loss, shape (n_parameters,)
    learning_rate: float  # of the tuning that is predicted


@dataclass(frozen=True)
class Probe:
    """A short training on the full run's schedule."""

    steps: NDArray[np.int64]  # at which the domains were read, the first 0, shape (n_reads,)
    full_steps: int  # of the tuning that is predicted
    answers: Mapping[str, Sequence[Answering]]  # by domain, what the model makes of its questions at each read
    kl: Mapping[str, float]  # by domain, mean KL(before || after) of the options in nats, at the last read


Part = TypeVar("Part")


@dataclass(frozen=True)
class Study:
    """What predictors read.

    Among the parts are a `Shift` (step 1 of STS, first seed), `QuestionScores`, the `SparseAutoencoder`, and those that
    this module defines, as far as they are needed.
    """

    texts: Texts
    parts: Sequence[object] = ()
    seed: int = 0  # for predictors that draw

    def read(self, part: type[Part]) -> Part:
        """The part of a type.

        Raises:
            LookupError: It was not read, because the predictor does not name it among its needs.
        """
        for one in self.parts:
            if isinstance(one, part):
                return one
        raise LookupError(f"a predictor read the study's {part.__name__}, which it does not name among its needs")
