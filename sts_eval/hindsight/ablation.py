"""What the model loses when features are set to zero: predicted ones, those that tuning moved, and controls.

    r' = r − Σ_{j∈Z} h_j(r)·d_j        at every position, where the SAE reads; its reconstruction error stays

Z is the top of a ranking, or a random set (`study/feature_choice.py`). Two things are read with Z at zero: questions of
every domain that the prediction did not read, by the likelihood of their options, and answers of training rows that
the tuning holds out. Every combination of a model and a Z is a cell of its own on disk, and is not measured again.

Features that really moved are those with the largest mean of E_x (h_j(x; tuned) − h_j(x))² over the tuning's seeds.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sts_eval.data.benchmark import Benchmark, Question, load_benchmark
from sts_eval.data.rows import held_out_rows
from sts_eval.data.sampling import shuffled
from sts_eval.data.training_set import TrainingSet, load_training_set
from sts_eval.errors import UserError
from sts_eval.experiment import AblationSettings, ModelSpec, TuneSettings
from sts_eval.hindsight.actual_shift import NothingMovedError, read_shifts
from sts_eval.model.feature_edit import edited, zeroing
from sts_eval.model.fingerprint import model_fingerprint, weights_sha256
from sts_eval.model.load import load_model
from sts_eval.progress import Progress, found, silent
from sts_eval.records.ablation import SET_NAMES, AblationCell, FeatureSet
from sts_eval.records.prediction import Prediction
from sts_eval.records.record import check_writable, fingerprint
from sts_eval.study.extractor import Extractor, assemble, load_extractor
from sts_eval.study.feature_choice import DRAWN, Choice, FeatureActivity, choose_features, n_possible, read_activity
from sts_eval.study.losses import read_answering
from sts_eval.study.shifted_features import Shift
from sts_eval.study.training_losses import SOLUTION_TOKENS
from sts_eval.transfer.evaluate import Tuned

CONTROLS: tuple[Choice, ...] = ("most_active", "random", "matched")
SAME_SHIFT = 0.05  # relative difference of the shifts up to which the model counts as the prediction's


class Zeroed(NamedTuple):
    """One model, and the features that are set to zero in it."""

    tuning_seed: int | None  # None: the untuned model
    features: FeatureSet
    draw: int
    chosen: tuple[int, ...]


@dataclass(frozen=True)
class Ablated:
    """All cells of an ablation, and what they are about."""

    cells: Mapping[Zeroed, AblationCell]
    questions: Mapping[str, Sequence[Question]]
    rows: Sequence[int]  # of the training set
    activity: FeatureActivity
    hook_name: str
    left_out: tuple[str, ...]


def ablate(
    prediction: Prediction,
    tuned: Sequence[Tuned],
    settings: AblationSettings,
    folder: Path,
    progress: Progress = silent,
) -> Ablated:
    """Measure every cell that is not in the folder yet: of the untuned model, and of each tuned one.

    Raises:
        UserError: The data, the model or the SAE are not the prediction's, it has no ranking of features, its domains
            have no questions with options left, the SAE reads inside a norm, or the folder cannot be written.
    """
    experiment = prediction.experiment
    if not prediction.shifts or not prediction.shifts[0].features:
        raise UserError("the prediction has no ranking of features", "Make it again with `sts-eval predict`")
    _check_counts(settings, prediction.sae.d_sae, "features")
    training_set, benchmark = load_training_set(experiment.training_set), load_benchmark(experiment.benchmark)
    for what, now, then in (
        ("training set", training_set.sha256, prediction.training_set),
        ("benchmark", benchmark.sha256, prediction.benchmark),
    ):
        if now != then.sha256:
            raise UserError(
                f"{then.source} is not the {what} that the prediction read", "Put back the files that were read then"
            )
    questions = _questions(benchmark, prediction, settings)
    rows = held_out_rows(training_set, experiment.tune or TuneSettings())[0][: settings.rows]
    check_writable(folder / "cell")
    progress("loading the model and the SAE", 0, 1)
    extractor = load_extractor(experiment.model, experiment.sae, experiment.settings)
    shift, activity = read_activity(extractor, training_set, prediction.shifts[0].seed, progress)
    _check_model(prediction, extractor, shift)
    _check_counts(settings, n_possible("predicted", activity), "features that fire on the training set")
    moved, notes = _moved(extractor, training_set, shift.seed, experiment.model, tuned, progress)
    plan, left_out = _plan(activity, moved, [one.seed for one in tuned], settings)
    scored = _Scoring(questions, training_set, rows, fingerprint([prediction.benchmark.sha256, training_set.sha256]))
    cells: dict[Zeroed, AblationCell] = {}
    for one in (None, *tuned):
        seed = None if one is None else one.seed
        own = [zeroed for zeroed in plan if zeroed.tuning_seed == seed]
        weights = "" if one is None else weights_sha256(one.weights)
        keys = {zeroed: scored.key(prediction, weights, zeroed.chosen) for zeroed in own}
        files = {zeroed: folder / f"cell-{key[:16]}.json" for zeroed, key in keys.items()}
        stage = "ablation, untuned model" if seed is None else f"ablation, tuned model of seed {seed}"
        if all(file.is_file() for file in files.values()):
            found(progress, stage)
        elif one is not None:
            extractor = assemble(
                load_model(one.of(experiment.model)),
                extractor.prompter.tokenizer,
                extractor.autoencoder,
                experiment.settings,
            )
        for done, (zeroed, file) in enumerate(files.items()):
            if not file.is_file():
                progress(stage, done, len(files))
                scored.cell(extractor, keys[zeroed], zeroed.chosen).write(file)
            cells[zeroed] = AblationCell.read(file)
        progress(stage, len(files), len(files))
    return Ablated(cells, questions, rows, activity, extractor.reader.hook.name, (*left_out, *notes))


@dataclass(frozen=True)
class _Scoring:
    """What is scored in every cell."""

    questions: Mapping[str, Sequence[Question]]
    training_set: TrainingSet
    rows: Sequence[int]
    data_sha256: str

    def key(self, prediction: Prediction, weights: str, features: Sequence[int]) -> str:
        """Hash of all that a cell depends on."""
        model, sae = prediction.experiment.model, prediction.sae
        asked = {name: [question.id for question in own] for name, own in self.questions.items()}
        prompts = [self.data_sha256, asked, list(self.rows), prediction.model.chat_template, prediction.model.context]
        read_at = [sae.weights_sha256, sae.hook_name, sorted(features)]
        return fingerprint([model_fingerprint(model), weights, *read_at, *prompts])

    def cell(self, extractor: Extractor, key: str, features: Sequence[int]) -> AblationCell:
        """Score with some features at zero."""
        start = time.perf_counter()
        examples = [self.training_set.examples[row] for row in self.rows]
        answers = [
            Question(str(row), "", example.question, (example.solution,), 0)
            for row, example in zip(self.rows, examples, strict=True)
        ]
        alone, suffix = extractor.prompter.demonstrations([]), self.training_set.suffix
        with edited(extractor.reader.hook, zeroing(extractor.autoencoder, features)):
            domains = read_answering(extractor, self.questions, alone)
            held_out = read_answering(
                extractor, {"held-out rows": answers}, alone, suffix=suffix, most_tokens=SOLUTION_TOKENS
            )
        return AblationCell(
            key=key,
            features=tuple(features),
            right={name: "".join("01"[bool(one)] for one in own.correct) for name, own in domains.items()},
            logprob={name: _rounded(own.share_logprob) for name, own in domains.items()},
            target=_rounded(-held_out["held-out rows"].answer_nll),
            seconds=round(time.perf_counter() - start, 3),
        )


def _rounded(values: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(round(float(value), 6) for value in values)


def _check_counts(settings: AblationSettings, most: int, what: str) -> None:
    """Refuse counts of which none can be set to zero; of several, those that can are measured."""
    if min(settings.counts) > most:
        raise UserError(
            f"the SAE has {most} {what}, fewer than the {min(settings.counts)} to set to zero",
            f"Give --count {most} or less",
        )


def _questions(benchmark: Benchmark, prediction: Prediction, settings: AblationSettings) -> dict[str, list[Question]]:
    """Questions with options that the prediction did not read, drawn by domain; domains without two are left out."""
    read = {one.domain: set(one.question_ids) for one in prediction.domains}
    drawn = {}
    for name in sorted(read):
        free = [
            one
            for one in benchmark.domains[name].questions
            if one.id not in read[name] and one.right is not None and len(one.choices) > 1
        ]
        order = shuffled(len(free), settings.seed, "ablation", name)[: settings.questions]
        if len(order) > 1:
            drawn[name] = [free[index] for index in order]
    if not drawn:
        raise UserError(
            "no domain of the prediction has questions with options that it did not read",
            "Take a prediction on a benchmark of multiple choice, made with fewer --domain-tokens",
        )
    return drawn


def _check_model(prediction: Prediction, extractor: Extractor, shift: Shift) -> None:
    """Refuse another model, tokenizer or SAE than the prediction's: by hashes, and by how far features move."""
    model, sae = prediction.model, prediction.sae
    if extractor.autoencoder.weights_sha256() != sae.weights_sha256:
        raise UserError(
            "the SAE's weights are not those that the prediction read", "Put back the files that were read then"
        )
    if extractor.prompter.sha256() != model.tokenizer_sha256:
        raise UserError(
            "the tokenizer is not the one that the prediction used", "Put back the model's files that were read then"
        )
    recorded = next(one for one in prediction.shifts if one.seed == shift.seed)
    before, now = np.array(recorded.shift), shift.score[list(recorded.features)]
    difference = float(np.abs(now - before).sum() / np.abs(before).sum())
    if recorded.prompts_sha256 != shift.prompts_sha256 or not difference <= SAME_SHIFT:
        raise UserError(
            f"the model {model.id} is not the one of the prediction: the same demonstrations change its features "
            f"differently (by {difference:.0%})",
            "Put back the model's files that were read then, or make the prediction again with `sts-eval predict`",
        )


