"""`sts-eval calibrate`, and `sts-eval predict --calibration`, as a user meets them."""

import dataclasses
import re
import sys

import pytest
from helpers import tiny
from helpers.outcomes import cost, outcomes, planted
from helpers.records import prediction

from sts_eval.analysis.calibrate import calibrate
from sts_eval.analysis.expected_change import expected
from sts_eval.cli import main as entry
from sts_eval.records.calibration import Calibration, ExpectedChange
from sts_eval.records.outcome import write_outcomes
from sts_eval.records.prediction import Prediction, PredictorScores, Score
from sts_eval.reporting.calibration import sentence

SAID = {f"d{i}": float(i * i) for i in range(14)}


@pytest.fixture
def run(monkeypatch, capsys):
    """Call the entry point as the console script does. Returns exit code, stdout and stderr."""

    def call(*options):
        monkeypatch.setattr(sys, "argv", ["sts-eval", *(str(option) for option in options)])
        code = 0
        try:
            entry()
        except SystemExit as stop:
            code = int(stop.code or 0)
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return call


def made(n_models=4, n_sets=5):
    changes, noise = planted(n_models=n_models, n_sets=n_sets)
    scores = {"sts_icl": changes + noise, "tfidf_cosine": changes + noise / 2}
    models, sets = [f"m{i}" for i in range(n_models)], [f"s{i}" for i in range(n_sets)]
    return outcomes(changes, scores, models=models, sets=sets)


@pytest.fixture
def runs(tmp_path):
    write_outcomes(tmp_path / "runs.jsonl", made())
    return tmp_path / "runs.jsonl"


@pytest.fixture
def foretold(tmp_path):
    """A prediction with both predictors, on disk."""
    other = PredictorScores(
        name="tfidf_cosine",
        group="lexical",
        flags=(),
        summary="Made",
        scores={domain: Score(value=value) for domain, value in SAID.items()},
        seeds=(0,),
        cost=cost(seconds=1, passes=0),
    )
    made = prediction(SAID)
    made.model_copy(update={"predictors": (*made.predictors, other)}).write(tmp_path / "prediction.json")
    return tmp_path / "prediction.json"


def words(text):
    """Printed text without the breaks that the width of a table makes."""
    return " ".join(text.split())


def test_prints_both_hold_outs_and_writes_the_record(run, runs, tmp_path):
    code, out, err = run("calibrate", runs, "-o", tmp_path / "calibration.json")
    assert code == 0, err
    record = Calibration.read(tmp_path / "calibration.json")
    assert record.equation == calibrate(made()).equation
    rows = [line.strip(" │").split("│") for line in out.splitlines() if line.startswith("│")]
    rows = [[cell.strip() for cell in row] for row in rows]
    for one, name in zip(record.hold_outs, ("one model", "one training set"), strict=True):
        known = [one.skill_zero, one.skill_run_mean, one.skill_domain_mean]
        skills = [f"{skill:+.2f}" for skill in known]
        assert [name, str(one.n_groups), str(one.n_points), f"{one.rmse:.2f}", f"{one.mae:.2f}", *skills] in rows
        for level in one.levels:
            share = [f"{level.share:.0%}", f"[{level.share_low:.0%}, {level.share_high:.0%}]"]
            assert [name, f"{level.level:.0%}", f"±{level.half_width:.1f}", *share, str(level.n)] in rows
    one = record.hold_outs[0]
    assert f"RMSE {one.rmse_same_set:.2f}; skill against it: {one.skill_same_set:+.2f}." in words(out)
    assert record.hold_outs[1].skill_same_set is None  # a new set has no such mean
    assert "20 runs, 4 models, 5 training sets, 14 domains, 280 points" in out
    assert "Chosen without one training set: tfidf_cosine 5 of 5." in words(out)
    assert record.sha256()[:12] in out


def test_applies_a_record_in_sentences_sorted_by_change(run, runs, foretold, tmp_path):
    run("calibrate", runs, "-o", tmp_path / "calibration.json")
    code, out, err = run("calibrate", "--apply", tmp_path / "calibration.json", foretold)
    assert code == 0, err
    changes = expected(Calibration.read(tmp_path / "calibration.json"), Prediction.read(foretold))
    assert len(changes) == 14
    places = [out.index(sentence(change)) for change in changes]
    assert places == sorted(places)
    for change in changes:
        assert f"{change.low90:+.1f} to {change.high90:+.1f}".replace("-0.0", "+0.0") in out


def test_a_sentence():
    change = ExpectedChange(domain="engineering", points=-6.04, low80=-9.1, high80=-2.98, low90=-11.0, high90=-1.08)
    assert sentence(change) == "engineering -6.0 points, likely (80%) -9.1 to -3.0"
    close = change.model_copy(update={"points": -0.04})
    assert sentence(close).startswith("engineering +0.0 points")
    without = change.model_copy(update={"low80": None, "high80": None})
    assert sentence(without) == "engineering -6.0 points, no interval"


def test_a_calibrated_run_is_no_news_and_an_unknown_domain_is_named(run, tmp_path):
    asked = prediction({**SAID, "alchemy": 7.0})
    asked.write(tmp_path / "prediction.json")
    first, *others = made()
    known = first.model_copy(update={"prediction_sha256": asked.sha256()})
    calibrate((known, *others), ["sts_icl"]).write(tmp_path / "calibration.json")
    code, out, _ = run("calibrate", "--apply", tmp_path / "calibration.json", tmp_path / "prediction.json")
    assert code == 0
    assert "alchemy: no expected change, no calibrated run measured it." in words(out)
    assert "the calibration was fitted to this run" in words(out)


