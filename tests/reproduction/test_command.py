"""`sts-eval reproduce` from the command line: lists, answers, files, and what it refuses."""

from dataclasses import replace
from pathlib import Path

import pytest
from helpers.small_run import call, experiment

from sts_eval.experiment import AblationSettings, GRPOSettings, TuneSettings
from sts_eval.records.paper_answer import PaperAnswer
from sts_eval.reproduction import scales
from sts_eval.reproduction.entries import ENTRIES
from sts_eval.sweeps.matrix import Matrix, MatrixModel, read_matrix

ROOT = Path(__file__).parents[2]
MATRIX = ROOT / "benchmarks" / "results" / "lab_matrix.jsonl"
SHORT = sorted((ROOT / "benchmarks" / "results" / "reproduction").glob("*.json"))


def test_the_list_names_every_entry():
    ended = call("reproduce")
    assert ended.code == 0, ended.err
    assert ended.out == call("reproduce", "list").out
    for entry in ENTRIES:
        assert entry.id in ended.out


def test_one_table_from_runs(tmp_path):
    ended = call("reproduce", "table-6", MATRIX, "-o", tmp_path)
    assert ended.code == 0, ended.err
    assert "0.81 ± 0.01 r" in ended.out
    assert "Verdict: not confirmed." in ended.out
    answered = PaperAnswer.read(tmp_path / "table-6.json")
    assert answered.verdict == "not confirmed"
    again = call("reproduce", "table-6", tmp_path / "table-6.json")
    assert again.out.splitlines() == ended.out.splitlines()[:-1]  # less the line that names the file


def test_the_document_is_what_the_command_writes(monkeypatch, tmp_path):
    monkeypatch.chdir(ROOT)
    document = Path("docs") / "reproduction.md"
    committed = document.read_text(encoding="utf-8")
    records = [path.relative_to(ROOT) for path in (MATRIX, *SHORT)]
    written = tmp_path / "reproduction.md"
    ended = call("reproduce", "all", *records, "--markdown", written)
    assert ended.code == 0, ended.err
    made = written.read_text(encoding="utf-8").replace(str(written), str(document))
    assert made == committed, f"run: sts-eval reproduce all {' '.join(map(str, records))} --markdown {document}"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("tabel-6",), "Did you mean table-6?"),
        (("table-6", "{}/empty"), "has no finished run, prediction, ablation or compared arms"),
        (("table-6", "{}/missing.json"), "cannot be read"),
        (("table-6", "{}/missing"), "cannot be read"),
        (("table-6", "{}/other.json"), "is none of these records"),
        (("table-11", str(MATRIX)), "none of the records says anything of table-11"),
        (("all", "--scale", "lab"), "one table or figure"),
        (("table-6", "--scale", "real"), "Give --model and --sft"),
        (("table-12", "--scale", "lab", "--folder", "{}/new"), "the lab has one SAE"),
    ],
)
def test_a_mistake_is_one_line(words, said, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "other.json").write_text('{"verdict": 1}', encoding="utf-8")
    ended = call("reproduce", *(word.replace("{}", str(tmp_path)) for word in words))
    assert ended.code == 2
    (line,) = ended.err.splitlines()
    assert line.startswith("Error: ")
    assert said in line
    assert not (tmp_path / "new").exists()


def test_the_papers_scale_is_written_and_not_run(tmp_path):
    ended = call("reproduce", "table-6", "--scale", "paper", "--folder", tmp_path)
    assert ended.code == 0, ended.err
    matrix = read_matrix(tmp_path / "runs.yaml")
    assert [model.id for model in matrix.models] == [
        "meta-llama/Meta-Llama-3-8B-Instruct",
        "Qwen/Qwen2.5-7B-Instruct",
        "google/gemma-2-9b-it",
    ]
    assert f"  sts-eval sweep {tmp_path}/runs.yaml --folder {tmp_path}/runs\n" in ended.out
    assert f"  sts-eval reproduce table-6 {tmp_path}/runs/runs/*\n" in ended.out
    assert [path.name for path in tmp_path.iterdir()] == ["runs.yaml"]


def test_a_file_that_is_there_is_used_as_it_is(tmp_path):
    (tmp_path / "runs.yaml").write_text("mine", encoding="utf-8")
    ended = call("reproduce", "table-6", "--scale", "lab", "--dry-run", "--folder", tmp_path)
    assert ended.code == 0, ended.err
    assert "Used as it is" in ended.out
    assert (tmp_path / "runs.yaml").read_text(encoding="utf-8") == "mine"


SMALL = experiment()


def small_scale():
    """The lab's scale, as small as it can be."""
    matrix = Matrix(
        models=(MatrixModel(**SMALL.model.model_dump(), saes=(SMALL.sae,)),),
        training_sets=(SMALL.training_set,),
        benchmarks=(SMALL.benchmark,),
        settings=SMALL.settings,
        tune=SMALL.tune,
        measure=SMALL.measure,
    )
    sampled = TuneSettings(
        method="grpo",
        grpo=GRPOSettings(num_generations=4, max_completion_tokens=6),
        max_steps=2,
        batch=8,
        per_device_batch=8,
        held_out=4,
        seeds=(0, 1),
    )
    own = SMALL.settings.model_copy(update={"demonstrations": "both", "own_answer_tokens": 16})
    return replace(
        scales.lab_scale(),
        runs=matrix,
        single=SMALL,
        ablation=AblationSettings(counts=(10,), draws=2, questions=2, rows=2),
        features=(20,),
        feature_tuning=SMALL.tune.model_copy(update={"method": "features"}),
        reinforcement=SMALL.model_copy(update={"settings": own, "tune": sampled}),
        budget=10,
    )


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("name", "answered"),
    [
        ("table-1", "lab on math, 2 tuned seeds"),
        ("figure-1b", "10 of 1,024 features at zero, 2 rows, 2 tuned seeds"),
        ("table-7", "of 100 shifted features"),
        ("table-10", "2 seeds, 5 protected domains"),
        ("table-11", "2 pairs of tuned seeds"),
        ("section-6", "2 tuned seeds"),
    ],
)
def test_a_scale_makes_the_records_that_it_answers_from(name, answered, tmp_path, monkeypatch):
    scale = small_scale()
    monkeypatch.setattr(scales, "lab_scale", lambda: scale)
    ended = call("reproduce", name, "--scale", "lab", "--folder", tmp_path)
    assert ended.code == 0, ended.err
    assert "Running: sts-eval" in ended.out
    assert answered in " ".join(ended.out.split())
    again = call("reproduce", name, "--scale", "lab", "--folder", tmp_path)
    assert again.code == 0, again.err
    assert "Used as it is" in again.out
    assert again.out[again.out.index("Ours") :] == ended.out[ended.out.index("Ours") :]
