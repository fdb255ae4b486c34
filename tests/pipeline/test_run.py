"""The whole loop: what it leaves behind, what a changed setting redoes, and each stage alone."""

import json
from collections import Counter

import pytest
from helpers import small_run, tiny
from helpers.small_run import call, copied, figures, records, write_experiment

import sts_eval.tuning.training
from sts_eval import lab, pipeline
from sts_eval.data.tables import read_table
from sts_eval.experiment import BenchmarkSpec
from sts_eval.experiment_file import read_experiment
from sts_eval.model.load import load_model
from sts_eval.pipeline import run
from sts_eval.records.answers import Evaluation
from sts_eval.records.oracle import Oracle
from sts_eval.records.prediction import Prediction
from sts_eval.records.report import Report
from sts_eval.records.run_folder import RunFolder
from sts_eval.records.transfer import Transfer

WRITTEN = ("report.json", "report.md", "report.html", "scatter.png")


def only(folder, pattern, record):
    (path,) = folder.glob(pattern)
    return record.read(path)


def error_line(ended):
    """The one line that says what is wrong."""
    assert ended.code == 2
    assert "Traceback" not in ended.err
    (line,) = [line for line in ended.err.splitlines() if line.startswith("Error: ")]
    assert ended.err.rstrip().endswith(line)
    return line


def test_tables_and_files(finished):
    assert finished.ended.code == 0, finished.ended.err
    for words in (
        "Predicted and measured, by domain",
        "1 run, 5 points",
        "Which way it changes, STS_ICL: ",
        "Time: load",
    ):
        assert words in finished.ended.out
    folder = finished.runs / "small"
    for name in WRITTEN:
        assert str(folder / name) in finished.ended.out
    report = Report.read(folder / "report.json")
    assert {row.domain for row in report.rows} == set(small_run.DOMAINS)
    assert all(row.n == 4 for row in report.rows)
    assert set(report.seconds) == {"load", "predict", "tune", "measure"}
    assert not report.post_hoc
    standings = {row.name: row.standing for row in report.comparison.table("which_way", "accuracy").rows}
    assert (standings["tfidf_cosine"], standings["oracle_kl"]) == ("ranked", "oracle")
    assert (folder / "scatter.png").read_bytes().startswith(b"\x89PNG")
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "<svg" in page
    assert "<script" not in page
    assert "| math |" in (folder / "report.md").read_text(encoding="utf-8")
    assert len(list((finished.runs / "evaluations").iterdir())) == 3  # the untuned model, and two seeds


def test_the_records_refer_to_each_other(finished):
    folder = finished.runs / "small"
    prediction, transfer = only(folder, "prediction-*.json", Prediction), only(folder, "transfer-*.json", Transfer)
    report = Report.read(folder / "report.json")
    assert transfer.prediction.prediction_sha256 == prediction.sha256() == report.prediction_sha256
    assert transfer.tuning.prediction == transfer.prediction
    assert prediction.created <= transfer.tuning.started
    assert report.transfer_sha256 == transfer.sha256()
    assert "post_hoc" not in transfer.flags
    read = {scores.domain: set(scores.question_ids) for scores in prediction.domains}
    assert not any(read[table.domain] & set(table.question_ids) for table in transfer.answers)


def test_the_prediction_is_on_disk_before_training_starts(tmp_path, monkeypatch):
    folder, seen = tmp_path / "runs" / "small", []

    def stop(*_, **__):
        seen.append(only(folder, "prediction-*.json", Prediction))
        raise KeyboardInterrupt

    monkeypatch.setattr(sts_eval.tuning.training, "train", stop)
    with pytest.raises(KeyboardInterrupt):
        run(small_run.experiment(), folder)
    assert len(seen) == 1
    assert list(folder.glob("tuning/*")) == []


def test_nothing_is_done_twice(finished, calls, tmp_path, monkeypatch):
    """Not for other batches or another device either; no tuned network is loaded, and what was found is said."""
    folder = copied(finished.runs, tmp_path / "runs")
    was = records(tmp_path / "runs")
    loaded = []
    monkeypatch.setattr(pipeline, "load_model", lambda spec: loaded.append(spec) or load_model(spec))
    file = write_experiment(
        tmp_path / "small.yaml",
        settings={"batch_tokens": 512, "batch_questions": 3},
        model={"device": "auto"},
        tune={"per_device_batch": 2},
    )
    ended = call("run", file, "--folder", folder)
    assert ended.code == 0, ended.err
    assert calls == {}
    assert loaded == []
    assert records(tmp_path / "runs") == was
    for stage in ("prediction", "fine-tuning, seed 0", "fine-tuning, seed 1", "overlap of seed 0"):
        assert f"] {stage}: found, not made again\n" in ended.err
    assert "found, not made again" not in finished.ended.err


