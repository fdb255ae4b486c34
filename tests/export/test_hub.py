"""The hub's files, read back with huggingface_hub's own parser."""

import pytest
import yaml
from helpers.exports import IMPORTED, MEASURED, published, source, transfer
from helpers.submissions import raw, submission
from huggingface_hub import parse_eval_result_entries

from sts_eval.errors import UserError
from sts_eval.export import read_source, to_hub
from sts_eval.export.names import one_line

WHOLE, PARTS = ".eval_results/mmlu_pro.yaml", ".eval_results/mmlu_pro-domains.yaml"

HOSTILE = [
    "no",
    "1e3",
    "null",
    "~",
    "a: b # c",
    "- d\n- e",
    "../../up",
    "*anchor",
    "!!python/object:os.system",
    "\u202eevil\x00\x07",
    "Recht für alle",
    "数学 🙂",
    "a_b",
    "a b",
    "{{x}}",
    "'\"\\",
    "line\u2028end\u0085",
    "x" * 300,
]


def entries(content):
    return parse_eval_result_entries(yaml.safe_load(content))


def test_every_value_comes_back_from_the_hubs_own_parser(tmp_path):
    made = to_hub(source(tmp_path))
    assert list(made.files) == [WHOLE, PARTS]
    (whole,) = entries(made.files[WHOLE])
    math, law = entries(made.files[PARTS])
    assert [one.dataset_id for one in (whole, math, law)] == ["TIGER-Lab/MMLU-Pro"] * 3
    assert [one.task_id for one in (whole, math, law)] == ["mmlu_pro", "mmlu_pro_math", "mmlu_pro_law"]
    assert [one.value for one in (whole, math, law)] == [66.666667, 62.5, 75.0]
    assert [one.date for one in (whole, math, law)] == ["2026-01-02T00:00:00+00:00"] * 3
    for one in (whole, math, law):
        assert (one.dataset_revision, one.verify_token) == (None, None)
        assert (one.source_url, one.source_name, one.source_user, one.source_org) == (None,) * 4
    assert math.notes == (
        "mean over 2 tuning seeds; SE 23.94 points over questions and seeds; 4 questions; domain math; "
        "lm-eval task mmlu_pro, 5-shot; 3 questions that a prediction had read left out of the run"
    )
    assert "6 questions; 2 domains, each question counts once" in whole.notes


def test_the_untuned_models_accuracy_is_its_own(tmp_path):
    made = to_hub(source(tmp_path), which="before")
    math, law = entries(made.files[PARTS])
    assert (math.value, law.value) == (50.0, 50.0)
    assert math.notes.startswith("untuned model; SE 28.87 points over questions; 4 questions")
    assert "seed" not in math.notes


def test_a_submission_says_where_it_is_described(tmp_path):
    path = tmp_path / "submission.json"
    path.write_bytes(raw(submission()))
    (whole,) = entries(to_hub(read_source(path)).files[WHOLE])
    assert (whole.source_url, whole.source_name) == ("https://example.org/a", "sts-eval")


def test_without_answers_there_is_a_value_and_no_error(tmp_path):
    path = tmp_path / "submission.json"
    path.write_bytes(raw(submission(evidence=False)))
    known, bare = to_hub(read_source(path)), submission()
    (whole,) = entries(known.files[WHOLE])
    assert whole.value == pytest.approx(100 * (0.5 + sum(one.delta for one in bare.transfer.domains) / 5 / 100))
    assert whole.notes.startswith("mean over 3 tuning seeds; 300 questions")
    assert "SE" not in whole.notes
    assert whole.date is None


def test_a_papers_figures_have_neither_error_nor_seeds_nor_a_whole(tmp_path):
    made = to_hub(read_source(published(tmp_path)))
    assert list(made.files) == [PARTS]  # a domain's accuracy is not known, so that of all of them is not
    found = entries(made.files[PARTS])
    assert len(found) == 4
    for one in found:
        assert one.notes.startswith("tuned model, number of seeds unknown; 60 questions")
        assert one.notes.endswith("published, not measured by sts-eval")


def test_hostile_names_neither_break_the_file_nor_become_other_values(tmp_path):
    domains = dict.fromkeys(HOSTILE, ("rw", ("rr",)))
    whole = transfer(domains, origin=MEASURED.model_copy(update={"task": "x\n- y: ../z\u202e"}))
    made = to_hub(source(tmp_path, whole), dataset_id="me/bench", task_id="1e3")
    assert list(made.files) == [".eval_results/1e3.yaml", ".eval_results/1e3-domains.yaml"]
    found = entries(made.files[".eval_results/1e3-domains.yaml"])
    assert len(found) == len({one.task_id for one in found}) == len(HOSTILE)
    for one, name in zip(found, HOSTILE, strict=True):
        assert (one.dataset_id, one.value) == ("me/bench", 100.0)
        assert one.task_id.startswith("1e3_")
        assert one.notes.isprintable()
        assert f"domain {one_line(name)}; lm-eval task x - y: ../z" in one.notes
    assert 'task_id: "1e3"' in made.files[".eval_results/1e3.yaml"]  # a number to YAML 1.2 without its quotes


@pytest.mark.parametrize(
    ("task", "options", "says"),
    [
        ("lab", {}, "names 'lab', which is no dataset on the hub. Give --dataset-id OWNER/NAME and --task-id ID"),
        ("lab", {"dataset_id": "me/lab"}, "the task of me/lab is not known. Give --task-id ID"),
        ("../lab", {"task_id": "x"}, "names '../lab', which is no dataset on the hub"),
        ("lab", {"dataset_id": "me/../lab", "task_id": "x"}, "--dataset-id 'me/../lab' is no repository id"),
        ("mmlu_pro", {"task_id": "a\nb"}, r"--task-id 'a\nb' is no name"),
    ],
)
def test_a_dataset_or_task_that_is_not_known_is_asked_for(task, options, says, tmp_path):
    whole = transfer(origin=MEASURED.model_copy(update={"task": task}))
    with pytest.raises(UserError) as error:
        to_hub(source(tmp_path, whole), **options)
    assert says in str(error.value)


def test_a_table_names_no_benchmark(tmp_path):
    with pytest.raises(UserError, match="the record names no benchmark"):
        to_hub(source(tmp_path, transfer(origin=IMPORTED)))
