"""Before and after through the real harness on the lab's model."""

import json
import shutil
from pathlib import Path
from unittest import mock

import pytest
import torch
from peft.tuners.lora import LoraModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from sts_eval import lab
from sts_eval.data.benchmark import load_benchmark
from sts_eval.data.tables import read_table
from sts_eval.errors import UserError
from sts_eval.experiment import BenchmarkSpec, Experiment, MeasureSettings, TrainingSetSpec
from sts_eval.records.prediction import (
    Cost,
    DataIdentity,
    DomainQuestions,
    ModelIdentity,
    Prediction,
    SAEIdentity,
)
from sts_eval.records.transfer import Transfer
from sts_eval.transfer.domain_changes import summarise
from sts_eval.transfer.evaluate import Tuned, batch_size
from sts_eval.transfer.lm_eval_tasks import load_tasks
from sts_eval.transfer.measure import measure, refer_to, tuned_models
from sts_eval.transfer.packed_lm import PackedLM

TASKS = str(Path(__file__).parents[2] / "tasks")

GENERATING = """
task: lab_generating
custom_dataset: !function sts_eval.lab.accuracy.splits
dataset_kwargs: {domain: math}
test_split: test
output_type: generate_until
doc_to_text: "Question: {{question}}\\nAnswer:"
doc_to_target: "{{options[answer_index]}}"
filter_list:
  - name: first-line
    filter: [{function: regex, regex_pattern: "^ *([0-9]+)\\n"}, {function: take_first}]
generation_kwargs: {until: ["Question:"], max_gen_toks: 6, do_sample: false}
metric_list: [{metric: exact_match, aggregation: mean, higher_is_better: true}]
"""


CHOOSING = """
task: lab_choosing
custom_dataset: !function sts_eval.lab.accuracy.splits
dataset_kwargs: {domain: law}
test_split: test
fewshot_split: validation
output_type: multiple_choice
doc_to_text: "Question: {{question}}\\nAnswer:"
doc_to_choice: !function sts_eval.lab.accuracy.choices
doc_to_target: answer_index
metric_list: [{metric: acc}]
"""


def predicted(read, created="2026-01-01T00:00:00+00:00"):
    """A prediction that read these questions: ids by domain."""
    identity = DataIdentity(source="x", revision=None, rows=1, sha256="0")
    return Prediction(
        created=created,
        experiment=Experiment(model={"id": "x"}, training_set=TrainingSetSpec(source="x")),
        model=ModelIdentity(
            id="x", commit=None, architecture="x", dtype="x", d_model=1, n_layers=1, tokenizer_sha256="0",
            chat_template=False, context=1,
        ),
        sae=SAEIdentity(
            release=None, id=None, path=None, architecture="x", d_in=1, d_sae=1, hook_name="x", layer=None,
            neuronpedia_id=None, weights_sha256="0",
        ),
        training_set=identity,
        benchmark=identity,
        shifts=(),
        domains=tuple(
            DomainQuestions(
                domain=domain, n_questions=len(ids), n_tokens=1, prompts_sha256="0", question_ids=tuple(ids),
            )
            for domain, ids in read.items()
        ),
        predictors=(),
        reasons=(),
        warnings=(),
        versions={},
        cost=Cost(seconds={}, tokens=0, passes=0),
    )  # fmt: skip


@pytest.fixture(scope="module")
def benchmark():
    return load_benchmark(BenchmarkSpec(source=str(lab.benchmark_path())))


@pytest.fixture(scope="module")
def prediction(benchmark):
    """Read the first hundred questions of two domains."""
    return predicted(
        {name: [question.id for question in benchmark.domains[name].questions[:100]] for name in ("law", "math")}
    )


@pytest.fixture(scope="module")
def settings():
    return MeasureSettings(task="lab_mmlupro", include_path=TASKS, batch_size="32", max_questions=40)


@pytest.fixture(scope="module")
def measured(model, tuned, settings, prediction, tmp_path_factory):
    record, folder = tuned
    kept = tmp_path_factory.mktemp("evaluations")
    after = tuned_models(record, folder)
    return measure(model, after, settings, kept, prediction=prediction, tuning=record), kept


def test_the_record(measured, tuned, prediction, tmp_path):
    record, _ = measured
    assert [change.domain for change in record.domains] == ["law", "math"]
    assert all(change.n == 40 for change in record.domains)
    assert record.seeds == (0, 1)
    assert record.flags == ()
    assert record.tuning == tuned[0]
    assert record.prediction == refer_to(prediction)
    assert record.prediction.prediction_sha256 == prediction.sha256()
    assert "another prediction" in record.warnings[-1]
    record.write(tmp_path / "transfer.json")
    again = Transfer.read(tmp_path / "transfer.json")
    assert again == record
    assert summarise(again.answers, again.seeds) == again.domains


def test_questions_that_were_read_are_left_out(measured, prediction):
    record, _ = measured
    assert (record.origin.questions, record.origin.n_read) == ("disjoint", 200)
    for table, scores in zip(record.answers, prediction.domains, strict=True):
        assert not set(table.question_ids) & set(scores.question_ids)


