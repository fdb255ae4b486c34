"""Options scored by the likelihood of their texts, against nothing but the model."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.records import prediction as predicted
from lm_eval import simple_evaluate
from lm_eval.tasks import TaskManager
from transformers import AutoModelForCausalLM, AutoTokenizer

from sts_eval import lab
from sts_eval.analysis.aligned_runs import align
from sts_eval.analysis.runs import summarise
from sts_eval.data.benchmark import load_benchmark
from sts_eval.errors import UserError
from sts_eval.experiment import BenchmarkSpec, MeasureSettings
from sts_eval.transfer.lm_eval_tasks import load_tasks
from sts_eval.transfer.measure import measure, tuned_models
from sts_eval.transfer.option_task import option_tasks, scores

TASKS = Path(__file__).parents[2] / "tasks" / "mmlupro_options"


def row(number, category="law", **more):
    fields = {
        "question_id": 100 + number,
        "question": f"What is {number}?",
        "options": ["one", "another one", "N/A", " some third "],
        "answer": "D",
        "answer_index": 3,
        "category": category,
    }
    return fields | more


def write(folder, test, validation):
    folder.mkdir(exist_ok=True)
    for name, rows in (("test", test), ("validation", validation)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(one) + "\n" for one in rows), encoding="utf-8")
    return BenchmarkSpec(source=str(folder))


@pytest.fixture
def folder(tmp_path):
    rows = [row(1), row(2), row(3, "sea law")]
    return write(tmp_path / "mine", rows, [row(9, options=["yes", "no"], answer="B", answer_index=1)])


def test_documents(folder):
    """What is N/A is left out and the index moves along; categories are the folder's own."""
    tasks = option_tasks(folder)
    assert list(tasks) == ["mmlupro_options_law", "mmlupro_options_sea_law"]
    law = tasks["mmlupro_options_law"]
    assert law.eval_docs[0] == {
        "question_id": "101", "question": "What is 1?", "options": ["one", "another one", "some third"],
        "answer_index": 2, "category": "law",
    }  # fmt: skip
    document = law.eval_docs[1]
    assert law.doc_to_text(document) == "Question: What is 2?\nAnswer:"
    assert law.doc_to_choice(document)[law.doc_to_target(document)] == "some third"
    shown = law.fewshot_context(document, 1)
    assert shown == "Question: What is 9?\nAnswer: no\n\nQuestion: What is 2?\nAnswer:"


def test_metrics_by_hand():
    """The second option wins alone, the first per character; shares of .1, .3, .6 give the right one ln .6."""
    document = {"options": ["ab", "abcdé", "c"], "answer_index": 2}
    found = scores(document, [(float(np.log(share)), False) for share in (0.1, 0.3, 0.6)])
    assert found == pytest.approx(
        {"acc": 1.0, "acc_norm": 0.0, "logprob": np.log(0.6), "logprob_per_byte": np.log(0.6)}
    )
    found = scores(document | {"answer_index": 1}, [(-4.0, False), (-6.0, False), (-3.0, False)])
    assert (found["acc"], found["acc_norm"]) == (0.0, 1.0)
    assert found["logprob_per_byte"] == -6.0 / 6


def test_one_category(folder):
    settings = MeasureSettings(task="mmlupro_options_sea_law")
    assert list(load_tasks(settings, folder)[0]) == ["mmlupro_options_sea_law"]
    assert list(load_tasks(MeasureSettings(task="mmlupro_options"), folder)[0]) == list(option_tasks(folder))
    with pytest.raises(UserError, match="has no task 'mmlupro_options_tax'"):
        load_tasks(MeasureSettings(task="mmlupro_options_tax"), folder)
    with pytest.raises(UserError, match="no questions with a known answer in domain 'tax'"):
        option_tasks(folder.model_copy(update={"domains": ("tax",)}))


def test_questions_that_cannot_be_scored_are_left_out(tmp_path):
    """Those without a known answer, and those whose right option is blank."""
    rows = [row(0), *(row(number, answer=None, answer_index=None) for number in (1, 2))]
    rows += [row(3, options=["one", ""], answer="B", answer_index=1)]
    (task,) = option_tasks(write(tmp_path / "mine", rows, [row(9)])).values()
    assert task.eval_docs["question_id"] == ["100"]


