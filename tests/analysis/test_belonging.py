"""A prediction is compared only with an outcome that is about the same; figures are those of the answers."""

import json

import pytest
from helpers.records import prediction, transfer
from helpers.small_run import call

from sts_eval.analysis.belonging import belonging
from sts_eval.analysis.compare import compare_runs
from sts_eval.analysis.report import report_run
from sts_eval.analysis.runs import gather, outcome_of
from sts_eval.errors import UserError
from sts_eval.experiment import ModelSpec, TuneSettings
from sts_eval.records.report import Report
from sts_eval.records.transfer import Measured, Transfer
from sts_eval.records.tuning import Contamination, SeedTraining, Tuning
from sts_eval.reporting.files import write_report

SCORES = {"a": 1.0, "b": 2.0, "c": 3.0, "d": 4.0}
FLIPS = {"a": (10, 4), "b": (12, 4), "c": (20, 4), "d": (22, 4)}
PREDICTED = prediction(SCORES)
LETTERS = "UNRELATED: THIS PREDICTION IS NOT ABOUT WHAT WAS MEASURED"

SEED = SeedTraining(
    seed=0,
    folder="seed-0",
    weights_sha256="0",
    started="2026-01-03T00:00:00+00:00",
    finished="2026-01-03T01:00:00+00:00",
    seconds=3600.0,
    steps=1,
    n_rows=1,
    n_held_out=1,
    cut_rows=0,
    per_device_batch=1,
    accumulation=1,
    processes=1,
    train_loss_first=1.0,
    train_loss_last=0.5,
    loss_before=1.0,
    loss_after=0.5,
    changed=True,
    device="cpu",
    versions={},
)


def measured(*, benchmark_sha256="0", **tuning):
    """The transfer as this tool measures it: with its tuning, and the benchmark of the prediction."""
    done = Tuning(
        created="2026-01-03T02:00:00+00:00",
        started=SEED.started,
        prediction=None,
        model=ModelSpec(id="org/model"),
        commit=None,
        training_set=PREDICTED.training_set,
        settings=TuneSettings(seeds=(0,)),
        chat_template=False,
        contamination=Contamination(rows=(), question_ids=(), checked=0),
        runs=(SEED,),
        warnings=(),
    )
    origin = Measured(
        task="task",
        backend="hf",
        num_fewshot=None,
        questions="disjoint",
        n_read=2,
        benchmark_sha256=benchmark_sha256,
        before_key="0",
        after_keys=("1",),
        seconds={},
    )
    changes = {"tuning": done.model_copy(update=tuning), "origin": origin}
    return transfer(FLIPS, after=PREDICTED).model_copy(update=changes)


def of_model(commit):
    model = PREDICTED.model.model_copy(update={"commit": commit})
    return PREDICTED.model_copy(update={"model": model})


OTHER_SET = PREDICTED.training_set.model_copy(update={"source": "law.jsonl", "sha256": "9" * 64})


def test_what_belongs_together():
    found = belonging(PREDICTED, measured())
    assert found == ((), ())
    assert not report_run(PREDICTED, measured()).unrelated
    # The same repository under its short name, and a folder of the same name elsewhere.
    assert belonging(PREDICTED, measured(model=ModelSpec(id="/home/me/model"))).differences == ()


@pytest.mark.parametrize(
    ("predicted", "happened", "says"),
    [
        (PREDICTED, measured(training_set=OTHER_SET), r"prediction read training set data .*, the outcome law\.jsonl"),
        (
            PREDICTED,
            measured(model=ModelSpec(id="mistralai/Mistral-7B-v0.1")),
            "org/model, the tuning about mistralai/",
        ),
        (
            of_model("a" * 40),
            measured(commit="b" * 40),
            "org/model at aaaaaaaaaaaa, the tuning about .* at bbbbbbbbbbbb",
        ),
        (PREDICTED, measured(tokenizer_sha256="9" * 64), "tokenizer 0.*, the tuning about org/model .9999"),
        (
            PREDICTED,
            measured(benchmark_sha256="9" * 64),
            "prediction read benchmark data .*the outcome has questions of 9999",
        ),
        (
            PREDICTED,
            transfer(FLIPS).model_copy(update={"model_before": "Mistral-7B-v0.1_5shots"}),
            "about model org/model, the outcome about Mistral-7B-v0.1_5shots",
        ),
    ],
    ids=["training set", "model", "commit", "tokenizer", "benchmark", "imported model"],
)
def test_what_does_not_is_refused_with_the_difference(predicted, happened, says):
    with pytest.raises(UserError, match=says) as caught:
        report_run(predicted, happened, post_hoc=True)
    assert "--unrelated" in str(caught.value)
    report = report_run(predicted, happened, post_hoc=True, unrelated=True)
    assert len(report.unrelated) == 1
    assert report.warnings[0] == f"UNRELATED: {report.unrelated[0]}"


