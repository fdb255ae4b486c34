"""Fine-tuning over seeds, each of which is whole or not there: a killed run goes on where it stopped.

Within a seed it goes on from the last checkpoint, of which one is kept every ten minutes or twentieth of the steps,
whichever is longer. A seed's folder (`sts_eval.records.run_folder.SeedFolder`) is named by a hash of all that its
weights depend on. It is made under a temporary name and renamed when all of it is there.
"""

import shutil
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sts_eval.data.benchmark import Benchmark
from sts_eval.data.prompt import Prompter
from sts_eval.data.rows import HELD_OUT_SHARE
from sts_eval.data.training_set import TrainingSet
from sts_eval.errors import UserError
from sts_eval.experiment import ModelSpec, TuneSettings
from sts_eval.model.fingerprint import training_key, weights_sha256
from sts_eval.model.load import load_config, load_tokenizer
from sts_eval.progress import Progress, found, silent
from sts_eval.records.record import check_writable, now
from sts_eval.records.run_folder import SeedFolder, seed_folder
from sts_eval.records.tuning import Contamination, PredictionReference, Reinforcement, SeedTraining, Tuning
from sts_eval.records.versions import versions
from sts_eval.tuning.checkpoints import Attempt, last_checkpoint
from sts_eval.tuning.contamination import check_contamination
from sts_eval.tuning.setup import Setup, rewarded_by

if TYPE_CHECKING:
    from sts_eval.tuning.features import FeaturePlan

SMALLEST_CHANGE = 0.01  # relative change of the held-out loss below which a training is taken to have changed nothing
SMALLEST_KL = 0.01  # nats per token from the untuned model, the like of that for reinforcement learning
SURE = 1.96  # standard errors beyond which a reward has changed
NO_LIMIT = 1_000_000  # context in tokens of a model that names none


def finetune(
    model: ModelSpec,
    training_set: TrainingSet,
    settings: TuneSettings,
    folder: Path,
    *,
    benchmark: Benchmark | None = None,
    prediction: PredictionReference | None = None,
    features: "FeaturePlan | None" = None,
    progress: Progress = silent,
) -> Tuning:
    """Fine-tune a model on a training set, once per seed. Seeds whose folders are there are not trained again.

    Questions of the benchmark are looked for in the training set. `prediction` is the one that was made before, and
    `features` chooses what the method features trains.
    Progress is that of seeds, and of the steps of each.

    Raises:
        UserError: Contaminated training set, unwritable folder, too little memory, or a loss that is not a number.
    """
    if model.adapter is not None:
        raise UserError("a model with an adapter cannot be tuned further", "Merge the adapter into the model first")
    contamination = Contamination(rows=(), question_ids=(), checked=0)
    if benchmark is not None:
        contamination = check_contamination(training_set, benchmark, allow=settings.allow_overlap)
    check_writable(SeedFolder(folder).facts)
    prompter = Prompter(load_tokenizer(model), chat_template=settings.chat_template)
    config = load_config(model)
    rewarded = rewarded_by(training_set, settings)
    setup = Setup(model, training_set, settings, prompter, context_of(config), rewarded, features)
    tokenizer_sha256 = prompter.sha256()  # before the trainer sets the tokenizer's padding
    answers = training_set.fingerprints(answers=settings.grpo is not None)
    data = [*answers, *(features.depends_on if features else ())]
    runs: list[SeedTraining] = []
    for seed in settings.seeds:
        progress("fine-tuning", len(runs), len(settings.seeds))
        place = seed_folder(folder, seed, training_key(model, data, settings, seed))
        if not place.facts.is_file():
            _train_seed(setup, seed, place, progress)
        else:
            found(progress, f"fine-tuning, seed {seed}")
        runs.append(SeedTraining.read(place.facts))
    progress("fine-tuning", len(runs), len(runs))
    return Tuning(
        created=now(),
        started=min(run.started for run in runs),
        prediction=prediction,
        model=model,
        commit=getattr(config, "_commit_hash", None),
        tokenizer_sha256=tokenizer_sha256,
        training_set=training_set.identity(),
        settings=settings,
        chat_template=prompter.chat,
        contamination=contamination,
        runs=tuple(runs),
        warnings=(
            *training_set.warnings,
            *prompter.end_of_answer_warnings(),
            *_warnings(contamination, settings, runs),
        ),
    )


def context_of(config: Any) -> int:
    """The longest row that a model reads, in tokens, by its configuration."""
    return int(getattr(config.get_text_config(), "max_position_embeddings", None) or NO_LIMIT)


