"""Every Eval Ever's records, held against its published schemas."""

import hashlib
import json
import uuid
from pathlib import PurePosixPath

import pytest
from helpers.exports import IMPORTED, MEASURED, published, source, transfer, validated
from helpers.submissions import raw, submission

from sts_eval.errors import UserError
from sts_eval.export import read_source, to_every_eval_ever
from sts_eval.transfer.import_results import import_transfer


def by_state(made):
    """The records of an export by what they say of their model."""
    records = validated(made.files)
    return {record["model_info"]["additional_details"]["state"]: record for record in records.values()}


def handed(tmp_path, **options):
    path = tmp_path / "submission.json"
    path.write_bytes(raw(submission(**options)))
    return read_source(path)


def test_a_measured_run_fits_the_schema_and_holds_its_figures(tmp_path):
    made = to_every_eval_ever(source(tmp_path), base_id="org/base", model_id="me/tuned", organization="Ada's lab")
    records = by_state(made)
    after = records["tuned"]
    assert after["source_metadata"] == {
        "source_name": "sts-eval",
        "source_type": "evaluation_run",
        "source_organization_name": "Ada's lab",
        "evaluator_relationship": "other",  # the record does not tell who tuned
        "additional_details": {"origin": "measured", "record_sha256": transfer().sha256()},
    }
    assert after["eval_library"] == {"name": "lm_eval", "version": "0.4.13"}
    assert after["evaluation_timestamp"] == "2026-01-02T00:00:00+00:00"
    assert after["retrieved_timestamp"] == "1767312000.0"
    info = after["model_info"]
    assert (info["id"], info["developer"]) == ("me/tuned", "me")
    assert info["inference_engine"] == {"name": "transformers", "version": "5.0.0"}
    assert info["additional_details"]["base_model"] == "org/base"
    names = ["mmlu_pro", "mmlu_pro.math", "mmlu_pro.law"]
    assert [result["evaluation_name"] for result in after["evaluation_results"]] == names
    math = after["evaluation_results"][1]
    assert math["source_data"]["hf_repo"] == "TIGER-Lab/MMLU-Pro"
    assert math["score_details"] == {
        "score": 0.625,
        "details": {
            "level": "domain",
            "questions": "4",
            "domain": "math",
            "aggregation": "mean over tuning seeds",
            "seeds": "2",
            "accuracy_by_seed": "[0.75, 0.5]",
            "change_points": "12.5",
        },
        "uncertainty": {
            "standard_error": {
                "value": pytest.approx((11 / 192) ** 0.5),
                "method": "analytic, over questions and seeds",
            },
            "num_samples": 4,
        },
    }
    assert math["generation_config"]["additional_details"]["num_fewshot"] == "5"
    assert "generation_args" not in math["generation_config"]
    before = records["untuned"]
    assert before["evaluation_results"][1]["score_details"]["score"] == 0.5
    assert before["evaluation_results"][1]["score_details"]["uncertainty"]["standard_error"]["method"].endswith(
        "questions"
    )
    assert "seeds" not in json.dumps(before["evaluation_results"])


def test_the_files_lie_where_the_project_has_them_and_the_lines_belong_to_them(tmp_path):
    made = to_every_eval_ever(source(tmp_path), base_id="org/base", model_id="me/tuned")
    records = validated(made.files)
    assert {str(PurePosixPath(name).parent) for name in made.files} == {
        "data/mmlu_pro/org/base",
        "data/mmlu_pro/me/tuned",
    }
    for name, record in records.items():
        stem = PurePosixPath(name).stem
        assert uuid.UUID(stem).version == 4
        assert str(uuid.UUID(stem)) == stem
        detailed = record["detailed_evaluation_results"]
        content = made.files[detailed["file_path"]]
        assert detailed["file_path"] == name.removesuffix(".json") + "_samples.jsonl"
        assert detailed["checksum"] == hashlib.sha256(content.encode()).hexdigest()
        rows = [json.loads(line) for line in content.splitlines()]
        assert detailed["total_rows"] == len(rows)
        for row in rows:
            assert row["evaluation_id"] == record["evaluation_id"]
            assert row["model_id"] == record["model_info"]["id"]
        for result in record["evaluation_results"][1:]:
            scores = [
                row["evaluation"]["score"]
                for row in rows
                if row["evaluation_result_id"] == result["evaluation_result_id"]
            ]
            assert sum(scores) / len(scores) == pytest.approx(result["score_details"]["score"])


def test_a_line_tells_what_is_known_of_an_answer_and_that_texts_are_not(tmp_path):
    made = to_every_eval_ever(source(tmp_path), states=("after",))
    (lines,) = (content for name, content in made.files.items() if name.endswith(".jsonl"))
    last = json.loads(lines.splitlines()[-1])
    assert last["sample_id"] == "law 1"
    assert last["evaluation"] == {"score": 0.0, "is_correct": False}
    assert last["metadata"] == {"domain": "law", "texts": "not recorded", "verdict": "unparsed", "tuning_seed": "1"}
    assert (last["input"], last["output"]) == ({"raw": "", "reference": []}, {"raw": []})


def test_a_tuning_of_our_own_is_first_party_and_its_base_is_not(tmp_path):
    records = by_state(to_every_eval_ever(handed(tmp_path)))
    after, before = records["tuned"], records["untuned"]
    assert after["source_metadata"]["evaluator_relationship"] == "first_party"
    assert before["source_metadata"]["evaluator_relationship"] == "other"
    assert after["source_metadata"]["source_organization_name"] == "Ada Lovelace"
    details = after["model_info"]["additional_details"]
    assert (details["tuning_method"], details["tuning_seeds"]) == ("lora", "[0, 1, 2]")
    assert (details["training_set"], details["model_availability"]) == ("set", "unknown")
    command = after["evaluation_results"][0]["generation_config"]["generation_args"]["execution_command"]
    assert command == "sts-eval run set.yaml"


