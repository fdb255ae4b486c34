"""Experiment files: what is written can be read, and mistakes are named."""

import pytest

from sts_eval.errors import UserError
from sts_eval.experiment import ModelSpec, Run, TrainingSetSpec, TuneSettings
from sts_eval.experiment_file import read_experiment, template
from sts_eval.lab.experiment import lab_experiment

PLAIN = Run(model=ModelSpec(id="org/model"), training_set=TrainingSetSpec(source="GAIR/LIMO"))


@pytest.mark.parametrize("run", [PLAIN, lab_experiment("law")], ids=["defaults", "lab"])
def test_a_written_file_reads_back_the_same(tmp_path, run):
    path = tmp_path / "experiment.yaml"
    path.write_text(template(run))
    assert read_experiment(path) == run


def test_every_setting_stands_in_the_file_with_its_meaning():
    text = template(PLAIN)
    for part in (type(getattr(PLAIN, name)) for name in Run.model_fields):
        for field, info in part.model_fields.items():
            assert f"{field}:" in text
            assert info.description in text


def test_a_default_that_is_uncommented_changes_nothing(tmp_path):
    lines = template(lab_experiment("math")).splitlines()
    live = [
        line.replace("  # ", "  ", 1)
        if line.startswith("  # ") and ": " in line and line.split(": ")[0].split()[-1] in TuneSettings.model_fields
        else line
        for line in lines
    ]
    path = tmp_path / "experiment.yaml"
    path.write_text("\n".join(live))
    assert read_experiment(path).tune == lab_experiment("math").tune


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("model: {id: a}\ntraining_set: {source: b}\ntune: {rnak: 3}\n", "no setting 'tune.rnak'. Did you mean 'rank'"),
        ("model: {id: a}\n", "training_set: Field required"),
        ("model: {id: a}\ntraining_set: {source: b}\ntune: {rank: 0}\n", "tune.rank: Input should be greater"),
        ("model: {id: a}\ntraining_set: {source: b}\ntune: {seeds: [1, 1]}\n", "a seed occurs twice"),
        ("model: [\n", "is not YAML at line"),
        ("just words", "describes nothing"),
    ],
)
def test_mistakes_are_named(tmp_path, text, says):
    path = tmp_path / "experiment.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=says.replace("[", r"\[")):
        read_experiment(path)


def test_a_missing_file_names_the_command_that_writes_one(tmp_path):
    with pytest.raises(UserError, match="sts-eval init"):
        read_experiment(tmp_path / "nowhere.yaml")
