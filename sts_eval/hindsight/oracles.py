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

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from sts_eval.data.benchmark import Benchmark, Domain
from sts_eval.errors import UserError
from sts_eval.hindsight.actual_shift import TUNED, Shifts, reader_of
from sts_eval.model.head import Head
from sts_eval.model.reader import Reader
from sts_eval.predictors.predictor import Flag
from sts_eval.predictors.sts import domain_score
from sts_eval.progress import Progress, silent
from sts_eval.records.oracle import Oracle
from sts_eval.records.prediction import Prediction, PredictorScores, Score
from sts_eval.records.record import now
from sts_eval.records.transfer import Transfer
from sts_eval.study.cost import Cost, counting
from sts_eval.study.draws import choose_questions
from sts_eval.study.extractor import Extractor
from sts_eval.study.question_scores import read_domain
from sts_eval.study.reading import Context, Listener, Reading, Row, RunningSums
from sts_eval.study.shifted_features import top

SUMMARIES = {
    "oracle_act": "How active the features that the tuning moved are in the domain (equation 4)",
    "oracle_icl": "How far the domain's own demonstrations move the features that the tuning moved (equation 5)",
    "oracle_mean_shift": "How far the tuning moves the mean residual of the domain's questions",
    "oracle_cka": "One minus linear CKA between the residuals before and after the tuning",
    "oracle_kl": "Divergence of the next token's distribution before the tuning from that after, nats",
}


def measure_oracle(
    extractor: Extractor,
    tuned: Any,
    benchmark: Benchmark,
    prediction: Prediction,
    shifts: Shifts,
    *,
    tuning_seed: int,
    progress: Progress = silent,
) -> Oracle:
    """Score the domains with the tuned model at hand, on the questions that the prediction's first seed read.

    The extractor has the prediction's settings. The tuned model has its adapter attached and is on the same device.
    `shifts` is what `read_shifts` found with these models and the prediction's first seed.

    Raises:
        UserError: The benchmark is not the prediction's.
    """
    if benchmark.sha256 != prediction.benchmark.sha256:
        raise UserError(f"{benchmark.source} is not the benchmark of the prediction", "Give the one that it read")
    seed = shifts.seed
    moved_most = {seed: top(shifts.features.actual, extractor.settings.top_n).tolist()}
    models = extractor.reader.model, tuned
    at_hook = extractor.reader, reader_of(tuned, extractor)
    heads = tuple(Head(model) for model in models)
    at_head = tuple(Reader(model, head.hook) for model, head in zip(models, heads, strict=True))
    scores: dict[str, dict[str, float]] = {name: {} for name in SUMMARIES}
    costs = {name: shifts.cost if name in ("oracle_act", "oracle_icl") else Cost() for name in SUMMARIES}

    def keep(domain: Domain, cost: Cost, found: Mapping[str, float]) -> None:
        for name, value in found.items():
            scores[name][domain.name] = value
            costs[name] += cost

    n_questions = 0
    for domain in benchmark.domains.values():
        chosen = choose_questions(domain, seed, extractor.settings.domain_tokens, extractor.prompter.length)
        n_questions += len(chosen)
        told = partial(_told, progress, f"oracle, features: {domain.name}")
        with counting(*models) as cost:
            questions = read_domain(extractor, domain, moved_most, {seed: chosen}, progress=told).questions
        keep(domain, cost, {f"oracle_{kind}": domain_score(questions, f"sts_{kind}").value for kind in ("act", "icl")})
        turns = {position: extractor.prompter.turn(domain.questions[position].text) for position in chosen}
        shown = Context.of("alone", extractor, extractor.prompter.demonstrations([]), turns)
        listeners = ("residuals", at_hook, _Residuals()), ("next tokens", at_head, _NextTokens(heads))
        for stage, readers, listener in listeners:
            with counting(*models) as cost:
                before, after = (shown.read_by(reader, TUNED) for reader in readers)
                reading = Reading(extractor, turns, before, [after])
                reading.play([listener], partial(progress, f"oracle, {stage}: {domain.name}"))
                moved = listener.scores()
            keep(domain, cost, moved)
    found = tuple(_predictor(name, summary, scores[name], costs[name]) for name, summary in SUMMARIES.items())
    return Oracle(created=now(), tuning_seed=tuning_seed, n_questions=n_questions, predictors=found)