def test_too_little_history_says_so_and_gives_no_points(run, foretold, tmp_path):
    write_outcomes(tmp_path / "few.jsonl", made(n_models=2, n_sets=2))
    code, out, err = run("calibrate", tmp_path / "few.jsonl", "-o", tmp_path / "calibration.json")
    assert code == 0, err
    assert "Too little history for any expected change" in words(out)
    assert "RMSE" not in out
    code, out, err = run("calibrate", "--apply", tmp_path / "calibration.json", foretold)
    assert code == 2
    assert "Too little history" in err
    assert not re.search(r"points, (likely|no interval)", out)


def test_an_unknown_kind_of_novelty_is_named(run, foretold, tmp_path):
    write_outcomes(tmp_path / "one.jsonl", made(n_models=1, n_sets=4))
    run("calibrate", tmp_path / "one.jsonl", "-o", tmp_path / "calibration.json")
    code, out, _ = run("calibrate", "--apply", tmp_path / "calibration.json", foretold)
    assert code == 0
    assert "new model is not known: leaving one model out needs 3, not 1." in words(out)
    assert "new training set is not known" not in words(out)


def test_a_prediction_without_the_predictor_is_one_line(run, runs, tmp_path):
    run("calibrate", runs, "--predictor", "tfidf_cosine", "-o", tmp_path / "calibration.json")
    prediction(SAID).write(tmp_path / "prediction.json")
    code, _, err = run("calibrate", "--apply", tmp_path / "calibration.json", tmp_path / "prediction.json")
    assert code == 2
    assert err.strip().splitlines() == [
        "Error: the prediction lacks tfidf_cosine, which the calibration uses. "
        "Predict again with --predictors tfidf_cosine."
    ]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--predictor", "magic"], "no run has the predictor 'magic'"),
        (["-o", "/proc/calibration.json"], "/proc/calibration.json cannot be written"),
        (["--apply", "nowhere.json"], "nowhere.json cannot be read"),
        (["--apply", "nowhere.json", "--history", "none"], "--apply uses a finished calibration"),
    ],
)
def test_wrong_input_is_one_line(run, runs, options, says):
    code, _, err = run("calibrate", runs, *options)
    assert code == 2
    assert says in err
    assert len(err.strip().splitlines()) == 1


@pytest.fixture
def tiny_options(tmp_path):
    """A tiny prediction over three domains, in options."""
    third = dataclasses.replace(tiny.DOMAINS[0], name="poems", questions=tiny.DOMAINS[0].questions[:1])
    tiny.sae("standard").save_model(tmp_path / "sae")
    options = {
        "--model": tiny.write_model(tmp_path / "model"),
        "--dtype": "float32",
        "--device": "cpu",
        "--sae-path": tmp_path / "sae",
        "--sft": tiny.write_training_set(tmp_path / "sft.jsonl"),
        "--domains": tiny.write_benchmark(tmp_path / "benchmark", [*tiny.DOMAINS, third]),
        "--top-n": "5",
        "--output": tmp_path / "prediction.json",
    }
    return ["--allow-mismatch", *(part for pair in options.items() for part in pair)]  # the SAE's weights are random


def named(calibration, domains):
    """The calibration, its first domains called otherwise."""
    names = dict(zip(calibration.domains, domains, strict=False))
    history = calibration.equation.history
    mean = {names.get(domain, domain): value for domain, value in history.mean.items()}
    equation = calibration.equation.model_copy(update={"history": history.model_copy(update={"mean": mean})})
    renamed = tuple(names.get(domain, domain) for domain in calibration.domains)
    return calibration.model_copy(update={"domains": renamed, "equation": equation})


def test_predict_asks_for_the_predictor_and_gives_points(run, tiny_options, tmp_path):
    assert run("predict", *tiny_options)[0] == 0
    domains = list(Prediction.read(tmp_path / "prediction.json").by_predictor()["sts_icl"])
    named(calibrate(made(), ["tfidf_cosine"]), domains).write(tmp_path / "calibration.json")
    code, out, err = run(
        "predict", *tiny_options, "--predictors", "none", "--calibration", tmp_path / "calibration.json"
    )
    assert code == 0, err
    record = Prediction.read(tmp_path / "prediction.json")
    assert [one.name for one in record.others] == ["tfidf_cosine"]
    changes = expected(Calibration.read(tmp_path / "calibration.json"), record)
    assert {change.domain for change in changes} == set(domains)
    assert all(sentence(change) in out for change in changes)
    assert out.index(sentence(changes[0])) > out.index("predicted impact")


def test_predict_refuses_a_calibration_without_points_before_the_work(run, monkeypatch, tiny_options, tmp_path):
    calibrate(made(n_models=1, n_sets=1)).write(tmp_path / "calibration.json")
    monkeypatch.setattr("sts_eval.prediction.predict.predict", lambda *_: pytest.fail("the work was begun"))
    code, _, err = run("predict", *tiny_options, "--calibration", tmp_path / "calibration.json")
    assert code == 2
    assert "the calibration gives no expected change" in err
