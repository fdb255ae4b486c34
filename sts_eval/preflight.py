"""What the later stages of a run need, checked before the first of them: a mistake costs seconds, not hours.

Every check is that of the stage itself, or asks the library that the stage will use. None loads weights.
"""

import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, cast

from sts_eval.analysis.aligned_runs import FEWEST_DOMAINS
from sts_eval.data.benchmark import Benchmark, load_benchmark
from sts_eval.data.prompt import Prompter
from sts_eval.data.reward import verifier_of
from sts_eval.data.training_set import TrainingSet, load_training_set
from sts_eval.errors import UserError
from sts_eval.experiment import FeatureTuningSettings, ModelSpec, Run, TuneSettings
from sts_eval.model.load import load_config, load_tokenizer, lora_config
from sts_eval.predictors.registry import select
from sts_eval.progress import Progress, silent
from sts_eval.records.record import check_writable, nearest
from sts_eval.records.run_folder import RunFolder, SeedFolder
from sts_eval.transfer.evaluate import check_runs_features, model_class
from sts_eval.transfer.lm_eval_tasks import load_tasks
from sts_eval.transfer.scored_questions import domain_of
from sts_eval.tuning.contamination import check_contamination
from sts_eval.tuning.finetune import context_of
from sts_eval.tuning.setup import Setup, rewarded_by

Loaded = TypeVar("Loaded")

LISTED = 5  # domains that a message names


class Check(NamedTuple):
    """Something that a run needs."""

    name: str
    see: Callable[[], object]  # raises UserError where it is wrong; may return what was found, in words


class Finding(NamedTuple):
    """What a check found."""

    name: str
    found: str  # in words, empty where there is nothing to say
    wrong: UserError | None = None
    waits_for: str | None = None  # the earlier check whose failure stopped this one


def check_stages(experiment: Run, files: RunFolder) -> None:
    """Check what predicting, tuning, measuring and reporting need.

    Raises:
        UserError: One of them could not be done.
    """
    for check in checks(experiment, files):
        check.see()


def examine(experiment: Run, files: RunFolder, progress: Progress = silent) -> list[Finding]:
    """Do all checks, and say what each found, or which earlier one it waits for because that failed the same way."""
    findings: list[Finding] = []
    all_checks = checks(experiment, files)
    for done, check in enumerate(all_checks):
        progress(f"checking: {check.name}", done, len(all_checks))
        try:
            found = check.see()
        except UserError as wrong:
            same = next((before.name for before in findings if str(wrong) == str(before.wrong)), None)
            findings.append(Finding(check.name, "", None if same else wrong, same))
        else:
            findings.append(Finding(check.name, found if isinstance(found, str) else ""))
    return findings


def checks(experiment: Run, files: RunFolder) -> list[Check]:
    """All checks of a run, the cheap ones first. None loads the weights of a model."""
    training_set = _once(lambda: load_training_set(experiment.training_set))
    benchmark = _once(lambda: load_benchmark(experiment.benchmark))

    def data() -> str:
        return f"{len(training_set().examples):,} rows"

    def domains() -> str:
        n_questions = sum(len(domain.questions) for domain in benchmark().domains.values())
        return f"{len(benchmark().domains)} domains, {n_questions:,} questions"

    def writable() -> str:
        check_writable(files.report)
        check_writable(SeedFolder(files.tuning).facts)
        return str(files.run)

    def contamination() -> None:
        check_contamination(training_set(), benchmark(), allow=experiment.tune.allow_overlap)

    def sae() -> str:
        from sts_eval.model.sae_loading import check_named  # loads torch

        return check_named(experiment.sae, model_id=experiment.model.id)

    listed = [
        Check("folder", writable),
        Check("predictors", lambda: f"{len(select(experiment.settings.predictors))} beside STS"),
        Check("training set", data),
        Check("benchmark", domains),
        Check("no questions of the benchmark in the training set", contamination),
        Check("model", lambda: str(load_config(experiment.model).model_type)),
        Check("SAE", sae),
        Check("task that measures", lambda: check_measuring(experiment, benchmark())),
        Check("fine-tuning", lambda: check_tuning(experiment.model, training_set(), experiment.tune, files.tuning)),
    ]
    if experiment.settings.demonstrations != "ground_truth":
        listed.append(Check("reward", lambda: verifier_of(training_set(), experiment.reward)))
    if experiment.tune.method == "features":
        listed.append(Check("tuning by features", lambda: _check_features(experiment)))
    return listed


