"""Models, data and dials of three scales: the embedded lab, a model of the user's, and the paper's own.

What the paper does not say (its learning rate, the layers of its selective tuning, its GRPO) has this tool's defaults;
the notes say so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sts_eval.errors import UserError
from sts_eval.experiment import (
    AblationSettings,
    BenchmarkSpec,
    FeatureTuningSettings,
    GRPOSettings,
    MeasureSettings,
    ModelSpec,
    PredictSettings,
    Run,
    SAESpec,
    TrainingSetSpec,
    TuneSettings,
)
from sts_eval.lab import sft_path
from sts_eval.lab.experiment import lab_experiment
from sts_eval.lab.sets import RECIPES
from sts_eval.sweeps.matrix import Matrix, MatrixModel, Resources, StageResources

ScaleName = Literal["lab", "real", "paper"]

PREDICTORS = ("lexical", "sts_sizes", "residual_l1", "residual_cosine", "probe_auc", "frequency_jaccard")
"""Beside STS: what tables 5 and 13 and the ablation of N ask for."""

SEEDS = (0, 1, 2)

LAB_SETS = ("math", "code", "health")  # those that Table 1 asks about


@dataclass(frozen=True)
class Scale:
    """What the experiments of one scale have in common."""

    name: ScaleName
    runs: Matrix  # every model on every training set
    single: Run  # the run that experiments on one model start from
    saes: Matrix | None  # the same model and set with SAEs of several sparsities
    layers: Matrix | None  # with SAEs of several layers
    ablation: AblationSettings
    features: tuple[int, ...]  # how many features a selective tuning trains
    feature_tuning: TuneSettings
    reinforcement: Run
    pool: str  # rows that a mixture may add
    budget: int  # of them
    protect: tuple[str, ...]  # domains that they are of; all if empty
    answer_tokens: int  # longest own answer as a target; 0 for the pool's own
    notes: tuple[str, ...] = ()


def lab_scale() -> Scale:
    """The embedded lab: minutes on a processor."""
    run = lab_experiment("math")
    run = run.model_copy(
        update={
            "training_set": run.training_set.model_copy(update={"home": tuple(RECIPES["math"])}),
            "settings": run.settings.model_copy(update={"predictors": PREDICTORS}),
            "tune": run.tune.model_copy(update={"seeds": SEEDS}),
        }
    )
    sets = tuple(TrainingSetSpec(source=str(sft_path(name)), home=tuple(RECIPES[name])) for name in LAB_SETS)
    sampled = {"method": "grpo", "max_steps": 80, "batch": 64, "per_device_batch": 64, "learning_rate": 1e-3}
    answer_tokens = 16  # of the lab's tokenizer; its answers have seven or fewer
    dials = {"grpo": GRPOSettings(max_completion_tokens=answer_tokens, beta=0.01), "alpha": run.tune.alpha}
    own = run.settings.model_copy(update={"demonstrations": "both", "own_answer_tokens": answer_tokens})
    return Scale(
        name="lab",
        runs=_matrix(run, sets),
        single=run,
        saes=None,
        layers=None,
        ablation=AblationSettings(counts=(10, 30), draws=3, questions=8, rows=24),
        features=(100,),
        feature_tuning=_selective(run.tune, 2e-3),
        reinforcement=run.model_copy(
            update={"settings": own, "tune": TuneSettings(**{**sampled, **dials, "seeds": SEEDS})}
        ),
        pool=str(sft_path("math").parent),
        budget=220,
        protect=(),
        answer_tokens=0,
        notes=("The lab is a small world of our own, so a verdict on it is no verdict on other models.",),
    )


def real_scale(
    model: str | None,
    saes: Sequence[str],
    sets: Sequence[str],
    domains: str,
    pool: str | None,
) -> Scale:
    """A model of the user's, small enough for hours on a processor.

    Raises:
        UserError: No model or training set is named.
    """
    if model is None or not sets:
        raise UserError(
            "--scale real needs a model and a training set", "Give --model and --sft, and --sae unless one is known"
        )
    given = tuple(map(SAESpec.named, saes)) or (SAESpec(),)
    run = Run(
        model=ModelSpec(id=model),
        sae=given[0],
        training_set=TrainingSetSpec(source=sets[0]),
        benchmark=BenchmarkSpec(source=domains),
        settings=PredictSettings(shift_tokens=3000, domain_tokens=1500, predictors=PREDICTORS),
        tune=TuneSettings(max_steps=32, batch=16, per_device_batch=16, learning_rate=1e-3, max_tokens=512, seeds=SEEDS),
        measure=MeasureSettings(task="mmlupro_options", max_questions=150),
    )
    several = _matrix(run, (run.training_set,), given) if len(given) > 1 else None
    sampled = {"method": "grpo", "grpo": GRPOSettings(max_completion_tokens=256), "learning_rate": None, "batch": 64}
    return Scale(
        name="real",
        runs=_matrix(run, tuple(TrainingSetSpec(source=source) for source in sets)),
        single=run,
        saes=several,
        layers=several,
        ablation=AblationSettings(counts=(10, 30, 100, 300), draws=3, questions=20, rows=32),
        features=(100, 300),
        feature_tuning=_selective(run.tune, None),
        reinforcement=run.model_copy(
            update={
                "settings": run.settings.model_copy(update={"demonstrations": "both"}),
                "tune": _retuned(run.tune, sampled),
            }
        ),
        pool=pool or "pool.jsonl",
        budget=220,
        protect=(),
        answer_tokens=256,
        notes=(
            "training_set.home in the files names the domains that a set is made for; tables 1 and 10 ask for it.",
            "The settings are for a small model; the files may be changed before they are run.",
        ),
    )


def paper_scale() -> Scale:
    """The paper's own models, SAEs, sets and dials, for GPUs."""
    release = "gemma-scope-9b-it-res"
    gemma = tuple(SAESpec(release=release, id=f"layer_31/width_131k/average_l0_{l0}") for l0 in (13, 22, 37, 63, 109))
    qwen = tuple(
        SAESpec(release="qwen2.5-7b-instruct-andyrdt", id=f"resid_post_layer_{layer}_trainer_1")
        for layer in (15, 19, 23)
    )
    limo = TrainingSetSpec(source="GAIR/LIMO", home=("math",))
    code = TrainingSetSpec(source="open-r1/verifiable-coding-problems-python-10k", home=("computer science",))
    run = Run(
        model=ModelSpec(id="Qwen/Qwen2.5-7B-Instruct", dtype="bfloat16"),
        sae=qwen[-1],
        training_set=limo,
        benchmark=BenchmarkSpec(source="mmlu_pro"),
        settings=PredictSettings(predictors=PREDICTORS),
        tune=TuneSettings(method="full", seeds=SEEDS),
        measure=MeasureSettings(task="mmlu_pro", questions="same"),
    )
    llama = MatrixModel(
        id="meta-llama/Meta-Llama-3-8B-Instruct",
        dtype="bfloat16",
        saes=(SAESpec(release="llama-3-8b-it-res-jh", id="blocks.25.hook_resid_post"),),
    )
    own = MatrixModel(**run.model.model_dump(), saes=(run.sae,))
    of_gemma = MatrixModel(id="google/gemma-2-9b-it", dtype="bfloat16", saes=gemma[:1])
    one = StageResources(cpus=4, gpus=1)
    on_gpus = {"resources": Resources(predict=one, tune=one, measure=one, report=one)}
    runs = _matrix(run, (limo, code)).model_copy(update={"models": (llama, own, of_gemma), **on_gpus})
    sparsities = runs.model_copy(
        update={"models": (of_gemma.model_copy(update={"saes": gemma}),), "training_sets": (limo,)}
    )
    depths = runs.model_copy(update={"models": (own.model_copy(update={"saes": qwen}),), "training_sets": (limo,)})
    on_mathematics = TrainingSetSpec(source="DigitalLearningGmbH/MATH-lighteval", home=("math",))
    return Scale(
        name="paper",
        runs=runs,
        single=run,
        saes=sparsities,
        layers=depths,
        ablation=AblationSettings(),
        features=(1000, 3000),
        feature_tuning=_selective(run.tune, None),
        reinforcement=run.model_copy(
            update={
                "training_set": on_mathematics,
                "settings": run.settings.model_copy(update={"demonstrations": "both", "reward": "math_verify"}),
                "tune": TuneSettings(method="grpo", grpo=GRPOSettings(reward="math_verify"), seeds=SEEDS),
            }
        ),
        pool="pool.jsonl",
        budget=220,
        protect=("engineering", "law"),
        answer_tokens=2048,
        notes=(
            "The paper's SAE for Qwen2.5-7B-Instruct is not published. The nearest public ones are of layers 15, 19 "
            "and 23, where the paper has 15, 20 and 25. They are stored as a pickle: add allow_pickle: true to them if "
            "you trust their owner.",
            "The paper does not say its learning rate (here tune.learning_rate's default for full tuning, 1e-5), how "
            "MMLU-Pro was prompted, or whether the scored questions were others than those read (here the same).",
            "Its health set has no hub id in the paper, so Table 1's third set is missing; add it to training_sets.",
            "Full tuning of 8 billion weights needs more memory than one GPU has: see docs/sweep.md on accelerate.",
        ),
    )


def _matrix(run: Run, sets: tuple[TrainingSetSpec, ...], saes: tuple[SAESpec, ...] = ()) -> Matrix:
    return Matrix(
        models=(MatrixModel(**run.model.model_dump(), saes=saes or (run.sae,)),),
        training_sets=sets,
        benchmarks=(run.benchmark,),
        settings=run.settings,
        tune=run.tune,
        measure=run.measure,
    )


def _selective(tune: TuneSettings, rate: float | None) -> TuneSettings:
    return _retuned(tune, {"method": "features", "features": FeatureTuningSettings(), "learning_rate": rate})


def _retuned(tune: TuneSettings, update: dict[str, object]) -> TuneSettings:
    return TuneSettings.model_validate(tune.model_copy(update=update).model_dump())
