"""From an entry and a scale to the files and commands that make its records.

Every command goes on where it was stopped, so a plan may be run again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sts_eval.errors import UserError
from sts_eval.experiment import AblationSettings, FeatureTuningSettings, Run
from sts_eval.experiment_file import template
from sts_eval.records.mixture import ARMS_RECORD, NONE, SWEEP_FILE, SWEEP_FOLDER
from sts_eval.records.run_folder import RunFolder
from sts_eval.reproduction.entry import Entry, Recipe
from sts_eval.reproduction.scales import Scale
from sts_eval.sweeps.matrix import Matrix, matrix_template


@dataclass(frozen=True)
class Step:
    """A command of ours."""

    words: tuple[str, ...]  # behind `sts-eval`; a word with * stands for the files that match it
    once: Path | None = None  # not done again where this file is, if the command itself would refuse


@dataclass(frozen=True)
class Plan:
    """What makes the records of an entry."""

    files: Mapping[Path, str]
    steps: tuple[Step, ...]
    records: tuple[Path, ...]  # folders; a name with * stands for those that match it
    notes: tuple[str, ...] = field(default=())


def plan(entry: Entry, scale: Scale, folder: Path) -> Plan:
    """The files and commands of an entry.

    Raises:
        UserError: The scale has not what it needs.
    """
    return RECIPES[entry.recipe](entry, scale, folder)


def _runs(entry: Entry, scale: Scale, folder: Path) -> Plan:
    return _sweep(scale.runs, folder, "runs", scale.notes)


def _several_saes(entry: Entry, scale: Scale, folder: Path) -> Plan:
    matrix = scale.saes if entry.recipe == "saes" else scale.layers
    if matrix is None:
        what = "the lab has one SAE" if scale.name == "lab" else "one SAE is given"
        raise UserError(
            f"{entry.id} compares several SAEs, and {what}",
            "Give --scale real with --sae once for each, or --scale paper",
        )
    return _sweep(matrix, folder, entry.recipe, scale.notes)


def _meanings(entry: Entry, scale: Scale, folder: Path) -> Plan:
    made = _sweep(scale.runs, folder, "runs", scale.notes)
    return Plan(
        made.files, tuple(Step((*step.words, "--predict-only")) for step in made.steps), made.records, made.notes
    )


def _sweep(matrix: Matrix, folder: Path, name: str, notes: tuple[str, ...]) -> Plan:
    file, place = folder / f"{name}.yaml", folder / name
    step = Step(("sweep", str(file), "--folder", str(place)))
    return Plan({file: matrix_template(matrix)}, (step,), (place / "runs" / "*",), notes)


def _ablation(entry: Entry, scale: Scale, folder: Path) -> Plan:
    step, files, place = _run(scale.single, folder, "tuned")
    dials = [f"--{_option(name)}={value}" for name, value in _dials(scale.ablation)]
    return Plan(files, (step, Step(("ablate", str(place), *dials))), (place,), scale.notes)


def _dials(settings: AblationSettings) -> list[tuple[str, int]]:
    given = {name: getattr(settings, name) for name in type(settings).model_fields}
    counts = given.pop("counts")
    return [*(("count", count) for count in counts), *given.items()]


def _option(name: str) -> str:
    return name.replace("_", "-")


def _mixture(entry: Entry, scale: Scale, folder: Path) -> Plan:
    step, files, place = _run(scale.single, folder, "tuned")
    (file,) = files
    arms = folder / "arms"
    chosen = ["mix", str(RunFolder.of(place).prediction("*")), "--pool", scale.pool, "--budget", str(scale.budget)]
    chosen += ["--verify", str(arms), "--experiment", str(file), "--arm", NONE, "--arm", "sts_icl"]
    chosen += [word for domain in scale.protect for word in ("--protect", domain)]
    if scale.answer_tokens:
        chosen += ["--self-distill", "--answer-tokens", str(scale.answer_tokens)]
    steps = (
        step,
        Step(tuple(chosen), once=arms / ARMS_RECORD),
        Step(("sweep", str(arms / SWEEP_FILE), "--folder", str(arms / SWEEP_FOLDER))),
        Step(("mix", "--compare", str(arms))),
    )
    if scale.name == "lab":
        return Plan(files, steps, (arms,), scale.notes)
    note = (
        f"{scale.pool} holds the rows that may be added. The paper takes one half of MMLU-Pro's questions for it and "
        "scores the other; benchmark.source must then be a folder with that other half."
    )
    return Plan(files, steps, (arms,), (*scale.notes, note))


def _selective(entry: Entry, scale: Scale, folder: Path) -> Plan:
    arms: dict[str, Run] = {"tuned": scale.single}
    for n in scale.features:
        for choose in ("predicted", "random", "matched"):
            tune = scale.feature_tuning.model_copy(update={"features": FeatureTuningSettings(top_n=n, choose=choose)})
            arms[f"{choose}-{n}"] = scale.single.model_copy(update={"tune": tune})
    notes = (*scale.notes, "The paper tunes at five layers, which it does not name; here where the SAE reads.")
    return _arms(arms, folder, notes if scale.name == "paper" else scale.notes)


def _reinforcement(entry: Entry, scale: Scale, folder: Path) -> Plan:
    rewarded = scale.reinforcement
    supervised = rewarded.model_copy(update={"tune": scale.single.tune})
    notes = (*scale.notes, "The paper gives no hyperparameters for GRPO; these are this tool's defaults.")
    return _arms({"sft": supervised, "grpo": rewarded}, folder, notes if scale.name == "paper" else scale.notes)


def _arms(arms: Mapping[str, Run], folder: Path, notes: tuple[str, ...]) -> Plan:
    made = [_run(run, folder, name) for name, run in arms.items()]
    files = {file: text for _, own, _ in made for file, text in own.items()}
    return Plan(files, tuple(step for step, _, _ in made), tuple(place for _, _, place in made), notes)


def _run(run: Run, folder: Path, name: str) -> tuple[Step, dict[Path, str], Path]:
    file, place = folder / f"{name}.yaml", folder / name
    return Step(("run", str(file), "--folder", str(place))), {file: template(run)}, place


RECIPES: Mapping[Recipe, Callable[[Entry, Scale, Path], Plan]] = {
    "runs": _runs,
    "saes": _several_saes,
    "layers": _several_saes,
    "ablation": _ablation,
    "meanings": _meanings,
    "mixture": _mixture,
    "selective": _selective,
    "reinforcement": _reinforcement,
}