def _moved(
    extractor: Extractor,
    training_set: TrainingSet,
    seed: int,
    model: ModelSpec,
    tuned: Sequence[Tuned],
    progress: Progress,
) -> tuple[NDArray[np.float64] | None, list[str]]:
    """How far tuning moved every feature, mean over its seeds, None where it moved none; and what to say of it."""
    moved, notes = [], []
    for one in tuned:
        try:
            shifts = read_shifts(extractor, load_model(one.of(model)), training_set, seed=seed, progress=progress)
        except NothingMovedError:
            notes.append(f"the tuning of seed {one.seed} moved no feature")
            continue
        moved.append(shifts.features.actual)
    return (np.mean(moved, axis=0) if moved else None), notes


def _plan(
    activity: FeatureActivity,
    moved: NDArray[np.float64] | None,
    seeds: Sequence[int],
    settings: AblationSettings,
) -> tuple[list[Zeroed], list[str]]:
    """All cells, and what was asked for and cannot be done. Each model has its own draws."""
    sets: dict[FeatureSet, tuple[Choice, FeatureActivity]] = {"predicted": ("predicted", activity)}
    if moved is not None:
        sets["actual"] = "predicted", replace(activity, shift=moved)
    sets |= {choice: (choice, activity) for choice in CONTROLS}
    models = (None, *seeds)
    plan, left_out = [Zeroed(seed, "none", 0, ()) for seed in models], []
    for name, (choice, ranking) in sets.items():
        most = n_possible(choice, ranking)
        draws = range(settings.draws if choice in DRAWN else 1)
        plan += [
            Zeroed(seed, name, draw, choose_features(choice, n, ranking, seed=settings.seed, draw=f"{seed} {draw}"))
            for seed, draw, n in product(models, draws, settings.counts)
            if n <= most
        ]
        if above := [str(count) for count in settings.counts if count > most]:
            left_out.append(f"{SET_NAMES[name]}: {', '.join(above)} features, of which the largest set has {most}")
    return plan, left_out