def test_without_answers_there_are_no_lines_and_no_errors(tmp_path):
    made = to_every_eval_ever(handed(tmp_path, evidence=False))
    assert len(made.files) == 2
    for record in by_state(made).values():
        assert record["source_metadata"]["source_type"] == "documentation"
        assert "detailed_evaluation_results" not in record
        assert "evaluation_timestamp" not in record
        assert "inference_engine" not in record["model_info"]
        for result in record["evaluation_results"]:
            assert "uncertainty" not in result["score_details"]
            assert result["score_details"]["details"]["questions"] in {"60", "300"}


def test_a_papers_figures_have_no_error_no_seeds_and_no_library(tmp_path):
    records = by_state(to_every_eval_ever(read_source(published(tmp_path))))
    assert len(records) == 2
    for record in records.values():
        assert record["eval_library"] == {"name": "unknown", "version": "unknown"}
        assert "source_name" not in record["source_metadata"]
        assert record["model_info"]["additional_details"]["deployment_type"] == "unknown"
        assert len(record["evaluation_results"]) == 4
        for result in record["evaluation_results"]:
            assert "uncertainty" not in result["score_details"]
            assert "seeds" not in result["score_details"]["details"]


def write_rows(path, letters):
    rows = [
        {"question_id": number, "category": "law", "answer": "A", "pred": pred} for number, pred in enumerate(letters)
    ]
    path.write_text(json.dumps(rows), encoding="utf-8")
    return path


def test_files_of_mmlu_pros_own_script(tmp_path):
    paths = [write_rows(tmp_path / "old.json", ["A", "B", None]), write_rows(tmp_path / "new.json", ["A", "A", "B"])]
    run = source(tmp_path, import_transfer("mmlu-pro", paths))
    after = by_state(to_every_eval_ever(run))["tuned"]
    assert after["eval_library"] == {"name": "MMLU-Pro evaluate_from_local.py", "version": "unknown"}
    assert after["evaluation_results"][0]["score_details"]["score"] == pytest.approx(2 / 3)
    assert after["evaluation_results"][0]["source_data"]["hf_repo"] == "TIGER-Lab/MMLU-Pro"
    assert "evaluation_timestamp" not in after  # when the script ran is not known
    assert "generation_config" not in after["evaluation_results"][0]
    assert after["model_info"]["id"] == "unknown/new"
    details = after["source_metadata"]["additional_details"]
    assert (details["import_format"], details["import_files"]) == ("mmlu-pro", '["old.json", "new.json"]')


def test_a_table_needs_the_name_of_its_benchmark(tmp_path):
    path = tmp_path / "base__tuned.csv"
    path.write_text("question_id,category,answer,pred_before,pred_after\n1,law,A,A,B\n2,law,B,,B\n", encoding="utf-8")
    run = source(tmp_path, import_transfer("table", [path]))
    with pytest.raises(UserError, match="--benchmark NAME"):
        to_every_eval_ever(run)
    records = by_state(to_every_eval_ever(run, benchmark="bar_exam"))
    assert records["untuned"]["evaluation_results"][0]["source_data"] == {
        "dataset_name": "bar_exam",
        "source_type": "other",
    }
    assert [record["model_info"]["name"] for record in records.values()] == ["base", "tuned"]


HOSTILE = [
    "../../../etc",
    "a/../../b",
    "/etc/passwd",
    "\x00\x1f",
    "..",
    "",
    "C:\\x",
    "NUL",
    "x" * 400,
    "a\u2028b\u202e",
    "数学",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_leaves_the_folder_or_breaks_a_file(name, tmp_path):
    whole = transfer(
        {name: ("rw", ("rr",)), "law": ("rw", ("rr",))},
        origin=MEASURED.model_copy(update={"task": name}),
        model_before=name,
        model_after=f"{name} tuned",
    )
    made = to_every_eval_ever(source(tmp_path, whole))
    records = validated(made.files)
    assert len(records) == 2
    for path in made.files:
        parts = PurePosixPath(path).parts
        assert len(parts) == 5
        assert parts[0] == "data"
        assert parts[2] == "unknown"
        assert not any(part.startswith(".") or "\\" in part or not part.isprintable() for part in parts)
        assert max(len(part.encode()) for part in parts) < 255
    for record in records.values():
        assert record["evaluation_results"][1]["score_details"]["details"]["domain"] == name


def test_the_same_export_is_the_same_bytes_and_another_run_another_file(tmp_path):
    first, again = (to_every_eval_ever(source(tmp_path)).files for _ in range(2))
    assert first == again
    other = to_every_eval_ever(source(tmp_path, transfer({"math": ("rw", ("rw",))}))).files
    assert not first.keys() & other.keys()


def test_two_models_of_one_name_are_refused(tmp_path):
    with pytest.raises(UserError, match="me/x would be the untuned and the tuned model"):
        to_every_eval_ever(source(tmp_path), base_id="me/x", model_id="me/x")


def test_a_record_without_a_time_is_refused(tmp_path):
    with pytest.raises(UserError, match="'yesterday' is no time in UTC"):
        to_every_eval_ever(source(tmp_path, transfer(created="yesterday")))


def test_imported_results_are_of_nobody_known(tmp_path):
    made = to_every_eval_ever(source(tmp_path, transfer(origin=IMPORTED)), benchmark="x", instances=False)
    assert len(made.files) == 2
    assert len(made.notes) == 2
    for record in by_state(made).values():
        assert record["model_info"]["id"].startswith("unknown/")
        assert "developer" not in record["model_info"]
        assert record["source_metadata"]["source_organization_name"] == "unknown"
