"""Oracles: what a predictor could say if it had the tuned model.

They show what is left to gain from a better choice of features, and whether what the tuning does to a domain's
questions tells what it does to the answers at all. No prediction can have them, so they are ranked with none.

    oracle_act, oracle_icl   equations 4 and 5 with D_N = TopN_j E_x (h_j(x; tuned) − h_j(x))², over the training
                             set's questions: the features that moved in place of those that demonstrations move
    oracle_mean_shift        ‖μ(tuned) − μ‖₂, μ = E a(x), the mean residual at the hook
    oracle_cka               1 − ‖YᵀX‖²_F / (‖XᵀX‖_F ‖YᵀY‖_F), X and Y the centred residuals of the same question
                             tokens before and after: linear CKA (Kornblith et al. 2019)
    oracle_kl                E KL(p ‖ p(tuned)) of the next token's distribution, in nats
    oracle_truncation        change of the share of answers that ran into the length limit, in points

All but the last are of the questions that the prediction read, none of which is scored. A question counts once,
with the mean over its tokens; in CKA every token is a row.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from sts_eval.data.benchmark import Benchmark, Domain
from sts_eval.data.prompt import Turn
from sts_eval.data.tables import fingerprint
from sts_eval.data.training_set import TrainingSet
from sts_eval.errors import UserError
from sts_eval.hindsight.actual_shift import Shifts, booked, on_tuned, read_shifts
from sts_eval.model.head import Head
from sts_eval.model.reader import Reader
from sts_eval.predictors.predictor import Flag
from sts_eval.predictors.similarity import defined
from sts_eval.progress import Progress, silent
from sts_eval.records.oracle import Oracle
from sts_eval.records.prediction import Prediction, PredictorCost, PredictorScores, Score
from sts_eval.records.record import now
from sts_eval.records.transfer import Transfer
from sts_eval.study.activations import question_weights
from sts_eval.study.cost import Spent
from sts_eval.study.extractor import Extractor, Shown
from sts_eval.study.question_scores import choose_questions, estimate, read_domain
from sts_eval.study.shifted_features import Shift

_Part = Literal["features", "residuals", "tokens"]

_COLUMNS: Mapping[str, tuple[_Part, str]] = {
    "oracle_act": ("features", "How active the features that the tuning moved are in the domain (equation 4)"),
    "oracle_icl": (
        "features",
        "How far the domain's own demonstrations move the features that the tuning moved (equation 5)",
    ),
    "oracle_mean_shift": ("residuals", "How far the tuning moves the mean residual of the domain's questions"),
    "oracle_cka": ("residuals", "One minus linear CKA between the residuals before and after the tuning"),
    "oracle_kl": ("tokens", "Divergence of the next token's distribution before the tuning from that after, nats"),
}


def measure_oracle(
    extractor: Extractor,
    tuned: Any,
    training_set: TrainingSet,
    benchmark: Benchmark,
    prediction: Prediction,
    *,
    tuning_seed: int,
    shifts: Shifts | None = None,
    progress: Progress = silent,
) -> Oracle:
    """Score the domains with the tuned model at hand, on the questions that the prediction's first seed read.

    Args:
        extractor: The untuned model with its SAE, and the prediction's settings.
        tuned: The tuned model, adapter attached, on the same device.
        training_set: What it was tuned on.
        benchmark: The prediction's domains.
        prediction: What was predicted.
        tuning_seed: The tuned model's, for the record.
        shifts: What `read_shifts` found with these models, this set and the prediction's first seed; read now if
            None.
        progress: Called with (stage, done, total) as questions are read.

    Raises:
        UserError: The set is too small, or the benchmark is not the prediction's.
        NothingMovedError: The tuned model's activations are the untuned one's.
    """
    if benchmark.sha256 != prediction.benchmark.sha256:
        raise UserError(f"{benchmark.source} is not the benchmark of the prediction", "Give the one that it read")
    seed = prediction.experiment.settings.seeds[0]
    if shifts is None:
        shifts = read_shifts(extractor, tuned, training_set, seed=seed, progress=progress)
    reading = _Reading(extractor, tuned, _moved_most(shifts, extractor.settings.top_n), progress)
    scores: dict[str, dict[str, float]] = {name: {} for name in _COLUMNS}
    spent: dict[_Part, Spent] = {"features": shifts.spent, "residuals": Spent(), "tokens": Spent()}
    n_questions = 0
    for domain in benchmark.domains.values():
        chosen = choose_questions(domain, seed, extractor.settings.domain_tokens, extractor.prompter.length)
        n_questions += len(chosen)
        for part, read in reading.parts.items():
            with booked(*reading.readers) as here:
                found = read(domain, chosen)
            spent[part] += here
            for name, score in found.items():
                scores[name][domain.name] = score
    return Oracle(
        created=now(),
        tuning_seed=tuning_seed,
        n_questions=n_questions,
        predictors=tuple(
            _predictor(name, summary, defined(scores[name]), spent[part]) for name, (part, summary) in _COLUMNS.items()
        ),
    )


def truncation_scores(transfer: Transfer) -> PredictorScores | None:
    """Change of the share of truncated answers, in points; None where no domain's share is known.

    A rise costs accuracy whatever the model knows, so unlike most columns this one falls where accuracy rises.
    """
    scores = {
        change.domain: 100 * (change.form_after.truncated - change.form_before.truncated)
        for change in transfer.domains
        if change.form_before.truncated is not None and change.form_after.truncated is not None
    }
    # The transfer's own answers say it, so that nothing more is spent.
    summary = "Change of the share of answers that ran into the length limit, in points"
    return _predictor("oracle_truncation", summary, scores, Spent()) if scores else None


def cka_distance(before: Tensor, after: Tensor) -> float:
    """1 − linear CKA between two readings of the same tokens (Kornblith et al. 2019).

    It is 0 where one reading is the other turned, scaled and moved as a whole.

    Args:
        before: Shape (n_tokens, d).
        after: Shape (n_tokens, d).

    Returns:
        Between 0 and 1; NaN where all tokens of a reading are alike.
    """
    x, y = (reading.double() - reading.double().mean(dim=0) for reading in (before, after))
    norms = float((x.T @ x).norm() * (y.T @ y).norm())
    # Rounding can put the ratio of equal readings above 1.
    return max(0.0, 1 - float((y.T @ x).square().sum()) / norms) if norms > 0 else float("nan")


def divergence(before: Tensor, after: Tensor) -> Tensor:
    """KL(before ‖ after) of each row, in nats.

    Args:
        before: Log-probabilities, shape (n, vocabulary).
        after: The same shape.

    Returns:
        Shape (n,).
    """
    return (before.exp() * (before - after)).sum(dim=1)


def _moved_most(shifts: Shifts, n: int) -> Shift:
    """The actual shift in the place of step 1's."""
    actual = shifts.features.actual
    return Shift(
        seed=shifts.seed,
        score=actual,
        features=tuple(int(feature) for feature in np.argsort(-actual, kind="stable")[:n]),
        demonstrations=(),
        n_questions=len(shifts.turns),
        n_tokens=sum(len(turn.span) for turn in shifts.turns),
        fewer_shots=0,
        prompts_sha256=fingerprint([[], shifts.turns]),
    )