@pytest.mark.parametrize(
    ("changes", "redone", "made"),
    [
        ({"measure": {"max_questions": 3}}, {"evaluate": 3}, {"evaluation": 3}),
        (
            {"tune": {"rank": 2, "seeds": (0,)}},
            {"train": 1, "evaluate": 1},
            {"training": 1, "evaluation": 1, "overlap": 1, "oracle": 1},
        ),
        ({"tune": {"seeds": (0, 1, 2)}}, {"train": 1, "evaluate": 1}, {"training": 1, "evaluation": 1, "overlap": 1}),
    ],
    ids=["measure", "tune", "another seed"],
)
def test_a_changed_setting_redoes_what_depends_on_it(finished, calls, tmp_path, changes, redone, made):
    folder = copied(finished.runs, tmp_path / "runs")
    was = records(tmp_path / "runs")
    ended = call("run", write_experiment(tmp_path / "small.yaml", **changes), "--folder", folder)
    assert ended.code == 0, ended.err
    assert calls == redone
    now = records(tmp_path / "runs")
    assert {place: now[place] for place in was} == was
    assert Counter(place.stem.split("-")[0] for place in now.keys() - was.keys()) == {**made, "transfer": 1}
    before = [record for record, _ in now.values() if isinstance(record, Evaluation) and record.adapter_sha256 is None]
    assert len(before) == (2 if "measure" in changes else 1)


@pytest.mark.parametrize(("tune", "same"), [({"seeds": (0, 1, 2)}, True), ({"rank": 2}, False)])
def test_what_a_prediction_that_reads_the_tuning_depends_on(tmp_path, tune, same):
    def place(**changes):
        described = write_experiment(tmp_path / "run.yaml", settings={"predictors": ("gradient",)}, **changes)
        return pipeline.prediction_file(read_experiment(described), RunFolder.of(tmp_path))

    assert (place(tune=tune) == place()) == same


def test_the_first_seed_gets_the_oracles_record_once(finished, tmp_path, monkeypatch):
    folder = copied(finished.runs, tmp_path / "runs")
    oracle = only(folder, "oracle-*.json", Oracle)
    assert oracle.tuning_seed == small_run.TUNE.seeds[0]
    assert {name for column in oracle.predictors for name in column.scores} == set(small_run.DOMAINS)
    prediction = only(folder, "prediction-*.json", Prediction)
    assert oracle.n_questions == sum(domain.n_questions for domain in prediction.domains)
    loaded = []
    monkeypatch.setattr(pipeline, "load_model", lambda spec: loaded.append(spec.adapter) or load_model(spec))
    was = records(tmp_path / "runs")
    # Without it the first seed's network is loaded once more, and what it told before is left alone.
    (path,) = folder.glob("oracle-*.json")
    path.unlink()
    run(small_run.experiment(), folder)
    (adapter,) = loaded
    assert "seed-0-" in adapter
    now = records(tmp_path / "runs")
    place = path.relative_to(tmp_path / "runs")
    assert {name: one for name, one in now.items() if name != place} == {
        name: one for name, one in was.items() if name != place
    }
    assert [column.scores for column in now[place][0].predictors] == [column.scores for column in oracle.predictors]


def test_another_run_uses_the_same_before(finished, calls, tmp_path):
    copied(finished.runs, tmp_path / "runs")
    file = write_experiment(
        tmp_path / "other.yaml", training_set={"source": str(lab.sft_path("law"))}, tune={"seeds": (0,)}
    )
    ended = call("run", file, "--folder", tmp_path / "runs" / "other")
    assert ended.code == 0, ended.err
    assert calls == {"predict": 1, "train": 1, "evaluate": 1}


