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


WRONG = (
    ("tune: {max_rows: yes}", "tune.max_rows: the value is yes or no, and a number"),
    ("tune: {seeds: [0, true]}", "tune.seeds: the value is yes or no"),
    ("tune: {seeds: [-1]}", "tune.seeds: .* from 0 to 4294967295"),
    ("settings: {seeds: [4294967296]}", "settings.seeds: .* from 0 to 4294967295"),
    ("measure: {seed: -1}", "measure.seed: Input should be greater"),
    ("tune: {features: {top_n: 3}}", "tune: .*set method: features"),
    ("tune: {method: features, features: {layers: [2, 2]}}", "tune.features.layers: .*a layer occurs twice"),
)


def test_a_folder_is_no_experiment_file(tmp_path):
    with pytest.raises(UserError, match=r"is a folder\. Give the YAML file, such as `sts-eval init` writes"):
        read_experiment(tmp_path)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("model: {id: a}\ntraining_set: {source: b}\ntune: {rnak: 3}\n", "no setting 'tune.rnak'. Did you mean 'rank'"),
        ("model: {id: a}\n", "does not say 'training_set'. Add it; `sts-eval init` writes"),
        ("model: {id: a}\ntraining_set: {source: b}\ntune: {rank: 0}\n", "tune.rank: Input should be greater"),
        ("model: {id: a}\ntraining_set: {source: b}\ntune: {seeds: [1, 1]}\n", "a seed occurs twice"),
        ("model: [\n", "is not YAML at line"),
        ("just words", "has no settings: it holds a text"),
        ("- a\n", "has no settings: it holds a list"),
        ("5\n", "it holds a number"),
        ("", "it holds nothing"),
        *((f"model: {{id: a}}\ntraining_set: {{source: b}}\n{text}\n", says) for text, says in WRONG),
        ("model: {id: a}\ntune: {rank: 2}\ntune: {}\n", "'tune' stands twice, at line 2 and line 3"),
        ("model: {id: a}\ntune: {max_steps: 2, max_steps: 5}\n", "'max_steps' stands twice, at line 2 and line 2"),
        ("model: {id: a\0}\n", r"the character U\+0000"),
        ("model: {id: \udcff}\n", "is not UTF-8"),
    ],
)
def test_mistakes_are_named(tmp_path, text, says):
    path = tmp_path / "experiment.yaml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(UserError, match=says.replace("[", r"\[")):
        read_experiment(path)


def test_a_missing_file_names_the_command_that_writes_one(tmp_path):
    with pytest.raises(UserError, match="sts-eval init"):
        read_experiment(tmp_path / "nowhere.yaml")
