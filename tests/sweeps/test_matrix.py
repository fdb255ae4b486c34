"""Matrix files: what they expand to, names that stay, mistakes that are named."""

import re

import pytest
from helpers.sweeps import hub_matrix

from sts_eval.errors import UserError
from sts_eval.experiment import BenchmarkSpec, SAESpec, TrainingSetSpec
from sts_eval.sweeps.examples import hub_matrix as shipped_hub_matrix
from sts_eval.sweeps.examples import lab_matrix
from sts_eval.sweeps.matrix import Matrix, MatrixModel, matrix_template, read_matrix


def names(matrix):
    return [name for name, _ in matrix.expand()]


def test_every_model_with_each_sae_on_every_set():
    runs = [run for _, run in hub_matrix().expand()]
    assert [(run.model.id, run.sae.id or run.sae.path, run.training_set.source) for run in runs] == [
        (model, sae, source)
        for model, saes in (("org/First-7B", ("layer_9", "layer_20")), ("org/second", ("saes/one", "saes/two")))
        for sae in saes
        for source in ("org/law", "org/math", "data/code.jsonl")
    ]
    assert {run.tune.seeds for run in runs} == {(0, 1)}


def test_names_say_what_a_run_is_of():
    first, *_, last = names(hub_matrix())
    assert re.fullmatch(r"first-7b-a-layer-9-law-[0-9a-f]{6}", first)
    assert re.fullmatch(r"second-two-code-[0-9a-f]{6}", last)


def test_names_are_those_of_files_whatever_the_source():
    matrix = hub_matrix(training_sets=[{"source": "~/Ünïcode & space/../.ℵ.jsonl"}, {"source": "a/" + "x" * 300}])
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9.-]{0,120}", name) for name in names(matrix))


def test_no_two_names_are_the_same():
    sources = ("a/train.jsonl", "b/train.jsonl", "b/Train.jsonl")
    found = names(hub_matrix(training_sets=[{"source": source} for source in sources]))
    assert len({name.lower() for name in found}) == len(found) == 12


def test_a_matrix_that_grows_renames_nothing():
    was = hub_matrix()
    grown = was.model_copy(
        update={
            "models": (
                MatrixModel(id="org/third"),
                was.models[0].model_copy(update={"saes": (SAESpec(path="saes/new"), *was.models[0].saes)}),
                was.models[1],
            ),
            "training_sets": (TrainingSetSpec(source="other/law"), *was.training_sets),
        }
    )
    assert set(names(was)) < set(names(grown))


def test_where_a_model_runs_is_no_part_of_the_name():
    was = hub_matrix()
    moved = was.model_copy(update={"models": tuple(one.model_copy(update={"device": "cuda:1"}) for one in was.models)})
    assert names(moved) == names(was)


def test_a_further_benchmark_renames_nothing_and_is_named():
    was = hub_matrix()
    grown = was.model_copy(update={"benchmarks": (*was.benchmarks, BenchmarkSpec(source="org/exam"))})
    assert names(grown)[: len(names(was))] == names(was)
    assert [run.benchmark.source for _, run in grown.expand()] == ["mmlu_pro"] * 12 + ["org/exam"] * 12
    assert all("-exam-" in name for name in names(grown)[12:])
    assert len(set(names(grown))) == 24


def test_a_file_of_one_benchmark_reads_as_before(tmp_path):
    path = tmp_path / "matrix.yaml"
    path.write_text("models: [{id: a}]\ntraining_sets: [{source: b}]\nbenchmark: {source: c}\n", encoding="utf-8")
    assert read_matrix(path).benchmarks == (BenchmarkSpec(source="c"),)


@pytest.mark.parametrize("matrix", [lab_matrix(), shipped_hub_matrix(), hub_matrix(retries=5, post_hoc=True)])
def test_a_written_file_reads_back_the_same(tmp_path, matrix):
    path = tmp_path / "matrix.yaml"
    path.write_text(matrix_template(matrix), encoding="utf-8")
    assert read_matrix(path) == matrix


def test_every_setting_stands_in_the_file_with_its_meaning():
    text = matrix_template(lab_matrix())
    parts = [MatrixModel, SAESpec, TrainingSetSpec, BenchmarkSpec]
    parts += [type(getattr(lab_matrix(), name)) for name in ("settings", "tune", "measure", "resources")]
    for part in parts:
        for field, info in part.model_fields.items():
            assert f"{field}:" in text
            assert info.description in text
    assert all(f"\n{field}:" in text for field in Matrix.model_fields)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "models: [{id: a, sae: []}]\ntraining_sets: [{source: b}]\n",
            "no setting 'models.0.sae'. Did you mean 'saes'",
        ),
        (
            "models: [{id: a, saes: [{pth: x}]}]\ntraining_sets: [{source: b}]\n",
            "'models.0.saes.0.pth'. Did you mean 'path'",
        ),
        ("models: [{id: a}]\ntraining_sets: [{source: b}]\nresources: {tuen: {}}\n", "Did you mean 'tune'"),
        ("models: [{id: a}]\ntraining_sets: []\n", "training_sets: Tuple should have at least 1 item"),
        ("models: [{id: a}, {id: a, device: cpu}]\ntraining_sets: [{source: b}]\n", "a model occurs twice"),
        ("models: [{id: a}]\ntraining_sets: [{source: b}, {source: b}]\n", "a training set occurs twice"),
        ("models: [{id: a, saes: [{}, {}]}]\ntraining_sets: [{source: b}]\n", "a SAE occurs twice"),
        ("models: [\n", "is not YAML at line"),
        ("just words", "Start from the file that `sts-eval init --matrix` writes"),
    ],
)
def test_mistakes_are_named(tmp_path, text, says):
    path = tmp_path / "matrix.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=re.escape(says)):
        read_matrix(path)
