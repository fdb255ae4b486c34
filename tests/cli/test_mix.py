"""`sts-eval mix` as a user meets it: the table, the files, an experiment with arms, and what it refuses."""

import json

import pytest
from helpers import mixtures, records, small_run, tiny
from helpers.small_run import call
from helpers.sweeps import InOrder

from sts_eval.experiment import Run, TrainingSetSpec
from sts_eval.experiment_file import template
from sts_eval.lab import sft_path
from sts_eval.pipeline import predicted_part
from sts_eval.prediction.predict import predict
from sts_eval.records.arm_comparison import ArmComparison
from sts_eval.records.mixture import Arms, Mixture
from sts_eval.sweeps.drive import drive
from sts_eval.sweeps.matrix import read_matrix

TEN = {"math": 10, "law": 10, "health": 10}


@pytest.fixture
def given(tmp_path):
    """A prediction and a pool on disk, as words of the command."""
    mixtures.predicted(tmp_path).write(tmp_path / "prediction.json")
    pool = tiny.write_jsonl(tmp_path / "pool.jsonl", mixtures.pool_rows(TEN))
    return [tmp_path / "prediction.json", "--pool", pool]


def experiment(folder, **changes):
    """The experiment file of the prediction."""
    described = mixtures.predicted(folder).experiment
    run = Run(model=described.model, training_set=described.training_set, benchmark=described.benchmark)
    path = folder / "experiment.yaml"
    path.write_text(template(run.model_copy(update=changes)), encoding="utf-8")
    return path