def test_it_is_said_in_large_letters(tmp_path):
    report = report_run(PREDICTED, measured(training_set=OTHER_SET), unrelated=True)
    write_report(report, tmp_path)
    assert f"# {LETTERS}" in (tmp_path / "report.md").read_text(encoding="utf-8").splitlines()
    assert f"<h1>{LETTERS}</h1>" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert Report.read(tmp_path / "report.json") == report


def test_results_from_elsewhere_say_what_could_not_be_compared():
    found = belonging(PREDICTED, transfer(FLIPS).model_copy(update={"model_before": "before"}))
    assert found.differences == ()
    assert found.not_compared == (
        "the training set",
        "the model (the results call it 'before')",
        "the benchmark's questions",
    )
    warnings = report_run(PREDICTED, transfer(FLIPS)).warnings
    (line,) = [line for line in warnings if "belong together" in line]
    assert line.endswith("was not compared for the training set, the benchmark's questions")


def test_a_comparison_refuses_it_or_says_so(tmp_path):
    happened = measured(training_set=OTHER_SET)
    PREDICTED.write(tmp_path / "run" / "prediction-1.json")
    happened.write(tmp_path / "run" / "transfer-1.json")
    report_run(PREDICTED, happened, unrelated=True).write(tmp_path / "run" / "report.json")
    with pytest.raises(UserError, match=r"run: prediction and outcome do not belong together: .*law\.jsonl"):
        gather([tmp_path / "run"])
    outcomes = gather([tmp_path / "run"], unrelated=True)
    (line,) = [line for line in compare_runs(outcomes, n_resamples=100).warnings if line.startswith("UNRELATED: ")]
    assert "law.jsonl" in line


def edited(happened, **figures):
    """The record with other figures for its first domain, answers left as they are."""
    values = json.loads(happened.canonical())
    values["domains"][0] |= figures
    return Transfer.from_json(json.dumps(values))


def test_an_accuracy_that_the_answers_contradict_is_refused(tmp_path):
    happened = edited(measured(), accuracy_after=0.9)
    with pytest.raises(UserError, match=r"states accuracy_after of a as 0\.9, and its answers give 0\.56"):
        report_run(PREDICTED, happened)
    PREDICTED.write(tmp_path / "prediction.json")
    happened.write(tmp_path / "transfer.json")
    ended = call("report", tmp_path / "prediction.json", tmp_path / "transfer.json")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("Error: the record states accuracy_after of a as 0.9")


def test_an_error_that_the_answers_contradict_is_computed_again(tmp_path):
    happened = edited(measured(), paired_se=0.001)
    report, honest = report_run(PREDICTED, happened), report_run(PREDICTED, measured())
    assert report.rows == honest.rows
    assert report.transfer_sha256 != honest.transfer_sha256
    assert any("were computed again" in line for line in report.warnings)
    PREDICTED.write(tmp_path / "prediction-1.json")
    happened.write(tmp_path / "transfer-1.json")
    report.write(tmp_path / "report.json")
    assert outcome_of(tmp_path).domains[0].accuracy.se == honest.rows[0].se


def test_small_domains_are_listed_in_one_line():
    small = transfer(dict.fromkeys(SCORES, (2, 1)), n=20)
    lines = [line for line in report_run(PREDICTED, small).warnings if "fewer than 30 questions" in line]
    assert lines == ["fewer than 30 questions: a, b, c, d"]


def test_older_records_keep_their_hashes():
    """What a record does not say stays out of it."""
    for record in (PREDICTED, measured(benchmark_sha256=""), report_run(PREDICTED, measured())):
        text = record.canonical()
        assert not any(f'"{name}"' in text for name in ("benchmark_sha256", "unrelated"))
    assert '"tokenizer_sha256"' not in measured().tuning.canonical()
