"""The harness task against the core, in one process."""

import json
import math
import re
import warnings

import pytest
from helpers import tiny
from helpers.command import BUDGET, CATEGORIES, MODEL_ARGS, evaluate
from lm_eval.models.dummy import DummyLM

from sts_eval import lab
from sts_eval.errors import UserError
from sts_eval.experiment import (
    BenchmarkSpec,
    Experiment,
    ModelSpec,
    PredictSettings,
    SAESpec,
    TrainingSetSpec,
)
from sts_eval.harness.task import _spread_over_seeds
from sts_eval.prediction import collect
from sts_eval.prediction.predict import predict
from sts_eval.records.prediction import SCORES


def settled(**settings):
    return Experiment(
        model=ModelSpec(id=str(lab.model_path()), dtype="float32", device="cpu"),
        sae=SAESpec(path=str(lab.sae_path())),
        training_set=TrainingSetSpec(source=str(lab.math_path())),
        benchmark=BenchmarkSpec(source=str(lab.benchmark_path()), domains=("math", "law")),
        settings=PredictSettings(**BUDGET, **settings),
    )


PAIR = {"only": ["math", "law"]}
MATH = {"only": "math"}
LAW = {"only": "law"}


def test_the_tasks_values_are_the_cores():
    prediction = predict(settled(seeds=(0,)))
    results = evaluate(["sts_lab"], {**BUDGET, **PAIR, "seeds": [0]})["results"]
    for domain in prediction.domains:
        row = results[f"sts_lab_{domain.domain}"]
        assert row["sample_len"] == domain.n_questions
        for name in SCORES:
            score = prediction.predictor(name).scores[domain.domain]
            assert row[f"{name},none"] == pytest.approx(score.value, rel=1e-5)
            assert row[f"{name}_stderr,none"] == pytest.approx(score.se, rel=1e-3)


def test_several_seeds_give_the_cores_mean_and_spread():
    prediction = predict(settled(seeds=(0, 1, 2)))
    results = evaluate(["sts_lab"], {**BUDGET, **PAIR, "seeds": [0, 1, 2]})["results"]
    for domain in prediction.domains:
        row = results[f"sts_lab_{domain.domain}"]
        score = prediction.predictor("sts_icl").scores[domain.domain]
        assert row["sts_icl,none"] == pytest.approx(score.value, rel=1e-5)
        assert row["sts_icl_seed_sd,none"] == pytest.approx(score.seed_sd, rel=1e-3)
        assert score.seed_sd > 0


def test_the_spread_over_seeds_by_hand():
    assert _spread_over_seeds([{0: 1.0, 1: 3.0}, {0: 3.0, 1: 5.0}]) == pytest.approx(2**0.5)  # means 2 and 4
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert math.isnan(_spread_over_seeds([{0: 1.0}, {0: 2.0}]))


def test_other_predictors_stand_in_the_same_table():
    names = ["lexical", "residual_cosine", "sts_icl_robust", "gradient"]
    prediction = predict(settled(predictors=["lexical", "residual_cosine"]))
    results = evaluate(["sts_lab"], {**BUDGET, **PAIR, "predictors": ";".join(names)})["results"]
    assert {column.name for column in prediction.others} >= {"tfidf_cosine", "residual_cosine"}
    for column in (*prediction.others, prediction.predictor("sts_icl_robust")):
        for domain, value in column.values.items():
            row = results[f"sts_lab_{domain}"]
            assert row[f"{column.name},none"] == pytest.approx(value, rel=1e-4)
            assert row[f"{column.name}_stderr,none"] == "N/A"
    assert not any(key.startswith("gradient") for key in results["sts_lab_math"])


def test_under_a_limit_other_predictors_read_the_questions_that_are_asked_for():
    found = evaluate(["sts_lab"], {**BUDGET, **MATH, "predictors": "prompt_length"}, limit=3, log_samples=True)
    questions = [sample["doc"]["question"] for sample in found["samples"]["sts_lab_math"]]
    assert len(questions) == 3
    words = sum(len(re.findall(r"\w+", question)) for question in questions) / 3
    assert found["results"]["sts_lab_math"]["prompt_length,none"] == pytest.approx(words)


def test_everything_is_read_once(monkeypatch):
    seeds = []
    measure = collect.measure_shift
    monkeypatch.setattr(
        collect, "measure_shift", lambda *given, **more: seeds.append(given[2]) or measure(*given, **more)
    )
    monkeypatch.setattr("sts_eval.harness.request.measure_shift", None)
    evaluate(["sts_lab"], {**BUDGET, **PAIR, "predictors": "magnitude", "seeds": [0, 1]}, limit=2)
    assert seeds == [0, 1]