def test_prints_counts_and_writes_training_set_and_record(given, tmp_path):
    ended = call("mix", *given, "--budget", 7, "-o", tmp_path / "out" / "mixture.jsonl")
    assert ended.code == 0, ended.err
    record = Mixture.read(tmp_path / "out" / "mixture.json")
    assert {one.domain: one.taken for one in record.domains} == {"math": 4, "law": 2, "health": 1}
    assert "1 of 7 rows would be of another domain if all weights were equal." in ended.out
    assert record.mixture.rows == len(tiny.TRAINING) + 7


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--budget", 0], "a budget of 0 rows adds nothing"),
        (["--budget", 31], "fewer than the budget of 31"),
        (["--budget", 5, "--protect", "law,music"], "no domain 'music'"),
        (["--budget", 5, "--by", "nonsense"], "no scores of 'nonsense'"),
        (["--budget", 5, "--domain-column", "field"], "no column 'field'"),
        (["--budget", 5, "--protect", " , "], "--protect names no domain"),
        (["--budget", 5, "--by", "history"], "measured changes of other runs"),
        ([], "a mixture needs a budget (--budget)"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(given, tmp_path, words, says):
    before = set(tmp_path.rglob("*"))
    arms = ["--verify", tmp_path / "arms", "--experiment", experiment(tmp_path)]
    before.add(tmp_path / "experiment.yaml")
    for more in (["-o", tmp_path / "mixture.jsonl"], arms):
        ended = call("mix", *given, *words, *more)
        assert ended.code == 2
        assert ended.err.startswith("Error: ")
        assert ended.err.count("\n") == 1
        assert says in ended.err
    assert set(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", ["pool.jsonl", "sft.jsonl", "prediction.jsonl"])
def test_what_is_read_is_not_written_over(given, tmp_path, name):
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    ended = call("mix", *given, "--budget", 5, "-o", tmp_path / name)
    assert (ended.code, "is one of the files that are read" in ended.err) == (2, True)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("name", ["mixture.json", "mixture.jsonl"])
def test_only_an_earlier_mixture_is_replaced(given, tmp_path, name):
    words = ["mix", *given, "--budget", 5, "-o", tmp_path / "mixture.jsonl"]
    (tmp_path / name).write_text("{}", encoding="utf-8")
    ended = call(*words)
    assert (ended.code, ended.err.count("\n"), "is there already" in ended.err) == (2, 1, True)
    assert (tmp_path / name).read_text(encoding="utf-8") == "{}"
    (tmp_path / name).unlink()
    assert [call(*words).code for _ in range(2)] == [0, 0]


def test_a_pool_of_benchmark_questions_is_refused(given, tmp_path):
    rows = [{"question": mixtures.question("law", number), "solution": "x"} for number in range(6)]
    pool = tiny.write_jsonl(tmp_path / "questions.jsonl", rows)
    ended = call("mix", given[0], "--pool", pool, "--budget", 1, "-o", tmp_path / "mixture.jsonl")
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert "6 hold a benchmark question" in ended.err
    assert not (tmp_path / "mixture.jsonl").exists()


def test_an_experiment_on_another_model_or_set_is_refused(given, tmp_path):
    described = mixtures.predicted(tmp_path).experiment
    other = described.model.model_copy(update={"id": "org/other"})
    for changes, says in (
        ({"model": other}, "model org/other, the prediction"),
        ({"training_set": TrainingSetSpec(source=str(sft_path("law")))}, "training set"),
    ):
        words = ["--budget", 5, "--verify", tmp_path / "arms", "--experiment", experiment(tmp_path, **changes)]
        ended = call("mix", *given, *words)
        assert (ended.code, ended.err.count("\n")) == (2, 1)
        assert "the experiment is about another run than the prediction" in ended.err
        assert says in ended.err
        assert not (tmp_path / "arms").exists()


def test_arms_without_an_experiment_and_a_file_in_place_of_its_folder(given, tmp_path):
    ended = call("mix", *given, "--budget", 5, "--arm", "sts_icl")
    assert (ended.code, "--arm is for an experiment" in ended.err) == (2, True)
    words = ["--verify", tmp_path / "pool.jsonl", "--experiment", experiment(tmp_path)]
    ended = call("mix", *given, "--budget", 5, *words)
    assert (ended.code, "pool.jsonl is a file. Give a folder" in ended.err) == (2, True)


def test_arms_are_training_sets_of_one_sweep(given, tmp_path):
    words = ["--budget", 7, "--verify", tmp_path / "arms", "--experiment", experiment(tmp_path)]
    ended = call("mix", *given, *words, "--arm", "stsicl")
    assert (ended.code, "no scores of 'stsicl'" in ended.err, (tmp_path / "arms").exists()) == (2, True, False)
    pool = tiny.write_jsonl(tmp_path / "few.jsonl", mixtures.pool_rows(TEN | {"law": 1}))
    never = records.transfer({"math": (0, 0), "law": (0, 3), "health": (5, 0)})
    never.write(tmp_path / "transfer.json")
    ended = call("mix", given[0], "--pool", pool, *words, "--transfer", tmp_path / "transfer.json")
    assert ended.code == 0, ended.err
    arms = Arms.read(tmp_path / "arms" / "arms.json")
    assert [(arm.name, arm.added) for arm in arms.arms] == [("none", 0), ("equal", 7), ("sts_icl", 7)]
    assert "1 usable rows of domains with a weight by damage" in arms.not_made["damage"]
    assert (arms.protected, arms.target) == (("law", "health"), ("math",))
    matrix = read_matrix(tmp_path / "arms" / "sweep.yaml")
    assert [one.source for one in matrix.training_sets] == [str(tmp_path / "arms" / arm.file) for arm in arms.arms]
    rows = [len((tmp_path / "arms" / arm.file).read_text(encoding="utf-8").splitlines()) for arm in arms.arms]
    assert rows == [len(tiny.TRAINING), len(tiny.TRAINING) + 7, len(tiny.TRAINING) + 7]
    again = call("mix", *given, *words)
    assert (again.code, "holds the arms of an experiment already" in again.err) == (2, True)
    early = call("mix", "--compare", tmp_path / "arms")
    assert (early.code, "has results of 0 arms" in early.err) == (2, True)


@pytest.mark.slow
def test_an_experiment_on_the_lab_ends_in_one_table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    described = small_run.experiment(
        benchmark={"domains": small_run.DOMAINS[:3]}, training_set={"home": ("math",)}, tune={"seeds": (0,)}
    )
    (tmp_path / "small.yaml").write_text(template(described), encoding="utf-8")
    predict(predicted_part(described)).write(tmp_path / "prediction.json")
    words = ["--budget", 6, "--verify", "arms", "--experiment", "small.yaml", "--arm", "none"]
    ended = call("mix", "prediction.json", "--pool", sft_path("history"), "--by", "equal", *words)
    assert ended.code == 0, ended.err
    arms = Arms.read(tmp_path / "arms" / "arms.json")
    drive(read_matrix(tmp_path / "arms" / "sweep.yaml"), tmp_path / "arms" / "sweep", InOrder())
    ended = call("mix", "--compare", "arms")
    assert ended.code == 0, ended.err
    found = ArmComparison.read(tmp_path / "arms" / "comparison.json")
    assert [one.name for one in found.results] == [arm.name for arm in arms.arms]
    assert found.seeds == (0,)
    for one in found.results:
        (report,) = (tmp_path / "arms" / "sweep" / "runs").glob(f"*-{one.name}-*/report.json")
        rows = {row["domain"]: row["delta"] for row in json.loads(report.read_text(encoding="utf-8"))["rows"]}
        assert {domain.domain: domain.change.value for domain in one.domains} == pytest.approx(rows)
    assert call("mix", "--compare", "arms", "--measure", "logprob").code == 0