def truncation_scores(transfer: Transfer) -> PredictorScores | None:
    """Change of the share of truncated answers, in points; None where no domain's share is known.

    A rise costs accuracy whatever the model knows, so unlike most predictors this one falls where accuracy rises.
    """
    scores = {
        change.domain: 100 * (change.form_after.truncated - change.form_before.truncated)
        for change in transfer.domains
        if change.form_before.truncated is not None and change.form_after.truncated is not None
    }
    # The transfer's own answers say it, so that nothing more is spent.
    summary = "Change of the share of answers that ran into the length limit, in points"
    return _predictor("oracle_truncation", summary, scores, Cost()) if scores else None


def cka_distance(before: Tensor, after: Tensor) -> float:
    """1 − linear CKA between two readings of the same tokens, each of shape (n_tokens, d) (Kornblith et al. 2019).

    It lies between 0 and 1, and is 0 where one reading is the other turned, scaled and moved as a whole; NaN where all
    tokens of a reading are alike.
    """
    x, y = (reading.double() - reading.double().mean(dim=0) for reading in (before, after))
    norms = float((x.T @ x).norm() * (y.T @ y).norm())
    # Rounding can put the ratio of equal readings above 1.
    return max(0.0, 1 - float((y.T @ x).square().sum()) / norms) if norms > 0 else float("nan")


def divergence(before: Tensor, after: Tensor) -> Tensor:
    """KL(before ‖ after) of each row, in nats, shape (n,), from log-probabilities of shape (n, vocabulary)."""
    return (before.exp() * (before - after)).sum(dim=1)


def _told(progress: Progress, stage: str, _stage: str, done: int, total: int) -> None:
    progress(stage, done, total)


class _Residuals(Listener):
    """Movement of the mean residual, and CKA. One domain's tokens are held at once; the token budget bounds them."""

    def __init__(self) -> None:
        self._rows: list[tuple[Tensor, Tensor, Tensor]] = []
        self._n_questions = 0

    def hear(self, row: Row) -> None:
        self._rows.append((row.weights, row.alone.float().cpu(), row.others[TUNED].float().cpu()))
        self._n_questions += len(row.turns)

    def scores(self) -> dict[str, float]:
        weights, before, after = (torch.cat(parts).double() for parts in zip(*self._rows, strict=True))
        return {
            "oracle_mean_shift": float((weights @ (after - before) / self._n_questions).norm()),
            "oracle_cka": cka_distance(before, after),
        }


class _NextTokens(Listener):
    """Divergence of the next token's distribution, from hidden states at both models' heads."""

    def __init__(self, heads: Sequence[Head]) -> None:
        self._heads = heads
        self._sums, self._n_questions = RunningSums(), 0

    def hear(self, row: Row) -> None:
        states = row.alone, row.others[TUNED]
        blocks = (head.distributions(hidden) for head, hidden in zip(self._heads, states, strict=True))
        found = torch.cat([divergence(before, after).cpu() for before, after in zip(*blocks, strict=True)])
        self._sums.add(row.weights, [found])
        self._n_questions += len(row.turns)

    def scores(self) -> dict[str, float]:
        return {"oracle_kl": float(self._sums.means(self._n_questions)[0])}


def _predictor(name: str, summary: str, scores: Mapping[str, float], cost: Cost) -> PredictorScores:
    return PredictorScores(
        name=name,
        group="oracle",
        flags=(Flag.ORACLE.value,),
        summary=summary,
        scores={domain: Score(value=value) for domain, value in scores.items() if not math.isnan(value)},
        seeds=(),
        cost=cost.record(),
    )