class _Reading:
    """Reads a domain with both models, in parts whose costs are booked apart.

    Attributes:
        parts: Each gives scores of some columns from a domain and the positions of its chosen questions.
        readers: All that the parts read with.
    """

    def __init__(self, extractor: Extractor, tuned: Any, shift: Shift, progress: Progress) -> None:
        self._shift = shift
        self._progress = progress
        self._at_hook = extractor, on_tuned(extractor, tuned)
        self._heads = tuple(Head(one.reader.model) for one in self._at_hook)
        self._at_head = tuple(
            dataclasses.replace(extractor, reader=Reader(one.reader.model, head.hook))
            for one, head in zip(self._at_hook, self._heads, strict=True)
        )
        self.readers = tuple(one.reader for one in (*self._at_hook, *self._at_head))
        self.parts: Mapping[_Part, Callable[[Domain, Sequence[int]], dict[str, float]]] = {
            "features": self._features,
            "residuals": self._residuals,
            "tokens": self._tokens,
        }

    def _features(self, domain: Domain, chosen: Sequence[int]) -> dict[str, float]:
        seed = self._shift.seed

        def tell(_stage: str, done: int, total: int) -> None:
            self._progress(f"oracle, features: {domain.name}", done, total)

        found = read_domain(self._at_hook[0], domain, [self._shift], {seed: chosen}, progress=tell)
        questions = found.questions[seed].items()
        return {
            "oracle_act": estimate({seed: {position: score.sts_act for position, score in questions}}).value,
            "oracle_icl": estimate({seed: {position: score.sts_icl for position, score in questions}}).value,
        }

    def _residuals(self, domain: Domain, chosen: Sequence[int]) -> dict[str, float]:
        # One domain's tokens are held at once; the budget of question tokens bounds them.
        rows = [
            (question_weights(turns), before.float().cpu(), after.float().cpu())
            for turns, before, after in self._rows(self._at_hook, domain, chosen, "residuals")
        ]
        weights, before, after = (torch.cat(parts).double() for parts in zip(*rows, strict=True))
        return {
            "oracle_mean_shift": float((weights @ (after - before) / len(chosen)).norm()),
            "oracle_cka": cka_distance(before, after),
        }

    def _tokens(self, domain: Domain, chosen: Sequence[int]) -> dict[str, float]:
        total = 0.0
        for turns, *read in self._rows(self._at_head, domain, chosen, "next tokens"):
            blocks = (head.distributions(hidden) for head, hidden in zip(self._heads, read, strict=True))
            found = torch.cat([divergence(before, after).cpu() for before, after in zip(*blocks, strict=True)])
            total += float(question_weights(turns) @ found)
        return {"oracle_kl": total / len(chosen)}

    def _rows(
        self, pair: Sequence[Extractor], domain: Domain, chosen: Sequence[int], stage: str
    ) -> Iterator[tuple[list[Turn], Tensor, Tensor]]:
        """Questions that share a pass, and their span's hidden states in the untuned and in the tuned model."""
        before, after = pair
        prompter = before.prompter
        turns = [prompter.turn(domain.questions[position].text) for position in chosen]
        nothing = prompter.demonstrations([])
        shown, shown_after = Shown.of(nothing), Shown.of(nothing)  # keys and values are each model's own
        done = 0
        for indices in before.rows(turns, [0] * len(turns)):
            row, none = [turns[index] for index in indices], [0] * len(indices)
            yield row, before.read(shown, row, none), after.read(shown_after, row, none)
            done += len(row)
            self._progress(f"oracle, {stage}: {domain.name}", done, len(turns))


def _predictor(name: str, summary: str, scores: Mapping[str, float], spent: Spent) -> PredictorScores:
    cost = PredictorCost(
        seconds=round(spent.seconds, 3), tokens=spent.tokens, passes=spent.passes, backward_passes=spent.backward_passes
    )
    return PredictorScores(
        name=name,
        group="oracle",
        flags=(Flag.ORACLE.value,),
        summary=summary,
        scores={domain: Score(value=value) for domain, value in scores.items()},
        seeds=(),
        cost=cost,
    )