def test_tuning_moves_the_continuous_measure(measured):
    record, _ = measured
    math = record.domain("math").logprob
    assert math.delta != 0
    assert math.se is not None
    assert record.answers[0].after[0].logprob != record.answers[0].after[1].logprob


def test_against_separate_forward_passes(measured, model):
    """The right option's share of the options' probability, computed with nothing but the model."""
    record, _ = measured
    table = record.answers[1]
    rows = {
        str(row["question_id"]): row
        for row in read_table(str(lab.benchmark_path() / "test.parquet"), split="test").rows
    }
    tokenizer = AutoTokenizer.from_pretrained(model.id)
    network = AutoModelForCausalLM.from_pretrained(model.id).eval()
    for index in range(5):
        row = rows[table.question_ids[index]]
        asked = f"Question: {row['question']}\nAnswer:"
        start = len(tokenizer(asked).input_ids)
        scores = []
        for option in row["options"]:
            ids = torch.tensor([tokenizer(f"{asked} {option}\n").input_ids])
            with torch.inference_mode():
                logprobs = network(ids).logits[0, :-1].log_softmax(-1)
            scores.append(logprobs.gather(1, ids[0, 1:, None])[start - 1 :].sum())
        scores = torch.stack(scores)
        assert table.before.logprob[index] == pytest.approx(float(scores.log_softmax(0)[row["answer_index"]]), abs=1e-3)
        assert table.before.right[index] == (int(scores.argmax()) == row["answer_index"])


def test_nothing_is_evaluated_twice(measured, model, tuned, settings, prediction, monkeypatch):
    record, kept = measured
    after = tuned_models(*tuned)
    calls = []
    load = PackedLM.create_from_arg_obj
    monkeypatch.setattr(PackedLM, "create_from_arg_obj", lambda own, more: calls.append(own) or load(own, more))
    again = measure(model, after, settings, kept, prediction=prediction, tuning=tuned[0])
    assert again.domains == record.domains
    assert calls == []
    # A tuned model that is not known yet costs one evaluation, not two.
    (kept / f"evaluation-{record.origin.after_keys[1][:16]}.json").unlink()
    measure(model, after, settings, kept, prediction=prediction, tuning=tuned[0])
    assert [call["peft"] for call in calls] == [str(after[1].weights)]


def test_the_papers_way_is_marked(measured, model, tuned, settings, prediction, tmp_path):
    same = settings.model_copy(update={"questions": "same", "max_questions": 30})
    record = measure(model, tuned_models(*tuned)[:1], same, tmp_path, prediction=prediction)
    assert "same_questions" in record.flags
    assert record.origin.n_read == 0


def test_a_prediction_made_afterwards(measured, model, tuned, settings, prediction, monkeypatch):
    _, kept = measured
    late = prediction.model_copy(update={"created": "2100-01-01T00:00:00+00:00"})
    record = measure(model, tuned_models(*tuned), settings, kept, prediction=late, tuning=tuned[0])
    assert record.post_hoc


def test_an_adapter_of_another_model(model, tuned, settings, prediction, tmp_path):
    foreign = tmp_path / "adapter"
    shutil.copytree(tuned_models(*tuned)[0].weights, foreign)
    config = json.loads((foreign / "adapter_config.json").read_text())
    (foreign / "adapter_config.json").write_text(json.dumps(config | {"base_model_name_or_path": "google/gemma-2b"}))
    few = settings.model_copy(update={"max_questions": 2})
    with pytest.raises(UserError, match="was trained on google/gemma-2b, not on"):
        measure(model, [Tuned(0, foreign)], few, tmp_path / "kept", prediction=prediction)


def test_the_same_weights_answer_alike(model, tmp_path):
    """Whole weights are evaluated too, and both sides see the same demonstrations."""
    (tmp_path / "task.yaml").write_text(CHOOSING)
    settings = MeasureSettings(
        task="lab_choosing", include_path=str(tmp_path), batch_size="8", max_questions=8, num_fewshot=2
    )
    network = AutoModelForCausalLM.from_pretrained(model.id)
    network.save_pretrained(tmp_path / "whole")
    AutoTokenizer.from_pretrained(model.id).save_pretrained(tmp_path / "whole")
    record = measure(model, [Tuned(0, tmp_path / "whole", whole=True)], settings, tmp_path / "kept")
    assert record.answers[0].after[0].logprob == pytest.approx(record.answers[0].before.logprob, abs=1e-5)
    assert record.model_after == "whole"