def _train_seed(setup: Setup, seed: int, place: SeedFolder, progress: Progress) -> None:
    """Train a seed under a temporary name, and rename it. Of several processes the main one writes.

    A process that is ended leaves its last checkpoint, to go on from. A training that fails, and will again, leaves
    nothing.
    """
    from accelerate import PartialState

    processes, unfinished = PartialState(), place.unfinished
    if processes.is_main_process:
        shutil.rmtree(unfinished.weights, ignore_errors=True)  # a killed run's
    processes.wait_for_everyone()
    attempt = Attempt(unfinished.checkpoints)
    try:
        training = _train(setup, seed, place, attempt, progress, is_main=processes.is_main_process)
        if training is not None:
            training.write(unfinished.facts)
            shutil.rmtree(unfinished.checkpoints, ignore_errors=True)
            shutil.rmtree(place.path, ignore_errors=True)
            unfinished.path.rename(place.path)
    except OSError as error:
        raise UserError(
            f"the weights of seed {seed} cannot be written to {place.path.parent} ({error.strerror or error})",
            "Free space, or choose another folder",
        ) from error
    except Exception as error:
        stuck = attempt.resumed is not None and attempt.resumed == last_checkpoint(unfinished.checkpoints)
        if processes.is_main_process and (isinstance(error, UserError) or stuck):
            shutil.rmtree(unfinished.checkpoints, ignore_errors=True)
        raise
    finally:
        # Another process would clear it away while the main one still writes.
        if processes.is_main_process and last_checkpoint(unfinished.checkpoints) is None:
            shutil.rmtree(unfinished.path, ignore_errors=True)
    processes.wait_for_everyone()


def _train(
    setup: Setup, seed: int, place: SeedFolder, attempt: Attempt, progress: Progress, *, is_main: bool
) -> SeedTraining | None:
    """Train a seed into its unfinished folder. Returns the facts, None where another process writes them."""
    from sts_eval.tuning.training import train

    rows = setup.split(seed)
    trained = train(setup, rows, attempt, seed=seed, folder=place.unfinished.weights, progress=progress)
    if not is_main:
        return None
    changed = abs(trained.loss_after - trained.loss_before) >= SMALLEST_CHANGE * trained.loss_before
    if trained.reinforcement is not None:
        changed = moved(trained.reinforcement)
    return SeedTraining(
        seed=seed,
        folder=place.path.name,
        weights_sha256=weights_sha256(place.unfinished.weights),
        started=attempt.started,
        finished=now(),
        seconds=round(attempt.seconds, 3),
        n_rows=len(rows.train),
        n_held_out=len(rows.held_out),
        cut_rows=rows.cut,
        changed=changed,
        versions=versions("trl"),
        **asdict(trained),
    )


def moved(found: Reinforcement) -> bool:
    """Whether reinforcement learning moved the model: its reward beyond the error, or its answers' distribution."""
    error = found.reward_change_se
    return found.kl >= SMALLEST_KL or (error is not None and abs(found.reward_change) > SURE * error)


def _warnings(contamination: Contamination, settings: TuneSettings, runs: list[SeedTraining]) -> list[str]:
    lines = []
    kept = runs[0].n_held_out
    if kept < settings.held_out and "held_out" in settings.model_fields_set:
        lines.append(
            f"tune.held_out asks for {settings.held_out} rows; {kept} were held out, since at most "
            f"{HELD_OUT_SHARE:.0%} of the rows are"
        )
    if contamination.rows:
        lines.append(
            f"{len(contamination.rows)} training rows contain benchmark questions of {contamination.benchmark}"
        )
    for run in runs:
        if run.reinforcement is not None:
            lines += _reinforcement_warnings(run, run.reinforcement)
        elif not run.changed:
            lines.append(
                f"seed {run.seed} changed nothing: its held-out loss went from {run.loss_before:.4f} to "
                f"{run.loss_after:.4f} nats per token, so there is nothing to predict"
            )
        if run.cut_rows:
            lines.append(f"seed {run.seed}: {run.cut_rows} of {run.n_rows} rows were cut on the left")
    return lines


MANY_CUT, MOST_SILENT, FEW_SOLUTIONS = 0.2, 0.9, 0.5  # shares beyond which something is likely wrong


def _reinforcement_warnings(run: SeedTraining, found: Reinforcement) -> list[str]:
    lines = []
    if not run.changed:
        error = "" if found.reward_change_se is None else f" ± {found.reward_change_se:.3f}"
        lines.append(
            f"seed {run.seed} changed nothing: the reward of held-out rows went from {found.reward_before:.3f} by "
            f"{found.reward_change:+.3f}{error}, and the divergence from the untuned model is {found.kl:.4f} nats per "
            "token, so there is nothing to predict"
        )
    if found.silent > MOST_SILENT:
        lines.append(
            f"seed {run.seed}: in {found.silent:.0%} of the groups all answers had the same reward, which teaches "
            "nothing; questions of middling difficulty, more generations or a higher temperature help"
        )
    if found.cut_training > MANY_CUT:
        lines.append(f"seed {run.seed}: {found.cut_training:.0%} of the answers in training were cut at the limit")
    if found.solutions_reward < FEW_SOLUTIONS:
        lines.append(
            f"seed {run.seed}: the reward gives the training set's own solutions {found.solutions_reward:.2f} on "
            "average, so it may not read answers of this form"
        )
    return lines