def test_prediction_and_accuracy_stand_side_by_side():
    results = evaluate(["sts_lab", "lab_mmlupro_math"], BUDGET | MATH, limit=4)["results"]
    assert math.isfinite(results["sts_lab_math"]["sts_act,none"])
    assert 0 <= results["lab_mmlupro_math"]["acc,none"] <= 1


def test_the_group_is_the_mean_over_its_domains():
    results = evaluate(["sts_lab"], limit=2)
    rows = [results["results"][name] for name in results["group_subtasks"]["sts_lab"]]
    assert len(rows) == CATEGORIES
    mean = sum(row["sts_icl,none"] for row in rows) / CATEGORIES
    assert results["groups"]["sts_lab"]["sts_icl,none"] == pytest.approx(mean)


def test_limit_takes_the_first_of_the_seeds_own_order():
    whole = evaluate(["sts_lab"], BUDGET | MATH, log_samples=True)["samples"]["sts_lab_math"]
    part = evaluate(["sts_lab"], BUDGET | MATH, limit=3, log_samples=True)["samples"]["sts_lab_math"]
    assert [sample["doc"]["question_id"] for sample in part] == [s["doc"]["question_id"] for s in whole[:3]]
    assert [sample["sts_icl"] for sample in part] == pytest.approx([s["sts_icl"] for s in whole[:3]], rel=1e-4)


def test_a_cache_and_an_adapter_are_served(tmp_path):
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained(lab.model_path(), dtype="float32")
    tuned = get_peft_model(base, LoraConfig(target_modules="all-linear", init_lora_weights=False))
    tuned.save_pretrained(tmp_path / "adapter")
    plain = evaluate(["sts_lab"], BUDGET | LAW, limit=3, use_cache=str(tmp_path / "cache"))["results"]["sts_lab_law"]
    arguments = {**MODEL_ARGS, "peft": str(tmp_path / "adapter")}
    adapted = evaluate(["sts_lab"], BUDGET | LAW, limit=3, model_args=arguments)["results"]["sts_lab_law"]
    assert math.isfinite(adapted["sts_icl,none"])
    assert adapted["sts_icl,none"] != pytest.approx(plain["sts_icl,none"], rel=1e-3)


def test_apply_chat_template_changes_the_prompts(tmp_path):
    folder = tiny.write_model(tmp_path / "model", template=tiny.CHATML)
    tiny.sae("standard").save_model(tmp_path / "sae")
    tiny.write_benchmark(tmp_path / "benchmark")
    rows = tiny.write_training_set(tmp_path / "sft.jsonl")
    metadata = {
        "sae_path": str(tmp_path / "sae"),
        "benchmark": str(tmp_path / "benchmark"),
        "sft": str(rows),
        "top_n": 5,
        "only": tiny.DOMAINS[0].name,
        "allow_mismatch": True,  # the SAE's weights are random
    }
    domain = f"sts_mmlupro_{tiny.DOMAINS[0].name}"
    arguments = {"pretrained": str(folder), "dtype": "float32"}
    plain = evaluate(["sts_mmlupro"], metadata, model_args=arguments)["results"][domain]
    chat = evaluate(["sts_mmlupro"], metadata, model_args=arguments, apply_chat_template=True)["results"][domain]
    assert math.isfinite(chat["sts_icl,none"])
    assert chat["sts_icl,none"] != pytest.approx(plain["sts_icl,none"], rel=1e-6)


def test_samples_are_json(tmp_path):
    samples = evaluate(["sts_lab"], BUDGET | MATH, limit=2, log_samples=True)["samples"]["sts_lab_math"]
    again = json.loads(json.dumps(samples, default=str))
    assert {"sts_act", "sts_icl", "sts_notebook"} <= set(again[0])


def test_a_model_without_hidden_states_says_so():
    with pytest.raises(UserError, match="DummyLM shows no hidden states"):
        evaluate(["sts_lab"], BUDGET | MATH, model=DummyLM(), model_args=None, limit=1)


def test_no_training_set_says_which_key_to_give():
    with pytest.raises(UserError, match="--metadata sft="):
        evaluate(["sts_mmlupro"], {"benchmark": str(lab.benchmark_path())}, limit=1)


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"top_n": "many"}, "--metadata top_n='many'"),
        ({"estimator": "guess"}, "--metadata estimator='guess'"),
        ({"benchmark": str(lab.model_path())}, "has no test file"),
        ({"sft": "missing.jsonl"}, "there is no file missing.jsonl"),
    ],
)
def test_wrong_metadata_names_the_key(metadata, message):
    with pytest.raises(UserError, match=message):
        evaluate(["sts_lab"], {**BUDGET, **metadata}, limit=1)