def test_a_prediction_made_after_the_tuning(finished, calls, tmp_path):
    folder = copied(finished.runs, tmp_path / "runs")
    was = records(tmp_path / "runs")
    written = (folder / "report.json").read_bytes()
    file = write_experiment(tmp_path / "small.yaml", settings={"top_n": 50})
    line = error_line(call("run", file, "--folder", folder))
    assert "the prediction was made after fine-tuning started" in line
    assert "--post-hoc" in line
    assert calls == {"predict": 1}
    assert (folder / "report.json").read_bytes() == written
    now = records(tmp_path / "runs")
    assert {place: now[place] for place in was} == was
    ended = call("run", file, "--folder", folder, "--post-hoc")
    assert ended.code == 0, ended.err
    assert calls == {"predict": 1}
    assert "Warning: POST HOC: " in ended.out
    assert Report.read(folder / "report.json").post_hoc
    for name in ("report.md", "report.html"):
        assert "POST HOC" in (folder / name).read_text(encoding="utf-8")
    # The prediction that came first is still there, and still counts.
    ended = call("run", write_experiment(file), "--folder", folder)
    assert ended.code == 0, ended.err
    assert "POST HOC" not in ended.out


def test_each_stage_alone(finished, tmp_path):
    file = write_experiment(tmp_path / "small.yaml")
    folder, prediction = tmp_path / "runs" / "small", tmp_path / "prediction.json"
    described = small_run.experiment()
    options = {
        "--model": described.model.id,
        "--dtype": described.model.dtype,
        "--device": described.model.device,
        "--sae-path": described.sae.path,
        "--sft": described.training_set.source,
        "--domains": described.benchmark.source,
        "--shift-tokens": described.settings.shift_tokens,
        "--domain-tokens": described.settings.domain_tokens,
        "-o": prediction,
    }
    words = [word for pair in options.items() for word in pair]
    words += [word for name in small_run.DOMAINS for word in ("--only", name)]
    words += [word for seed in described.settings.seeds for word in ("--seed", seed)]
    tuning, transfer = folder / "tuning.json", folder / "transfer.json"
    for command in (
        ["predict", *words],
        ["stage", "finetune", file, "--prediction", prediction, "--folder", folder],
        ["stage", "measure", file, "--tuning", tuning, "--prediction", prediction],
        ["report", prediction, transfer, "--folder", folder],
    ):
        ended = call(*command)
        assert ended.code == 0, ended.err
    assert "Predicted and measured, by domain" in ended.out
    assert figures(tmp_path / "runs") == figures(finished.runs)
    alone, whole = (Report.read(runs / "small" / "report.json") for runs in (tmp_path / "runs", finished.runs))
    assert alone.rows == whole.rows
    assert correlations(alone) == correlations(whole)


def correlations(report):
    """What a report says of every predictor that has not seen the tuned model."""
    tables = report.comparison.tables
    return {(one.question, one.measure): [row.single for row in one.standing("ranked")] for one in tables}


def test_measuring_needs_the_prediction_that_the_tuning_followed(finished, tmp_path):
    folder = copied(finished.runs, tmp_path / "runs")
    file = write_experiment(tmp_path / "small.yaml")
    (prediction,) = folder.glob("prediction-*.json")
    ended = call("stage", "finetune", file, "--prediction", prediction, "--folder", folder)
    assert f"--tuning {folder / 'tuning.json'} --prediction {prediction}" in ended.out
    line = error_line(call("stage", "measure", file, "--tuning", folder / "tuning.json"))
    assert "tests a prediction" in line
    assert "--prediction" in line


def contaminated(folder):
    """The first rows of the mathematics set, one of which asks what the benchmark asks."""
    (asked,) = [row for row in read_table(str(lab.benchmark_path() / "test.parquet"), split="test").rows
                if str(row["question_id"]) == QUESTION]  # fmt: skip
    rows = list(read_table(str(lab.sft_path("math")), split="train").rows[:40])
    rows[7] = {**rows[7], "question": asked["question"]}
    return str(tiny.write_jsonl(folder / "sft.jsonl", rows))


QUESTION = "8000"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"measure": {"task": "mmlu_por"}}, "lm-eval knows no task 'mmlu_por'"),
        ({"tune": {"seeds": (0, 1, 1)}}, "a seed occurs twice"),
        ({"settings": {"seeds": (3, 3)}}, "a seed occurs twice"),
        ({"training_set": {"source": "nowhere.jsonl"}}, "there is no file nowhere.jsonl"),
        ({"training_set": {"source": "contaminated"}}, "1 of 40 training rows contain benchmark questions (row 7"),
    ],
    ids=["task", "seeds", "seeds of the prediction", "file", "contamination"],
)
def test_wrong_input_is_one_line_before_the_work(calls, few_tasks, tmp_path, changes, says):
    if changes.get("training_set", {}).get("source") == "contaminated":
        changes = {"training_set": {"source": contaminated(tmp_path)}}
    ended = call("run", write_experiment(tmp_path / "small.yaml", **changes), "--folder", tmp_path / "runs" / "small")
    assert says in error_line(ended)
    assert ended.out == ""
    assert calls == {}
    assert not list(tmp_path.rglob("prediction-*.json"))


