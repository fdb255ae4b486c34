"""Step 1 of STS: which features do demonstrations from the training set move?

    D_N = TopN_j  E_x  ‖ h_j(x) − h_j(x_0, y_0, …, x_t, y_t, x) ‖²          (equation 3 of the paper)

h(x) are the features of the untuned model at one layer. The expectation is over questions of the
training set, each counting once with the mean over its tokens. In-context learning stands in for
fine-tuning: the features that demonstrations move are taken for the ones that tuning will move.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sts_eval.data.prompt import Turn
from sts_eval.data.sampling import shuffled, within_budget
from sts_eval.data.tables import fingerprint
from sts_eval.data.training_set import TrainingSet
from sts_eval.errors import UserError
from sts_eval.progress import Progress
from sts_eval.study.activations import Meter, question_weights
from sts_eval.study.extractor import Extractor, Shown


@dataclass(frozen=True)
class Shift:
    """How far demonstrations move every feature, for one seed.

    Attributes:
        seed: The seed that drew the demonstrations and questions.
        score: Shape (d_sae,), the mean squared difference of each feature.
        features: The N features with the highest score, highest first (D_N).
        demonstrations: Row numbers in the training set of the demonstrations shown.
        n_questions: Questions compared.
        n_tokens: Question tokens compared.
        fewer_shots: How many questions saw fewer demonstrations because of the context.
        prompts_sha256: Fingerprint of the token ids of the demonstrations and the questions.
    """

    seed: int
    score: NDArray[np.float64]
    features: tuple[int, ...]
    demonstrations: tuple[int, ...]
    n_questions: int
    n_tokens: int
    fewer_shots: int
    prompts_sha256: str


def measure_shift(
    extractor: Extractor,
    training_set: TrainingSet,
    seed: int,
    progress: Progress,
    listen: Callable[[Sequence[Turn]], Meter] | None = None,
) -> Shift:
    """Compare question tokens with and without demonstrations, and pick the features that move most.

    The `paired` estimator compares each token with itself. The `notebook` estimator is what the
    authors' notebook computes, two unaligned samples row against row; its expectation over the
    pairings, E[a²] + E[b²] − 2 E[a] E[b], needs no sample at all.

    Args:
        extractor: Model, SAE and dials.
        training_set: Where demonstrations and questions are drawn from.
        seed: Draws them.
        progress: Told of every row.
        listen: Given the questions, makes a meter that hears what is read, for predictors beside STS.

    Raises:
        UserError: The set has fewer rows than demonstrations + 1, or a question exceeds the context.
    """
    settings, prompter = extractor.settings, extractor.prompter
    examples, suffix = training_set.examples, training_set.suffix
    if len(examples) < settings.shots + 1:
        raise UserError(
            f"{training_set.source} has {len(examples)} rows, too few for {settings.shots} "
            "demonstrations and a question",
            "Give more rows, or fewer demonstrations with --shots",
        )
    order = shuffled(len(examples), seed, "training set")
    drawn, rest = order[: settings.shots], order[settings.shots :]
    chosen = within_budget(examples, rest, settings.shift_tokens, lambda example: prompter.length(example.question))
    shots = [examples[index] for index in drawn]
    prompter.check_joint(shots, examples[chosen[0]].question, suffix=suffix)
    turns = [prompter.turn(examples[index].question, suffix=suffix) for index in chosen]
    shown = Shown.of(prompter.demonstrations(shots, suffix=suffix))
    counts = [shown.demonstrations.fitting(turn, extractor.context) for turn in turns]
    moments = _Moments(extractor.autoencoder.d_sae)
    meter = listen(turns) if listen is not None else None
    done = 0
    for row in extractor.rows(turns, counts):
        together = [turns[index] for index in row]
        alone = extractor.read(shown, together, [0] * len(row))
        after = extractor.read(shown, together, [counts[index] for index in row])
        weights = question_weights(together)
        if meter is not None:
            meter.residuals(row, together, alone, after)
        pairs = zip(extractor.autoencoder.encode(alone), extractor.autoencoder.encode(after), strict=True)
        for (block, before_block), (_, after_block) in pairs:
            moments.add(weights[block], before_block, after_block)
            if meter is not None:
                meter.features(weights[block], before_block, after_block)
        done += len(row)
        progress("step 1: shifted features", done, len(turns))
    score = moments.paired() if settings.estimator == "paired" else moments.unaligned()
    top = np.argsort(-score, kind="stable")[: settings.top_n]
    return Shift(
        seed=seed,
        score=score,
        features=tuple(int(feature) for feature in top),
        demonstrations=tuple(drawn),
        n_questions=len(turns),
        n_tokens=sum(len(turn.span) for turn in turns),
        fewer_shots=sum(count < settings.shots for count in counts),
        prompts_sha256=fingerprint([shown.demonstrations.prefixes, turns]),
    )


class _Moments:
    """Running weighted sums over tokens, in float64: memory does not grow with their number."""

    def __init__(self, d_sae: int) -> None:
        self._weight = 0.0
        self._sums = torch.zeros(5, d_sae, dtype=torch.float64)

    def add(self, weights: Tensor, before: Tensor, after: Tensor) -> None:
        """Add tokens with weights (n,) and their activations (n, d_sae) in both contexts."""
        weights = weights.to(before.device)
        after = after.to(before.device)
        terms = (before - after).square_(), before, after
        sums = [weights @ term for term in terms]
        sums += [weights @ before.square(), weights @ after.square()]
        self._sums += torch.stack(sums).double().cpu()
        self._weight += float(weights.sum())

    def paired(self) -> NDArray[np.float64]:
        return np.asarray((self._sums[0] / self._weight).numpy(), dtype=np.float64)

    def unaligned(self) -> NDArray[np.float64]:
        _, before, after, before2, after2 = self._sums / self._weight
        return np.asarray((before2 + after2 - 2 * before * after).numpy(), dtype=np.float64)
