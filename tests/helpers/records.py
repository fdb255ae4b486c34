"""Records made of given numbers, for tests of what reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sts_eval.experiment import Experiment, ModelSpec, TrainingSetSpec, TuneSettings
from sts_eval.records.older import STS_SUMMARIES
from sts_eval.records.prediction import (
    Cost,
    DataIdentity,
    DomainQuestions,
    ModelIdentity,
    Prediction,
    PredictorCost,
    PredictorScores,
    SAEIdentity,
    Score,
    SeedShift,
)
from sts_eval.records.transfer import Imported, Transfer
from sts_eval.records.tuning import Contamination, PredictionReference, SeedTraining, Tuning
from sts_eval.transfer.assemble import assemble
from sts_eval.transfer.pairing import Answer, pair

EARLY, LATE = "2026-01-01T00:00:00+00:00", "2026-01-02T00:00:00+00:00"


def score(value: float) -> Score:
    """A score with an error of a tenth."""
    return Score(value=value, se=abs(value) / 10, seed_sd=None)


def prediction(scores: Mapping[str, float], *, created: str = EARLY) -> Prediction:
    """A prediction whose STS_ICL is as given, and whose STS_act falls as that rises."""
    data = DataIdentity(source="data", revision=None, rows=1, sha256="0")
    return Prediction(
        created=created,
        experiment=Experiment(model=ModelSpec(id="org/model"), training_set=TrainingSetSpec(source="set.jsonl")),
        model=ModelIdentity(
            id="org/model",
            commit=None,
            architecture="LlamaForCausalLM",
            dtype="float32",
            d_model=8,
            n_layers=2,
            tokenizer_sha256="0",
            chat_template=False,
            context=64,
        ),
        sae=SAEIdentity(
            release=None,
            id=None,
            path="sae",
            architecture="standard",
            d_in=8,
            d_sae=16,
            hook_name="blocks.1.hook_resid_post",
            layer=1,
            neuronpedia_id=None,
            weights_sha256="0",
        ),
        training_set=data,
        benchmark=data,
        shifts=(
            SeedShift(
                seed=0,
                features=(1,),
                shift=(1.0,),
                share_of_total=0.5,
                demonstrations=(0, 1),
                n_questions=3,
                n_tokens=30,
                prompts_sha256="0",
            ),
        ),
        domains=tuple(
            DomainQuestions(
                domain=name,
                n_questions=2,
                n_tokens=20,
                prompts_sha256="0",
                question_ids=("a", "b"),
            )
            for name in scores
        ),
        predictors=tuple(
            PredictorScores(
                name=predictor,
                group="sts",
                flags=(),
                summary=STS_SUMMARIES[predictor],
                scores={name: score(of(value)) for name, value in scores.items()},
                seeds=(0,),
                cost=PredictorCost(seconds=7.0, tokens=10, passes=1, backward_passes=0),
            )
            for predictor, of in (
                ("sts_icl", lambda value: value),
                ("sts_act", lambda value: 100 - value),
                ("sts_notebook", lambda _value: 1.0),
            )
        ),
        reasons=(),
        warnings=(),
        versions={},
        cost=Cost(seconds={"data": 1.0, "load": 2.0, "step 1": 3.0, "step 2": 4.0}, tokens=10, passes=1),
    )


def transfer(flips: Mapping[str, tuple[int, int]], *, n: int = 100, after: Prediction | None = None) -> Transfer:
    """An imported transfer of n questions per domain, half right before, with (gained, lost) answers."""
    before, tuned = [], []
    for domain, (gained, lost) in flips.items():
        was = [index < n // 2 for index in range(n)]
        now = [*[index >= lost for index in range(n // 2)], *[index < gained for index in range(n - n // 2)]]
        before += _answers(domain, was)
        tuned += _answers(domain, now)
    reference = PredictionReference(prediction_sha256=after.sha256(), created=after.created) if after else None
    return assemble(
        pair(before, [tuned]),
        origin=Imported(format="table", sources=("made",), sources_sha256=("0",)),
        model_before="org/model",
        model_after="set.jsonl",
        seeds=(0,),
        length_unit="characters",
        prediction=reference,
    )


def _answers(domain: str, right: Sequence[bool]) -> list[Answer]:
    return [
        Answer(domain=domain, question_id=f"{domain} {number}", target="A", verdict="r" if was else "w")
        for number, was in enumerate(right)
    ]


def tuned(made: Prediction) -> Tuning:
    """A tuning of one seed that followed a prediction."""
    texts = dict.fromkeys(("folder", "weights_sha256", "started", "finished", "device"), "w")
    numbers = {
        name: 1
        for name, field in SeedTraining.model_fields.items()
        if name not in texts and field.annotation in (int, float)
    }
    seed = SeedTraining(**texts, **{**numbers, "seed": 3}, changed=True, versions={})
    return Tuning(
        created=LATE,
        started=LATE,
        prediction=None,
        model=made.experiment.model,
        commit=None,
        training_set=made.training_set,
        settings=TuneSettings(),
        chat_template=False,
        contamination=Contamination(rows=(), question_ids=(), checked=0),
        runs=(seed,),
        warnings=(),
    )
