"""`mix`: which rows of a pool to add to a training set, so that other domains do not fall; `compare_arms`: whether."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from sts_eval.api.given import described, place, record, runs_of, several, whole
from sts_eval.api.mixture_results import ArmComparisonResult, MixtureResult
from sts_eval.api.results import CalibrationResult, PredictionResult, RunResult
from sts_eval.errors import UserError
from sts_eval.experiment import Run, TrainingSetSpec
from sts_eval.quiet import quietly
from sts_eval.records.arm_comparison import ArmMeasure
from sts_eval.records.calibration import Calibration
from sts_eval.records.prediction import Prediction
from sts_eval.records.transfer import Transfer

if TYPE_CHECKING:
    from sts_eval.mixture.weights import Evidence


@quietly()
def mix(
    prediction: str | Path | Prediction | PredictionResult | None = None,
    pool: str | Path | None = None,
    budget: int | None = None,
    *,
    by: str | None = None,
    protect: Sequence[str] = (),
    output: str | Path | None = None,
    domain_column: str | None = None,
    question_field: str | None = None,
    solution_field: str | None = None,
    calibration: str | Path | Calibration | CalibrationResult | None = None,
    history: Sequence[str | Path | RunResult] = (),
    transfer: str | Path | Transfer | None = None,
    self_distill: bool = False,
    answer_tokens: int = 256,
    temperature: float = 0.0,
    seed: int = 0,
    verify: str | Path | None = None,
    experiment: str | Path | Run | None = None,
    arms: Sequence[str] = (),
) -> MixtureResult:
    """Choose rows to add to the training set of a prediction, as many of each domain as it has weight.

    Args:
        prediction: Its training set gets the rows. Needed, as are the next two.
        pool: Rows that may be added: file, folder of files, or hub id.
        budget: Number of rows to add.
        by: What weighs a domain: a predictor of the prediction, `calibration`, `history`, `damage` or `equal`. By
            default the calibration if one is given, else `sts_icl`.
        protect: Domains that rows may be added for; all if it is empty.
        output: The training set with the added rows, a .jsonl file; its record goes beside it.
        domain_column: Column of the pool that names the domain; none: assign by similarity.
        question_field: Column of the pool's questions; by default found by name.
        solution_field: Column of the pool's solutions; by default found by name.
        calibration: Expected changes in points come from it.
        history: Other runs: folders, .jsonl files of outcomes, or what `run` returned.
        transfer: The measured change of this run, for `by="damage"` (an oracle).
        self_distill: Replace the solutions of added rows by the untuned model's own answers.
        answer_tokens: Longest such answer.
        temperature: Draws such answers; 0 for the likeliest token at each step.
        seed: Draws the rows.
        verify: Folder for an experiment that checks the mixture: a training set for each arm, and a sweep.
        experiment: With `verify`: tuning and measurement of that experiment.
        arms: With `verify`: the arms, named as for `by`, or `none`. By default all that can be made.

    Raises:
        UserError: Something cannot be read or written, is not what the prediction read, or the pool has too few rows.
    """
    from sts_eval.mixture.arms import check_experiment, usual_arms, write_arms
    from sts_eval.mixture.choose import choose, read_sources
    from sts_eval.mixture.own_targets import OwnTargets
    from sts_eval.mixture.weights import CALIBRATION
    from sts_eval.mixture.write import check_mixture, recorded, written
    from sts_eval.reporting.progress import progress_bars

    if prediction is None or pool is None or budget is None:
        given = {"a prediction": prediction, "a pool (--pool)": pool, "a budget (--budget)": budget}
        missing = ", ".join(name for name, one in given.items() if one is None)
        raise UserError(
            f"a mixture needs {missing}",
            "Give all three: whose training set gets the rows, where they come from, and how many",
        )
    if (verify is None) != (experiment is None):
        raise UserError("--verify and --experiment belong together", "Give both, or neither")
    if arms and verify is None:
        raise UserError("--arm is for an experiment", "Add --verify and --experiment, or leave it out")
    budget, source = whole(budget, "budget"), str(place(pool, "pool"))
    protect, arms = several(protect, "domain"), several(arms, "arm")
    predicted = record(Prediction, prediction)
    if output is not None:
        own = predicted.experiment.training_set.source
        check_mixture(Path(output), (prediction, calibration, transfer, experiment, pool, own, *runs_of(history)))
    arranged = None if experiment is None else described(experiment)
    if verify is not None and arranged is not None:
        check_experiment(predicted, arranged, Path(verify))
    evidence = _evidence(predicted, calibration, history, transfer)
    by = by or (CALIBRATION if calibration is not None else "sts_icl")
    spec = TrainingSetSpec(source=source, question_field=question_field, solution_field=solution_field, suffix="")
    with progress_bars() as progress:
        targets = None
        if self_distill:
            targets = OwnTargets(
                predicted.experiment.model,
                chat_template=predicted.experiment.settings.chat_template,
                answer_tokens=answer_tokens,
                temperature=temperature,
                seed=seed,
                progress=progress,
            )
        sources = read_sources(evidence, spec, column=domain_column, protect=protect, seed=seed, targets=targets)
        chosen = choose(sources, by, budget)
        made = None
        if verify is not None and arranged is not None:
            usual = () if arms else usual_arms(evidence)
            made = write_arms(sources, arranged, budget, Path(verify), asked=arms or (by,), usual=usual)
        mixture = recorded(sources, chosen) if output is None else written(sources, chosen, Path(output))
    return MixtureResult(mixture, made)


def _evidence(
    predicted: Prediction,
    calibration: str | Path | Calibration | CalibrationResult | None,
    history: Sequence[str | Path | RunResult],
    transfer: str | Path | Transfer | None,
) -> Evidence:
    """What may weigh the domains, each record read from where it was given."""
    from sts_eval.analysis.runs import gather
    from sts_eval.mixture.weights import Evidence

    runs = runs_of(history)
    return Evidence(
        predicted,
        calibration=None if calibration is None else record(Calibration, calibration),
        history=gather(runs) if runs else (),
        transfer=None if transfer is None else record(Transfer, transfer),
    )


def compare_arms(folder: str | Path, *, measure: ArmMeasure = "accuracy") -> ArmComparisonResult:
    """Compare the arms of an experiment that `mix(..., verify=folder)` wrote, once its sweep has measured them.

    Args:
        folder: The folder of the experiment; its sweep is in `folder/sweep`.
        measure: `accuracy` (changes in points) or `logprob` (of the right option, in nats).

    Raises:
        UserError: The folder holds no arms, too few of them have a result, or they cannot be paired by this measure.
    """
    from sts_eval.mixture.compare_arms import compare_arms as compared

    if measure not in get_args(ArmMeasure):
        raise UserError(f"measure={measure!r} is unknown", f"Choose among {', '.join(get_args(ArmMeasure))}")
    return ArmComparisonResult(compared(place(folder, "folder of arms"), measure))
