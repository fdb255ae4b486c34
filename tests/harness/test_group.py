"""One harness task for each benchmark, any benchmark, and the keys of --metadata."""

import logging

import pytest
from helpers import tiny
from helpers.command import BUDGET, CATEGORIES, MODEL_ARGS, evaluate, manager
from helpers.task_files import CHOOSING, write_group, write_task

from sts_eval import lab
from sts_eval.data.tables import read_table
from sts_eval.errors import UserError
from sts_eval.experiment import BenchmarkSpec, Experiment, ModelSpec, PredictSettings, SAESpec, TrainingSetSpec
from sts_eval.harness.plan import metadata_keys, plan_from
from sts_eval.prediction.predict import predict
from sts_eval.records.prediction import SCORES


@pytest.fixture(scope="module")
def office(tmp_path_factory):
    """A user's group of two tasks, with questions of the lab."""
    folder = tmp_path_factory.mktemp("tasks")
    for name, category in (("office_law", "law"), ("sums", "math")):
        splits = {}
        for split, file, count in (("test", "test", 40), ("dev", "validation", 6)):
            rows = read_table(str(lab.benchmark_path() / f"{file}.parquet"), split=file).rows
            of_category = [row for row in rows if row["category"] == category][:count]
            splits[split] = [
                {"question": row["question"], "choices": list(row["options"]), "answer": int(row["answer_index"])}
                for row in of_category
            ]
        write_task(folder, name, splits, **CHOOSING)
    write_group(folder, "office", ["office_law", "sums"])
    return folder


def test_a_users_group_has_the_same_scores_in_the_harness_and_outside(office):
    prediction = predict(
        Experiment(
            model=ModelSpec(id=str(lab.model_path()), dtype="float32", device="cpu"),
            sae=SAESpec(path=str(lab.sae_path())),
            training_set=TrainingSetSpec(source=str(lab.math_path())),
            benchmark=BenchmarkSpec(source="office", include_path=str(office)),
            settings=PredictSettings(**BUDGET, domain_shots=2, seeds=(0,)),
        )
    )
    assert (prediction.benchmark.source, prediction.benchmark.version) == ("office", "2.0")
    own = {"sae_path": str(lab.sae_path()), "sft": str(lab.math_path()), "domain_shots": 2, "seeds": [0]}
    found = evaluate(["sts"], {**BUDGET, **own, "benchmark": "office", "include_path": str(office)})
    assert found["group_subtasks"] == {"sts_office": ["sts_office_law", "sts_office_sums"]}
    for domain, task in (("office_law", "sts_office_law"), ("sums", "sts_office_sums")):
        for name in SCORES:
            score = prediction.predictor(name).scores[domain]
            assert found["results"][task][f"{name},none"] == pytest.approx(score.value, rel=1e-6)
            assert found["results"][task][f"{name}_stderr,none"] == pytest.approx(score.se, rel=1e-6)


def test_the_tasks_are_installed_where_the_harness_looks():
    names = set(manager({}).all_tasks)
    assert names >= {"sts", "sts_lab", "sts_mmlu", "sts_mmlupro", "lab_mmlupro"}
    assert len([name for name in names if name.startswith("lab_mmlupro_")]) == CATEGORIES


def test_a_group_has_a_task_for_each_domain():
    (group,) = manager(dict(BUDGET)).load(["sts_lab"])["groups"].values()
    assert len(group.child_names) == CATEGORIES
    assert {"sts_lab_law", "sts_lab_computer_science"} <= set(group.child_names)


def test_domains_whose_names_are_the_same_words_keep_their_names(tmp_path):
    rows = [{"question": "Which?", "options": ["x", "y"], "answer": "A", "category": name} for name in ("a b", "a_b")]
    for split in ("test", "validation"):
        tiny.write_jsonl(tmp_path / "mine" / f"{split}.jsonl", rows)
    metadata = MODEL_ARGS | {"benchmark": str(tmp_path / "mine"), "sft": str(lab.math_path())}
    (group,) = manager(metadata).load(["sts"])["groups"].values()
    assert (group.name, group.child_names) == ("sts_mine", ["sts_mine_a b", "sts_mine_a_b"])


@pytest.mark.parametrize(
    ("key", "near"),
    [
        ("topn", "top_n"),
        ("top-n", "top_n"),
        ("TOP_N", "top_n"),
        ("shot", "shots"),
        ("domain", "domains"),
        ("sae_releases", "sae_release"),
        ("predictor", "predictors"),
    ],
)
def test_a_misspelt_key_is_refused_with_the_nearest(key, near):
    with pytest.raises(UserError, match=f"--metadata has no key '{key}'. Did you mean '{near}'"):
        evaluate(["sts_lab"], BUDGET | {key: 5}, limit=1)


def test_the_chat_template_has_its_own_option():
    with pytest.raises(UserError, match=r"--metadata has no key 'chat_template'. Use --apply_chat_template"):
        plan_from({"sft": "x", "chat_template": True}, chat_template=False)


def test_keys_of_the_model_and_of_lm_eval_are_no_mistakes(caplog):
    given = {"pretrained": "m", "dtype": "float32", "peft": "p", "revision": "main", "batch_size": 1, "device": "cpu"}
    more = {"attn_implementation": "eager", "load_in_4bit": True, "version": 1.0, "config_source": "x"}
    assert plan_from(given | more | {"sft": "x"}, chat_template=False).model_id == "m"
    for name in (name for one in metadata_keys() for name in (one.name, *one.older)):
        plan_from({name: None} | {"sft": "x"}, chat_template=False)
    with caplog.at_level(logging.WARNING):
        manager(MODEL_ARGS | BUDGET | {"max_seq_lengths": [4096]}).load(["sts_lab"])
    assert "STS reads none of these keys: max_seq_lengths" in caplog.text
    assert "dtype" not in caplog.text