def test_the_files_are_the_same_tasks(model):
    """`lm_eval --tasks mmlupro_options --metadata domains=FOLDER`."""
    manager = TaskManager(
        include_path=str(TASKS), include_defaults=False, metadata={"domains": str(lab.benchmark_path())}
    )
    found = simple_evaluate(
        model="hf",
        model_args={"pretrained": model.id},
        tasks=["mmlupro_options_law", "mmlupro_options_math"],
        task_manager=manager,
        samples={"mmlupro_options_law": [0, 1, 2], "mmlupro_options_math": [4]},
        device="cpu",
        batch_size=8,
        bootstrap_iters=0,
    )
    law = option_tasks(BenchmarkSpec(source=str(lab.benchmark_path())))["mmlupro_options_law"]
    assert [one["doc"] for one in found["samples"]["mmlupro_options_law"]] == [
        law.eval_docs[place] for place in range(3)
    ]
    metrics = found["results"]["mmlupro_options_law"]
    assert {"acc,none", "acc_norm,none", "logprob,none", "logprob_per_byte,none"} <= set(metrics)
    assert metrics["logprob,none"] < 0
    named = {
        match[1] for path in TASKS.glob("mmlupro*.yaml") if (match := re.search("dataset_name: (.+)", path.read_text()))
    }
    assert named == set(load_benchmark(BenchmarkSpec(source=str(lab.benchmark_path()))).domains)
    assert set(manager.all_subtasks) == set(option_tasks(BenchmarkSpec(source=str(lab.benchmark_path()))))


@pytest.fixture(scope="module")
def measured(model, tuned, tmp_path_factory):
    record, folder = tuned
    spec = BenchmarkSpec(source=str(lab.benchmark_path()), domains=("law", "math", "physics"))
    prediction = predicted(dict.fromkeys(spec.domains, 1.0))
    read = {
        name: task.eval_docs["question_id"][:20]
        for name, task in zip(spec.domains, option_tasks(spec).values(), strict=True)
    }
    prediction = prediction.model_copy(
        update={
            "experiment": prediction.experiment.model_copy(update={"benchmark": spec}),
            "domains": tuple(
                one.model_copy(update={"question_ids": tuple(read[one.domain])}) for one in prediction.domains
            ),
        }
    )
    settings = MeasureSettings(task="mmlupro_options", max_questions=12)
    done = measure(
        model, tuned_models(record, folder), settings, tmp_path_factory.mktemp("kept"), prediction=prediction
    )
    return done, spec, prediction


def test_measured_on_the_benchmark_of_the_prediction(measured):
    record, spec, prediction = measured
    assert tuple(change.domain for change in record.domains) == spec.domains
    assert record.origin.n_read == 60
    assert record.warnings == ()  # packed and merged
    for table, read in zip(record.answers, prediction.domains, strict=True):
        assert not set(table.question_ids) & set(read.question_ids)


def test_measures_against_separate_forward_passes(measured, model):
    record, spec, _ = measured
    table, law = record.answers[0], option_tasks(spec)["mmlupro_options_law"]
    documents = {one["question_id"]: one for one in law.eval_docs}
    tokenizer = AutoTokenizer.from_pretrained(model.id)
    network = AutoModelForCausalLM.from_pretrained(model.id).eval()
    for place in range(5):
        document = documents[table.question_ids[place]]
        asked = f"Question: {document['question']}\nAnswer:"
        start, right = len(tokenizer(asked).input_ids), document["answer_index"]
        options = []
        for option in document["options"]:
            ids = torch.tensor([tokenizer(f"{asked} {option}").input_ids])
            with torch.inference_mode():
                logprobs = network(ids).logits[0, :-1].log_softmax(-1)
            options.append(logprobs.gather(1, ids[0, 1:, None])[start - 1 :, 0])
        sums = torch.stack([option.sum() for option in options])
        assert table.before.logprob[place] == pytest.approx(float(sums.log_softmax(0)[right]), abs=1e-3)
        assert table.before.logprob_per_token[place] == pytest.approx(float(options[right].mean()), abs=1e-3)
        per_character = [float(total) / len(option) for total, option in zip(sums, document["options"], strict=True)]
        assert table.before.acc_norm[place] == "01"[int(np.argmax(per_character)) == right]


def test_changes_follow_from_the_answers(measured):
    record, _, _ = measured
    change, table = record.domains[1], record.answers[1]
    was, after = (np.array(one) for one in (table.before.logprob_per_token, [a.logprob_per_token for a in table.after]))
    assert change.logprob_per_token.delta == pytest.approx((after - was).mean())
    assert change.logprob_per_token.se > 0
    right = [np.array([mark == "1" for mark in one.acc_norm]) for one in (table.before, *table.after)]
    assert change.acc_norm.before == pytest.approx(right[0].mean())
    assert change.acc_norm.delta == pytest.approx(100 * (np.mean(right[1:]) - right[0].mean()))
    assert [one.acc_norm_delta for one in change.by_seed] == pytest.approx(
        [100 * (one.mean() - right[0].mean()) for one in right[1:]]
    )


def test_every_measure_is_an_outcome(measured):
    record, _, prediction = measured
    outcome = summarise(prediction, record)
    runs = align([outcome])
    assert set(runs.measures) == {"accuracy", "logprob", "acc_norm", "logprob_per_token"}
    changes = runs.measures["logprob_per_token"]
    assert changes.change[0].tolist() == [one.logprob_per_token.delta for one in record.domains]
    assert changes.by_seed[0].shape == (2, 3)