def _once(load: Callable[[], Loaded]) -> Callable[[], Loaded]:
    """Load when first asked. A failure is kept too, since a hub that cannot be reached is tried for half a minute."""

    @cache
    def attempt() -> Loaded | UserError:
        try:
            return load()
        except UserError as wrong:
            return wrong

    def loaded() -> Loaded:
        found = attempt()
        if isinstance(found, UserError):
            raise found
        return found

    return loaded


def _check_features(experiment: Run) -> None:
    from sts_eval.tuning.features import check_features  # loads torch

    check_runs_features(experiment.measure)
    check_features(experiment)


def check_measuring(experiment: Run, benchmark: Benchmark) -> None:
    """Check that the harness can score the domains of a benchmark question by question.

    Raises:
        UserError: It has no such backend or task, the task gives no right and wrong, or asks about other domains.
    """
    settings = experiment.measure
    model_class(settings.backend)
    tasks, _ = load_tasks(settings, experiment.benchmark)
    measured = {
        name if name in benchmark.domains else domain_of(document, name)
        for name, task in tasks.items()
        for document in task.eval_docs
    }
    common = measured & set(benchmark.domains)
    if len(common) < FEWEST_DOMAINS:
        raise UserError(
            f"task {settings.task} has questions of {len(common)} of the {len(benchmark.domains)} domains to predict, "
            f"and {FEWEST_DOMAINS} are needed for a report",
            f"Predict and measure the same benchmark; the task has {_some(measured)}",
        )


def check_tuning(model: ModelSpec, training_set: TrainingSet, settings: TuneSettings, folder: Path) -> str:
    """Check that the model can be tuned on a training set so, and that the disk holds what comes of it.

    Returns:
        How much of the disk it needs, in words.

    Raises:
        UserError: It is tuned already, has no such modules, the rows cannot be made, a place for training logs is not
            installed, or the disk is too full.
    """
    if model.adapter is not None:
        raise UserError("a model with an adapter cannot be tuned further", "Merge the adapter into the model first")
    for place in settings.report_to:
        _check_report(place)
    prompter = Prompter(load_tokenizer(model), chat_template=settings.chat_template)
    rewarded = rewarded_by(training_set, settings)
    setup = Setup(model, training_set, settings, prompter, context_of(load_config(model)), rewarded)
    setup.split(settings.seeds[0])
    size = trained_bytes(model, settings)
    # A checkpoint has the weights and two moments of each, and the last is removed when the next is whole.
    needed = size * len(settings.seeds) + 2 * 3 * size
    free = shutil.disk_usage(nearest(folder)).free
    if free < needed:
        raise UserError(
            f"{folder} has {_gigabytes(free)} of free space, and {len(settings.seeds)} tuned seeds with their "
            f"checkpoints need about {_gigabytes(needed)}",
            "Free space, choose another folder with --folder, or lower tune.rank or the number of seeds",
        )
    return f"needs about {_gigabytes(needed)} of the disk"


def trained_bytes(model: ModelSpec, settings: TuneSettings) -> int:
    """About how many bytes the weights of one tuned seed take. No weights are loaded to find out.

    Raises:
        UserError: The model has no modules that `targets` name.
    """
    import torch
    from transformers import AutoModelForCausalLM

    if settings.method == "features":
        chosen, width = settings.features or FeatureTuningSettings(), load_config(model).get_text_config().hidden_size
        return 4 * max(1, len(chosen.layers)) * chosen.top_n * int(width)
    config, build = load_config(model), cast(Any, AutoModelForCausalLM.from_config)
    saved = getattr(config, "dtype", None) if model.dtype == "auto" else getattr(torch, model.dtype, None)
    with torch.device("meta"):
        network = build(config, trust_remote_code=model.trust_remote_code, dtype=saved or torch.float32)
        if settings.adapts:
            from peft import get_peft_model

            try:
                network = get_peft_model(network, lora_config(settings))  # whose adapters are float32
            except ValueError as error:
                raise UserError(
                    f"the model cannot be trained with these settings ({error})", "Change the targets of tune"
                ) from error
    return sum(weight.numel() * weight.element_size() for weight in network.parameters() if weight.requires_grad)


def _check_report(place: str) -> None:
    from transformers.integrations import integration_utils

    available: list[str] = integration_utils.get_available_reporting_integrations()  # type: ignore[no-untyped-call]  # transformers leaves it untyped
    if place not in (*available, "all", "none"):
        raise UserError(
            f"tune.report_to names {place!r}, which is not installed or not known to the Trainer",
            f"Install it, or choose among {', '.join(available) or 'none'}",
        )


def _some(names: set[str]) -> str:
    return ", ".join(sorted(names)[:LISTED]) + (", ..." if len(names) > LISTED else "")


def _gigabytes(size: float) -> str:
    return f"{size / 1e9:.1f} GB"