def test_overlap_that_is_allowed_is_said_and_a_tuning_that_changed_nothing_is_reported(tmp_path):
    file = write_experiment(
        tmp_path / "small.yaml",
        training_set={"source": contaminated(tmp_path)},
        tune={"allow_overlap": True, "learning_rate": 1e-9, "max_steps": 1, "seeds": (0,)},
    )
    ended = call("run", file, "--folder", tmp_path / "runs" / "small")
    assert ended.code == 0, ended.err
    assert "Warning: 1 training rows contain benchmark questions" in ended.out
    assert "there was nothing to predict" in ended.out


def test_a_tuned_model_is_not_tuned_further(finished, calls, tmp_path):
    folder = copied(finished.runs, tmp_path / "runs")
    (weights,) = folder.glob("tuning/seed-0-*/weights")
    file = write_experiment(tmp_path / "small.yaml", model={"adapter": str(weights)})
    line = error_line(call("run", file, "--folder", folder))
    assert "a model with an adapter cannot be tuned further" in line
    assert "train" not in calls


def test_an_adapter_of_another_model(finished, calls, tmp_path):
    folder = copied(finished.runs, tmp_path / "runs")
    (config,) = folder.glob("tuning/seed-1-*/weights/adapter_config.json")
    values = json.loads(config.read_text(encoding="utf-8"))
    config.write_text(json.dumps(values | {"base_model_name_or_path": "google/gemma-2b"}), encoding="utf-8")
    file = write_experiment(tmp_path / "small.yaml", measure={"max_questions": 2})
    line = error_line(call("run", file, "--folder", folder))
    assert "was trained on google/gemma-2b, not on" in line
    assert calls == {"evaluate": 2}  # the untuned model and seed 0, which stay


def test_a_tuning_above_the_hook_is_reported_without_overlap(tmp_path):
    above = {"targets": ("layers.3.mlp.down_proj",), "learning_rate": 0.5, "max_steps": 3, "seeds": (0,)}
    ended = call("run", write_experiment(tmp_path / "small.yaml", tune=above), "--folder", tmp_path / "runs" / "small")
    assert ended.code == 0, ended.err
    (tuning,) = (one.tuning for one, _ in records(tmp_path / "runs").values() if hasattr(one, "tuning"))
    assert tuning.changed
    assert "Which way it changes (accuracy): 1 run" in ended.out
    assert "actually shifted dimensions" not in ended.out
    assert not list(tmp_path.rglob("oracle-*.json"))


def test_weights_that_serve_several_benchmarks_are_checked_against_each(finished, tmp_path):
    """A sweep tunes once for all benchmarks; the record in each run names the questions of its own."""
    rows = read_table(str(lab.sft_path("math")), split="train").rows
    asked = {"question": rows[5]["question"], "options": ["1", "2"], "answer_index": 0, "category": "math"}
    tiny.write_jsonl(tmp_path / "exam" / "test.jsonl", [{"question_id": "e1", **asked}])
    tiny.write_jsonl(tmp_path / "exam" / "validation.jsonl", [{"question_id": "e2", "cot_content": "2", **asked}])
    one = small_run.experiment(tune={"allow_overlap": True})
    other = one.model_copy(update={"benchmark": BenchmarkSpec(source=str(tmp_path / "exam"))})
    files = RunFolder.of(finished.runs / "small")
    first, second = (pipeline.make_tuning(each, None, files) for each in (one, other))
    assert [run.weights_sha256 for run in first.runs] == [run.weights_sha256 for run in second.runs]
    assert (first.contamination.benchmark, first.contamination.rows) == (one.benchmark.source, ())
    found = second.contamination
    assert (found.benchmark, found.rows, found.question_ids) == (str(tmp_path / "exam"), (5,), ("e1",))
    assert f"1 training rows contain benchmark questions of {tmp_path / 'exam'}" in second.warnings
