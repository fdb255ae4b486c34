"""Importing what the harness itself writes: a multiple-choice task and MMLU-Pro's generating one."""

import json
import math

import pandas as pd
import pytest

from sts_eval.errors import UserError
from sts_eval.transfer.import_results import import_transfer
from sts_eval.transfer.lm_eval_samples import answers_from, normalised_logprob

GENERATING = """
task: pro_law
dataset_path: parquet
dataset_kwargs: {{data_files: {{test: {file}}}}}
test_split: test
output_type: generate_until
doc_to_text: "Question: {{{{question}}}}\\nAnswer:"
doc_to_target: answer
filter_list:
  - name: custom-extract
    filter:
      - function: regex
        regex_pattern: 'answer is \\(?([ABCDEFGHIJ])\\)?'
      - function: take_first
generation_kwargs: {{until: ["Question:"], max_gen_toks: 8}}
metric_list:
  - {{metric: exact_match, aggregation: mean, higher_is_better: true, ignore_case: true}}
"""

CHOOSING = """
task: pro_law
dataset_path: parquet
dataset_kwargs: {{data_files: {{test: {file}}}}}
test_split: test
output_type: multiple_choice
doc_to_text: "Question: {{{{question}}}}\\nAnswer:"
doc_to_choice: options
doc_to_target: answer_index
metric_list: [{{metric: acc}}]
"""


def evaluate(folder, template, file, model):
    """Run the harness on a task file and save as its command line does."""
    from lm_eval import simple_evaluate
    from lm_eval.loggers import EvaluationTracker
    from lm_eval.tasks import TaskManager

    (folder / "task.yaml").write_text(template.format(file=file))
    tracker = EvaluationTracker(output_path=str(folder / model.name))
    results = simple_evaluate(
        model=model,
        tasks=["pro_law"],
        task_manager=TaskManager(include_path=str(folder), include_defaults=False),
        evaluation_tracker=tracker,
        bootstrap_iters=0,
    )
    samples = results.pop("samples")
    tracker.save_results_aggregated(results=results, samples=samples)
    tracker.save_results_samples(task_name="pro_law", samples=samples["pro_law"])
    return folder / model.name


def oracle(name, *, right, readable=True):
    """A model that knows every `right`-th answer."""
    from lm_eval.api.model import LM

    class Oracle(LM):
        def loglikelihood(self, requests):
            known = [r.doc["question_id"] % right == 0 and r.idx == r.doc["answer_index"] for r in requests]
            return [(-1.0 if hit else -2.0 - r.idx / 100, False) for hit, r in zip(known, requests, strict=True)]

        def loglikelihood_rolling(self, requests):
            raise NotImplementedError

        def generate_until(self, requests):
            said = [r.doc["answer"] if r.doc["question_id"] % right == 0 else "Z" for r in requests]
            return [f"The answer is ({letter})" if readable else "Hm." for letter in said]

    model = Oracle()
    model.name = name
    return model


@pytest.fixture(scope="module")
def law(shared_data, tmp_path_factory):
    """Fifty MMLU-Pro questions in a file of their own."""
    table = pd.read_parquet(shared_data / "mmlu_pro" / "test.parquet")
    file = tmp_path_factory.mktemp("law") / "law.parquet"
    table[table["category"] == "law"].to_parquet(file)
    return file


def test_generating_task(law, tmp_path):
    before = evaluate(tmp_path, GENERATING, law, oracle("base", right=2))
    after = evaluate(tmp_path, GENERATING, law, oracle("tuned", right=1))
    muddled = evaluate(tmp_path, GENERATING, law, oracle("muddled", right=1, readable=False))
    record = import_transfer("lm-eval", [before, after, muddled])
    (change,) = record.domains
    assert (change.domain, change.n) == ("law", 50)
    assert change.by_seed[0].accuracy_after == 1
    assert change.by_seed[1].accuracy_after == 0
    assert change.by_seed[1].form.unparsed == 1
    # "Z" is no letter of the benchmark, so the filter finds no answer in it.
    assert change.form_before.unparsed == pytest.approx(1 - change.accuracy_before)
    assert change.form_before.mean_length == len("The answer is (X)")
    assert "prompts_differ" not in record.flags


def test_multiple_choice_task(law, tmp_path):
    before = evaluate(tmp_path, CHOOSING, law, oracle("base", right=2))
    after = evaluate(tmp_path, CHOOSING, law, oracle("tuned", right=1))
    record = import_transfer("lm-eval", [before, after])
    (change,) = record.domains
    assert change.accuracy_after == 1
    assert change.logprob.delta > 0
    assert record.answers[0].before.lengths is None
    assert record.answers[0].before.n_unparsed == 0


