"""Instance files of Every Eval Ever: what is exported is read back as it was, and files of others are read too."""

import json

import pytest
from helpers.exports import IMPORTED, MEASURED, source
from helpers.exports import transfer as small

from sts_eval.errors import UserError
from sts_eval.export import to_every_eval_ever, write_all
from sts_eval.records.answers import Replies
from sts_eval.records.transfer import DomainAnswers, Transfer
from sts_eval.transfer.domain_changes import summarise
from sts_eval.transfer.import_results import import_transfer


def replies(verdicts, *, shift=0.0, lengths=False):
    n = len(verdicts)
    return Replies(
        verdicts=verdicts,
        logprob=None if lengths else tuple(round(-0.1 * place - shift - 1 / 3, 6) for place in range(n)),
        lengths=tuple(range(7, 7 + n)) if lengths else None,
        truncated="10" * (n // 2) + "1" * (n % 2) if lengths else None,
    )


def whole(*, seeds=(3, 11), unit="tokens"):
    """A transfer with all columns that there are: log-probabilities in one domain, lengths in another."""
    tables = (
        DomainAnswers(
            domain="computer science / café",
            question_ids=("1", "2", "x y"),
            before=replies("rwu"),
            after=tuple(replies("rrw", shift=seed) for seed in seeds),
        ),
        DomainAnswers(
            domain="law",
            question_ids=("1", "7", "8", "9"),
            before=replies("rwur", lengths=True),
            after=tuple(replies("uwrr", lengths=True) for _ in seeds),
        ),
    )
    return small(answers={"law": ("r", ("r",) * len(seeds))}).model_copy(
        update={"answers": tables, "domains": summarise(tables, seeds), "seeds": seeds, "length_unit": unit}
    )


def exported(folder, record, **options):
    """The folder of an export, and its instance files: before, after."""
    made = to_every_eval_ever(source(folder, record), benchmark="mmlu_pro", **options)
    out = folder / "out"
    write_all(out, made.files, force=False)
    files = [out / name for name in made.files if name.endswith(".jsonl")]
    return out, files


@pytest.mark.parametrize("given", ["folder", "instances", "records"])
@pytest.mark.parametrize("unit", ["tokens", "characters"])
@pytest.mark.parametrize("seeds", [(3, 11), (0,)])
def test_an_export_is_read_back_exactly(tmp_path, given, unit, seeds):
    record = whole(seeds=seeds, unit=unit)
    out, files = exported(tmp_path, record)
    records = [file.with_name(file.name.replace("_samples.jsonl", ".json")) for file in files]
    paths = {"folder": [out], "instances": files, "records": records}[given]
    back = import_transfer("every-eval-ever", paths)
    for name in ("answers", "domains", "seeds", "length_unit", "model_before", "model_after"):
        assert getattr(back, name) == getattr(record, name), name
    back.write(tmp_path / "back.json")
    assert Transfer.read(tmp_path / "back.json") == back
    assert not back.warnings


@pytest.mark.parametrize("origin", [MEASURED, IMPORTED])
def test_seeds_and_names_of_an_export(tmp_path, origin):
    out, _ = exported(tmp_path, small(origin=origin), base_id="org/base", model_id="org/tuned")
    back = import_transfer("every-eval-ever", [out])
    assert (back.model_before, back.model_after) == ("org/base", "org/tuned")
    assert {table.domain: table.before.verdicts for table in back.answers} == {"math": "rrww", "law": "rw"}


def test_a_second_export_of_what_was_read(tmp_path):
    """The answers that are exported again are the same, line by line, but for names and times."""
    _, files = exported(tmp_path, whole())
    back = import_transfer("every-eval-ever", files)
    (tmp_path / "again").mkdir()
    _, again = exported(tmp_path / "again", back)
    for first, second in zip(files, again, strict=True):
        lines = [[json.loads(line) for line in file.read_text().splitlines()] for file in (first, second)]
        kept = [[(row["sample_id"], row["metadata"], row["evaluation"]) for row in side] for side in lines]
        assert kept[0] == kept[1]


def test_a_changed_file_is_noticed(tmp_path):
    _, files = exported(tmp_path, whole())
    files[1].write_text(files[1].read_text().replace('"verdict": "wrong"', '"verdict": "right"'))
    with pytest.raises(UserError, match="has another checksum than its record names"):
        import_transfer("every-eval-ever", files)


def test_mistakes(tmp_path):
    out, files = exported(tmp_path, whole())
    cases = [
        ([files[0]], "needs a result before and one after"),
        ([files[1], files[0]], "holds several tuned models"),
        ([out, out], "holds several instance files"),
        ([files[0].parent], "does not hold the instance files of one untuned and one tuned model"),
        ([tmp_path / "none", files[0]], "there is no file or folder"),
    ]
    for paths, message in cases:
        with pytest.raises(UserError, match=message):
            import_transfer("every-eval-ever", paths)
    (tmp_path / "rows.jsonl").write_text('{"sample_id": "1"}\n')
    with pytest.raises(UserError, match=r"rows\.jsonl line 1 is no instance of Every Eval Ever"):
        import_transfer("every-eval-ever", [tmp_path / "rows.jsonl"] * 2)


def instance(number, said, *, extracted="A", reference="A", **fields):
    """A line as other tools write it, with texts."""
    return {
        "schema_version": "0.3.0",
        "evaluation_id": "gsm8k/org/model/1",
        "model_id": "org/model",
        "evaluation_name": "gsm8k",
        "sample_id": str(number),
        "interaction_type": "single_turn",
        "input": {"raw": f"Which {number}?", "reference": [reference]},
        "output": {"raw": [said]},
        "answer_attribution": [
            {"turn_idx": 0, "source": "output.raw", "extracted_value": extracted, "extraction_method": "regex"}
        ],
        "evaluation": {"score": float(extracted == reference), "is_correct": extracted == reference},
    } | fields


def test_instances_of_other_tools(tmp_path):
    sides = [
        [instance(n, "So A.", extracted="" if n == 0 else "A" if n == 1 else "B") for n in range(4)],
        [instance(n, "A, of course.") for n in range(4)],
    ]
    paths = []
    for name, lines in zip(("before", "after"), sides, strict=True):
        paths.append(tmp_path / f"{name}.jsonl")
        paths[-1].write_text("".join(json.dumps(line) + "\n" for line in lines))
    record = import_transfer("every-eval-ever", paths)
    (table,) = record.answers
    assert (table.domain, table.before.verdicts, table.after[0].verdicts) == ("gsm8k", "urww", "rrrr")
    assert table.before.lengths == (len("So A."),) * 4
    assert (record.model_before, record.model_after) == ("before", "after")
    paths[1].write_text("".join(json.dumps(line | {"input": {"raw": "Else?"}}) + "\n" for line in sides[1]))
    with pytest.raises(UserError, match="4 of 4 questions are not the same before and after: question 0 of gsm8k has"):
        import_transfer("every-eval-ever", paths)


def test_single_values_and_numbers_in_the_place_of_lists_and_texts(tmp_path):
    line = instance(1, "3") | {"output": {"raw": "So 3."}, "answer_attribution": [{"extracted_value": 3}]}
    line["input"] = {"raw": "Which?", "reference": "3"}
    paths = [tmp_path / "before.jsonl", tmp_path / "after.jsonl"]
    for path in paths:
        path.write_text(json.dumps(line | {"evaluation": {"is_correct": path == paths[1]}}))
    (table,) = import_transfer("every-eval-ever", paths).answers
    assert (table.before.verdicts, table.after[0].verdicts, table.before.lengths) == ("w", "r", (len("So 3."),))
