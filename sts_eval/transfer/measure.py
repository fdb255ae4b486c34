"""Before and after: the untuned model and every tuned one on the same questions, joined."""

from collections.abc import Sequence
from pathlib import Path

from sts_eval.errors import UserError
from sts_eval.experiment import BenchmarkSpec, MeasureSettings, ModelSpec
from sts_eval.progress import Progress, silent
from sts_eval.records.prediction import Prediction
from sts_eval.records.run_folder import SeedFolder
from sts_eval.records.transfer import Measured, Transfer
from sts_eval.records.tuning import PredictionReference, Tuning
from sts_eval.transfer.assemble import assemble
from sts_eval.transfer.evaluate import Evaluator, Tuned
from sts_eval.transfer.pairing import answers_of, pair


def refer_to(prediction: Prediction) -> PredictionReference:
    """The hash and time of a prediction, to be kept by what follows it."""
    return PredictionReference(prediction_sha256=prediction.sha256(), created=prediction.created)


def tuned_models(tuning: Tuning, folder: Path) -> list[Tuned]:
    """The models of a tuning, one per seed, below the folder that `finetune` was given."""
    whole = tuning.settings.method == "full"
    return [Tuned(run.seed, SeedFolder(folder / run.folder).weights, whole) for run in tuning.runs]


def measure(
    model: ModelSpec,
    tuned: Sequence[Tuned],
    settings: MeasureSettings,
    folder: Path,
    *,
    prediction: Prediction | None = None,
    tuning: Tuning | None = None,
    benchmark: BenchmarkSpec | None = None,
    progress: Progress = silent,
) -> Transfer:
    """Measure what a tuning did to the untuned model: one tuned model per seed.

    The questions that the prediction read are left out. Evaluations in the folder that earlier calls made are used
    again. The benchmark is that of the prediction if there is one. The record of the tuning is kept with the result.
    Progress is that of models.

    Raises:
        UserError: The task is unknown, no question is left, an adapter is another model's, or a seed occurs twice.
    """
    seeds = [one.seed for one in tuned]
    if not tuned or len(set(seeds)) != len(seeds):
        raise UserError("there is no tuned model, or there are two of one seed", "Give each seed one model")
    progress("loading the task that measures", 0, 1)
    evaluator = Evaluator(settings, folder, prediction, benchmark)
    progress("before", 0, 1)
    before = evaluator.evaluate(model, progress=progress)
    progress("before", 1, 1)
    after = []
    for done, one in enumerate(tuned):
        progress("after", done, len(tuned))
        after.append(evaluator.evaluate(model, one, progress))
    progress("after", len(tuned), len(tuned))
    reference = refer_to(prediction) if prediction else None
    warnings = list(tuning.warnings) if tuning else []
    if reference and tuning and tuning.prediction and tuning.prediction != reference:
        warnings.append("the tuning followed another prediction than the one it is compared with")
    warnings += dict.fromkeys(note for evaluation in (before, *after) for note in evaluation.notes)
    return assemble(
        pair(answers_of(before.domains), [answers_of(evaluation.domains) for evaluation in after]),
        origin=Measured(
            task=settings.task,
            backend=settings.backend,
            num_fewshot=settings.num_fewshot,
            questions=settings.questions,
            n_read=evaluator.n_read,
            benchmark_sha256=prediction.benchmark.sha256 if prediction else "",
            before_key=before.key,
            after_keys=tuple(evaluation.key for evaluation in after),
            seconds={"before": before.seconds, "after": sum(evaluation.seconds for evaluation in after)},
        ),
        model_before=model.id,
        model_after=tuning.training_set.source if tuning else tuned[0].weights.name,
        seeds=seeds,
        length_unit=before.length_unit,
        prediction=reference,
        tuning=tuning,
        warnings=warnings,
    )