def test_a_merged_adapter_answers_as_the_attached_one(measured, model, tuned, settings, prediction, tmp_path, caplog):
    merged, _ = measured
    after = tuned_models(*tuned)[:1]
    attached = settings.model_copy(update={"adapter": "attached"})
    record = measure(model, after, attached, tmp_path, prediction=prediction)
    for one, other in zip(record.answers, merged.answers, strict=True):
        assert one.after[0].logprob == pytest.approx(other.after[0].logprob, abs=1e-3)
        assert one.after[0].logprob != one.before.logprob
    # Where merging does not keep the answers, the adapter is attached, which is said here and in the record.
    merge = LoraModel.merge_adapter
    with mock.patch.object(LoraModel, "merge_adapter", lambda network: _spoil(network, merge)):
        spoiled = measure(model, after, settings, tmp_path, prediction=prediction)
    assert spoiled.answers == record.answers
    (warning,) = spoiled.warnings
    assert warning.startswith("the tuned model of seed 0: the adapter was attached: merged, options differ by")
    assert "The adapter stays attached, which is slower" in caplog.text


def _spoil(network, merge):
    merge(network)
    with torch.no_grad():
        network.get_input_embeddings().weight.mul_(-1)


def test_a_task_that_was_predicted_is_one_domain(model, benchmark, tuned, tmp_path):
    """Its documents name a category, `law`, but the prediction is about the task."""
    (tmp_path / "task.yaml").write_text(CHOOSING)
    settings = MeasureSettings(task="lab_choosing", include_path=str(tmp_path), batch_size="8", max_questions=4)
    ids = [question.id for question in benchmark.domains["law"].questions[:100]]
    about_the_task = predicted({"lab_choosing": ids})
    record = measure(model, tuned_models(*tuned)[:1], settings, tmp_path / "kept", prediction=about_the_task)
    assert [change.domain for change in record.domains] == ["lab_choosing"]
    assert not set(record.answers[0].question_ids) & set(ids)


def test_generated_answers(model, tuned, prediction, tmp_path):
    (tmp_path / "task.yaml").write_text(GENERATING)
    settings = MeasureSettings(
        task="lab_generating", include_path=str(tmp_path), batch_size="8", max_questions=16, num_fewshot=0
    )
    record = measure(model, tuned_models(*tuned)[:1], settings, tmp_path / "kept")
    (change,) = record.domains
    assert change.logprob is None
    assert record.length_unit == "tokens"
    before = record.answers[0].before
    assert all(length <= 6 for length in before.lengths)
    # Nothing tells the lab's model to stop, so its answers run into the limit.
    assert before.n_truncated > 0
    assert change.form_before.truncated == before.n_truncated / 16
    assert record.flags == ("no_prediction",)


def test_mistakes(model, tuned, settings, benchmark, tmp_path):
    after = tuned_models(*tuned)
    with pytest.raises(UserError, match="two of one seed"):
        measure(model, [after[0], after[0]], settings, tmp_path)
    with pytest.raises(UserError, match="there is no folder nowhere"):
        load_tasks(settings.model_copy(update={"include_path": "nowhere"}))
    everything = predicted({"law": [question.id for question in benchmark.domains["law"].questions]})
    with pytest.raises(UserError, match="the prediction read every question of law"):
        measure(model, after, settings, tmp_path, prediction=everything)
    with pytest.raises(UserError, match="none of the questions that the prediction read"):
        measure(model, after, settings, tmp_path, prediction=predicted({"law": ["x"]}))
    with pytest.raises(UserError, match="holds no safetensors weights"):
        measure(model, [Tuned(0, tmp_path)], settings, tmp_path / "kept", prediction=predicted({"law": ["8000"]}))


@pytest.mark.parametrize(
    ("task", "told"),
    [
        ("sts_lab", "sts_lab_biology does not score each question 0 or 1: it asks a model for sts_scores"),
        ("perplexed", "perplexed does not score each question 0 or 1: it asks a model for loglikelihood_rolling"),
        ("agreeing", "agreeing does not score each question 0 or 1: it reports mcc"),
    ],
)
def test_a_task_without_right_answers_is_refused_before_a_model_is_loaded(tmp_path, task, told):
    shutil.copytree(Path(TASKS) / "sts", tmp_path / "sts")
    perplexed = CHOOSING.replace("lab_choosing", "perplexed").replace("multiple_choice", "loglikelihood_rolling")
    (tmp_path / "task.yaml").write_text(perplexed.replace("metric: acc", "metric: word_perplexity"))
    (tmp_path / "other.yaml").write_text(
        CHOOSING.replace("lab_choosing", "agreeing").replace("metric: acc", "metric: mcc")
    )
    with pytest.raises(UserError, match=told):
        load_tasks(MeasureSettings(task=task, include_path=str(tmp_path)))


def test_an_unknown_task(settings, few_tasks):
    with pytest.raises(UserError, match="lm-eval knows no task 'mmlu_por'"):
        load_tasks(settings.model_copy(update={"task": "mmlu_por"}))


@pytest.mark.parametrize(
    ("asked", "device", "given"),
    [
        ("auto", "cpu", "8"),
        ("auto", "mps", "8"),
        ("auto", "cuda:1", "auto"),
        ("4", "cpu", "4"),
        ("auto:4", "cuda", "auto:4"),
    ],
)
def test_no_search_for_the_largest_batch_without_a_gpu(asked, device, given):
    assert batch_size(MeasureSettings(batch_size=asked), device) == given