@pytest.mark.parametrize(
    ("choices", "target"),
    [
        ("options", "'{{{{options[answer_index]}}}}'"),
        ("'{{{{\"ABCDEFGHIJ\"[:options|length]|list}}}}'", "answer"),
        ("'{{{{\"ABCDEFGHIJ\"[:options|length]|list}}}}'", "answer_index"),
    ],
)
def test_right_options_as_tasks_give_them(law, tmp_path, choices, target):
    """As a text, a letter or a number, each of which the harness saves in its own way."""
    template = CHOOSING.replace("doc_to_target: answer_index", f"doc_to_target: {target}")
    template = template.replace("doc_to_choice: options", f"doc_to_choice: {choices}")
    folder = evaluate(tmp_path, template, law, oracle("base", right=1))
    (domain,) = import_transfer("lm-eval", [folder, folder]).answers
    others = [
        sum(math.exp(-2 - place / 100) for place in range(len(options)) if place != right)
        for options, right in pd.read_parquet(law)[["options", "answer_index"]].itertuples(index=False)
    ]
    assert domain.before.logprob == pytest.approx([-1 - math.log(math.exp(-1) + rest) for rest in others], abs=1e-6)


def test_other_prompts_are_noticed(law, tmp_path):
    before = evaluate(tmp_path, CHOOSING, law, oracle("base", right=2))
    worded = CHOOSING.replace("Question:", "Q:")
    after = evaluate(tmp_path, worded, law, oracle("tuned", right=1))
    assert "prompts_differ" in import_transfer("lm-eval", [before, after]).flags


def test_normalised_logprob_by_hand():
    assert normalised_logprob([math.log(2), math.log(6)], 1) == pytest.approx(math.log(0.75))
    assert normalised_logprob([-1000.0, -1000.0], 0) == pytest.approx(math.log(0.5))


def sample(**fields):
    return {
        "doc": {"question_id": 7, "category": "law"},
        "doc_id": 0,
        "target": "A",
        "resps": [["The answer is (A)"]],
        "filtered_resps": ["A"],
        "exact_match": 1.0,
    } | fields


def test_truncation_where_the_limit_is_known():
    (answer,) = answers_from([sample()], "law", length=len, limit=17)
    assert (answer.length, answer.truncated) == (17, True)
    (answer,) = answers_from([sample()], "law", length=len, limit=18)
    assert answer.truncated is False


def test_documents_without_id_or_category():
    (answer,) = answers_from([sample(doc={}, doc_id=3)], "arc_easy")
    assert (answer.domain, answer.question_id) == ("arc_easy", "3")


def test_filters():
    two = [sample(filter="strict"), sample(filter="loose", exact_match=0.0)]
    with pytest.raises(UserError, match=r"several filters \(loose, strict\)"):
        answers_from(two, "law")
    assert [answer.verdict for answer in answers_from(two, "law", filter_name="loose")] == ["w"]
    with pytest.raises(UserError, match="no filter 'x'"):
        answers_from(two, "law", filter_name="x")


def test_no_verdict():
    with pytest.raises(UserError, match="do not say which answers are right"):
        answers_from([sample(exact_match=0.5)], "law")


def write(folder, date, lines, task="law"):
    folder.mkdir(exist_ok=True)
    (folder / f"samples_{task}_{date}.jsonl").write_text("".join(f"{line}\n" for line in lines))


def test_newest_run_of_a_folder(tmp_path):
    write(tmp_path / "a", "2026-01-01T10-00-00.123", [json.dumps(sample(exact_match=0.0))])
    write(tmp_path / "a", "2026-01-02T10-00-00.123", [json.dumps(sample())])
    record = import_transfer("lm-eval", [tmp_path / "a", tmp_path / "a"])
    assert record.domains[0].accuracy_before == 1
    assert "newest" in record.warnings[0]


def test_bad_folders(tmp_path):
    write(tmp_path / "a", "2026-01-01T10-00-00", ["{"])
    with pytest.raises(UserError, match="line 1 is not JSON"):
        import_transfer("lm-eval", [tmp_path / "a", tmp_path / "a"])
    write(tmp_path / "b", "2026-01-01T10-00-00", ["{}"])
    with pytest.raises(UserError, match="has a sample without 'doc'"):
        import_transfer("lm-eval", [tmp_path / "b", tmp_path / "b"])
    with pytest.raises(UserError, match=r"several models \(a, b\)"):
        import_transfer("lm-eval", [tmp_path, tmp_path])
