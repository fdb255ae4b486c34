"""Submissions made of given answers, with all their evidence, for tests of the store."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from helpers import records as made_records

from sts_eval.analysis.runs import summarise
from sts_eval.experiment import TuneSettings
from sts_eval.records.prediction import Prediction, PredictorCost, PredictorScores, Score
from sts_eval.records.submission import (
    ModelDescription,
    Provenance,
    SAEDescription,
    SetDescription,
    Submission,
)
from sts_eval.records.transfer import Measured, Transfer
from sts_eval.records.tuning import Contamination, PredictionReference, SeedTraining, Tuning
from sts_eval.transfer.assemble import assemble
from sts_eval.transfer.pairing import Answer, pair

CREATED = "2026-01-03T00:00:00+00:00"

SCORES = {"math": 5.0, "law": 1.0, "computer science": 3.0, "physics": 4.0, "history": 2.0}
FLIPS = {"math": (14, 2), "law": (3, 3), "computer science": (6, 1), "physics": (9, 4), "history": (2, 5)}

SEEDS = (0, 1, 2)


def prediction(scores: Mapping[str, float] = SCORES, *, created: str = made_records.EARLY) -> Prediction:
    """A prediction with another predictor beside STS."""
    cost = PredictorCost(seconds=1.5, tokens=10, passes=2, backward_passes=0)
    other = PredictorScores(
        name="prompt_length",
        group="lexical",
        flags=(),
        summary="Mean length of a question",
        scores={name: Score(value=value**2) for name, value in scores.items()},
        seeds=(0,),
        cost=cost,
    )
    made = made_records.prediction(scores, created=created)
    return made.model_copy(update={"predictors": (*made.predictors, other)})


def transfer(
    after: Prediction, flips: Mapping[str, tuple[int, int]] = FLIPS, *, n: int = 60, seed: int = 0
) -> Transfer:
    """A measured transfer of three tunings; each seed flips the given (gained, lost) numbers of other questions.

    With another `seed` than 0 it is another tuning, which flips up to two more.
    """
    rng = np.random.default_rng(seed)
    more = 3 if seed else 1
    before: list[Answer] = []
    tuned: list[list[Answer]] = [[] for _ in SEEDS]
    for domain, (gained, lost) in flips.items():
        was = np.arange(n) < n // 2
        before += _answers(domain, was, rng)
        for place in range(len(SEEDS)):
            now = was.copy()
            now[rng.choice(n // 2, lost + rng.integers(more), replace=False)] = False
            now[n // 2 + rng.choice(n - n // 2, gained + rng.integers(more), replace=False)] = True
            tuned[place] += _answers(domain, now, rng)
    reference = PredictionReference(prediction_sha256=after.sha256(), created=after.created)
    return assemble(
        pair(before, tuned),
        origin=Measured(
            task="mmlu_pro",
            backend="hf",
            num_fewshot=None,
            questions="disjoint",
            n_read=2,
            before_key="b",
            after_keys=("x", "y", "z"),
            seconds={"before": 1.0},
        ),
        model_before=after.model.id,
        model_after="set.jsonl",
        seeds=SEEDS,
        length_unit="tokens",
        tuning=_tuning(after, reference),
    ).model_copy(update={"created": CREATED})


def submission(
    made: Prediction | None = None,
    happened: Transfer | None = None,
    *,
    evidence: bool = True,
    oracle: bool = True,
    **changes: Any,
) -> Submission:
    """A whole submission; `changes` are those of its own fields."""
    made = made or prediction()
    happened = happened or transfer(made)
    late = PredictorScores(
        name="oracle_kl",
        group="oracle",
        flags=("O",),
        summary="Divergence",
        scores={name: Score(value=value) for name, value in SCORES.items()},
        seeds=(),
        cost=None,
    )
    outcome = summarise(
        made, happened, model="model", training_set="set", home=("math",), more=[late] if oracle else []
    )
    whole = Submission(
        schema_version=2,
        origin="measured",
        submitter="Ada Lovelace",
        created=CREATED,
        model=ModelDescription(id="org/model", revision=None, family="Llama", parameters=8_000_000_000),
        sae=SAEDescription(
            release=None,
            id=None,
            architecture="standard",
            d_sae=16,
            layer=1,
            hook_name="blocks.1.hook_resid_post",
            neuronpedia_id=None,
        ),
        training_set=SetDescription(id="set", revision=None, rows=1),
        benchmark="mmlu_pro",
        provenance=Provenance(
            versions={"torch": "2.13.0+cpu"},
            hardware="cpu",
            command="sts-eval run set.yaml",
            url="https://example.org/a",
        ),
        outcome=outcome,
        prediction=made if evidence else None,
        transfer=happened if evidence else None,
    )
    return whole.model_copy(update=changes)


def raw(whole: Submission) -> bytes:
    """What is handed in."""
    return whole.canonical().encode()


def plain(whole: Submission) -> dict[str, Any]:
    """As JSON's own values, to be changed."""
    values: dict[str, Any] = json.loads(whole.canonical())
    return values


def _answers(domain: str, right: Any, rng: np.random.Generator) -> list[Answer]:
    logprobs = -rng.exponential(size=len(right))
    return [
        Answer(
            domain=domain,
            question_id=f"{domain} {number}",
            target="A",
            verdict="r" if is_right else "w",
            logprob=float(logprobs[number]),
            length=7,
            truncated=False,
        )
        for number, is_right in enumerate(right)
    ]


def _tuning(after: Prediction, reference: PredictionReference) -> Tuning:
    texts = dict.fromkeys(("folder", "weights_sha256", "finished"), "w")
    numbers = {
        name: 1
        for name, field in SeedTraining.model_fields.items()
        if name not in texts and field.annotation in (int, float)
    }
    runs = tuple(
        SeedTraining(
            **texts, **{**numbers, "seed": seed}, started=made_records.LATE, device="cpu", changed=True, versions={}
        )
        for seed in SEEDS
    )
    return Tuning(
        created=made_records.LATE,
        started=made_records.LATE,
        prediction=reference,
        model=after.experiment.model.model_copy(update={"id": after.model.id}),
        commit=after.model.commit,
        training_set=after.training_set,
        settings=TuneSettings(),
        chat_template=False,
        contamination=Contamination(rows=(), question_ids=(), checked=0),
        runs=runs,
        warnings=(),
    )
