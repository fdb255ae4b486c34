"""What a predictor may read: the texts, and what the untuned model makes of them.

Nothing here knows a tuned model or a score after tuning.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from sts_eval.data.training_set import Example
from sts_eval.study.activations import Moments
from sts_eval.study.shifted_features import Shift

Part = TypeVar("Part")


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

    alone: Mapping[str, Answering]
    shown: Mapping[str, Answering]


@dataclass(frozen=True)
class Gradients:
    """Gradients of a fresh LoRA adapter's B matrices (A's are zero while B is), flattened and end to end.

    Attributes:
        training: Gradient of the SFT loss on minibatches of the training set, shape (n_batches, n_parameters).
        domains: By domain, gradient of the right answers' loss, shape (n_parameters,).
        learning_rate: Of the tuning that is foretold.
    """

    training: NDArray[np.float32]
    domains: Mapping[str, NDArray[np.float32]]
    learning_rate: float


@dataclass(frozen=True)
class Probe:
    """A short training on the full run's schedule.

    Attributes:
        steps: Steps at which the domains were read, the first 0, shape (n_reads,).
        full_steps: Steps of the tuning that is foretold.
        answers: By domain, what the model makes of its questions at each read.
        kl: By domain, mean divergence in nats of the option distributions, KL(before || after), at the last read.
    """

    steps: NDArray[np.int64]
    full_steps: int
    answers: Mapping[str, Sequence[Answering]]
    kl: Mapping[str, float]


class Study:
    """The parts that were read; asking for another one is a mistake in a predictor's `needs`.

    Args:
        texts: Always there.
        shift: Step 1 of STS, first seed.
        activations: See the class.
        losses: See the class.
        gradients: See the class.
        probe: See the class.
        seed: For predictors that draw.
    """

    def __init__(
        self,
        texts: Texts,
        *,
        shift: Shift | None = None,
        activations: Activations | None = None,
        losses: Losses | None = None,
        gradients: Gradients | None = None,
        probe: Probe | None = None,
        seed: int = 0,
    ) -> None:
        """See the class."""
        self.texts = texts
        self.seed = seed
        self._shift = shift
        self._activations = activations
        self._losses = losses
        self._gradients = gradients
        self._probe = probe

    @property
    def shift(self) -> Shift:
        """Step 1 of STS."""
        return _there(self._shift, "shift")

    @property
    def activations(self) -> Activations:
        """Residuals and features."""
        return _there(self._activations, "activations")

    @property
    def losses(self) -> Losses:
        """Reading and answering."""
        return _there(self._losses, "losses")

    @property
    def gradients(self) -> Gradients:
        """Gradients of a fresh adapter."""
        return _there(self._gradients, "gradients")

    @property
    def probe(self) -> Probe:
        """A short training."""
        return _there(self._probe, "probe")


def _there(part: Part | None, name: str) -> Part:
    if part is None:
        raise LookupError(f"a predictor read the study's {name}, which it does not name among its needs")
    return part
