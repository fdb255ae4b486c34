"""Matrices to start from."""

from sts_eval.experiment import SAESpec, TrainingSetSpec
from sts_eval.lab import sft_path
from sts_eval.lab.experiment import lab_experiment
from sts_eval.sweeps.matrix import Matrix, MatrixModel, Resources, StageResources

LAB_SETS = ("math", "law", "health")


def lab_matrix() -> Matrix:
    """Three sets of the embedded lab over two seeds, which works as it is."""
    run = lab_experiment(LAB_SETS[0])
    return Matrix(
        models=(MatrixModel(**run.model.model_dump(), saes=(run.sae,)),),
        training_sets=tuple(TrainingSetSpec(source=str(sft_path(name))) for name in LAB_SETS),
        benchmarks=(run.benchmark,),
        settings=run.settings,
        tune=run.tune.model_copy(update={"seeds": (0, 1)}),
        measure=run.measure,
    )


def hub_matrix() -> Matrix:
    """A model of the hub with two SAEs of one release, on two sets, with one GPU for each stage."""
    release = "gemma-scope-9b-it-res-canonical"
    saes = tuple(SAESpec(release=release, id=f"layer_{layer}/width_16k/canonical") for layer in (9, 20))
    one = StageResources(cpus=4, gpus=1)
    return Matrix(
        models=(MatrixModel(id="google/gemma-2-9b-it", dtype="bfloat16", saes=saes),),
        training_sets=tuple(
            TrainingSetSpec(source=source) for source in ("GAIR/LIMO", "open-r1/verifiable-coding-problems-python-10k")
        ),
        resources=Resources(predict=one, tune=one, measure=one, report=one),
    )
