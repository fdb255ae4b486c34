"""Samples of lm-eval: layouts, archives, targets, metrics, filters and tasks, each with instances made here."""

import gzip
import json
import shutil
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from sts_eval.data import files
from sts_eval.errors import UserError
from sts_eval.transfer.import_results import import_transfer

CASES = Path(__file__).parents[1] / "cases" / "import"
DATE = "2026-01-01T10-00-00.123"


def choice(number, *, right=True, **fields):
    """A sample of a multiple-choice task with four options, of which the third is right."""
    values = ["-3.0", "-2.0", "-1.0", "-4.0"] if right else ["-1.0", "-2.0", "-3.0", "-4.0"]
    return {
        "doc_id": number,
        "doc": {"question_id": number, "category": "law", "question": f"Which {number}?"},
        "target": "2",
        "arguments": {f"gen_args_{place}": {"arg_0": "x", "arg_1": f" {text}"} for place, text in enumerate("wxyz")},
        "resps": [[[value, "False"]] for value in values],
        "filtered_resps": [[value, "False"] for value in values],
        "filter": "none",
        "metrics": ["acc"],
        "acc": float(right),
    } | fields


def both(after, before=None):
    """Four samples of each side, the untuned model right in every second one."""
    return [
        before or [choice(number, right=number % 2 == 0) for number in range(4)],
        after if isinstance(after, list) else [after(number) for number in range(4)],
    ]


def save(folder, samples, name=f"samples_law_{DATE}.jsonl", *, as_list=False):
    folder.mkdir(parents=True, exist_ok=True)
    lines = "\n".join(json.dumps(sample) for sample in samples)
    (folder / name).write_text(json.dumps(samples, indent=1) if as_list else lines, encoding="utf-8")
    return folder


def imported(tmp_path, sides, **options):
    paths = [save(tmp_path / name, samples) for name, samples in zip(("base", "tuned"), sides, strict=True)]
    return import_transfer("lm-eval", paths, **options)


def only(record):
    (table,) = record.answers
    return table.before, table.after[0]


@pytest.mark.parametrize("as_list", [True, False])
@pytest.mark.parametrize("suffix", [".json", ".jsonl"])
def test_a_list_or_lines_under_either_name(tmp_path, suffix, as_list):
    paths = [
        save(tmp_path / name, samples, f"samples_law_{DATE}{suffix}", as_list=as_list)
        for name, samples in zip(("base", "tuned"), both(choice), strict=True)
    ]
    before, after = only(import_transfer("lm-eval", paths))
    assert (before.verdicts, after.verdicts) == ("rwrw", "rrrr")


def test_compressed_samples(tmp_path):
    for name, samples in zip(("base", "tuned"), both(choice), strict=True):
        save(tmp_path / name, samples)
        (file,) = (tmp_path / name).iterdir()
        file.with_name(file.name + ".gz").write_bytes(gzip.compress(file.read_bytes()))
        file.unlink()
    before, _ = only(import_transfer("lm-eval", [tmp_path / "base", tmp_path / "tuned"]))
    assert before.verdicts == "rwrw"
    given = [next((tmp_path / name).iterdir()) for name in ("base", "tuned")]
    assert import_transfer("lm-eval", given).model_before == "base"


@pytest.mark.parametrize("extra", [None, "__MACOSX/._samples.jsonl"])
def test_archives_of_folders(tmp_path, extra):
    for name, samples in zip(("base", "tuned"), both(choice), strict=True):
        save(tmp_path / name, samples)
        (tmp_path / name / "results_2026-01-01T10-00-00.123.json").write_text(json.dumps({"model_name": f"org/{name}"}))
        shutil.make_archive(str(tmp_path / name), "zip", tmp_path, name)
        if extra:
            with zipfile.ZipFile(tmp_path / f"{name}.zip", "a") as archive:
                archive.writestr(extra, "x")
    record = import_transfer("lm-eval", [tmp_path / "base.zip", tmp_path / "tuned.zip"])
    assert (record.model_before, record.model_after) == ("org/base", "org/tuned")
    assert record.origin.sources == ("base.zip", "tuned.zip")
    assert len(record.origin.sources_sha256) == 2


def test_archives_of_one_published_file(tmp_path):
    for side in ("before", "after"):
        with zipfile.ZipFile(tmp_path / f"model_outputs_{side}_5shots.zip", "w") as archive:
            archive.write(CASES / "official_empty_pred" / f"{side}.json", f"model_outputs_{side}_5shots.json")
    paths = [tmp_path / f"model_outputs_{side}_5shots.zip" for side in ("before", "after")]
    record = import_transfer("mmlu-pro", paths)
    assert (record.model_before, record.model_after) == ("before_5shots", "after_5shots")


def test_bombs_and_broken_archives(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "MOST_UNPACKED", 100_000)
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("samples.jsonl", b" " * 200_000)
    (tmp_path / "bomb.jsonl.gz").write_bytes(gzip.compress(b" " * 200_000))
    for name in ("bomb.zip", "bomb.jsonl.gz"):
        with pytest.raises(UserError, match=r"unpacks to more than .* GiB\. If that is right, unpack it"):
            import_transfer("lm-eval", [tmp_path / name] * 2)
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 no archive")
    with pytest.raises(UserError, match=r"broken\.zip cannot be unpacked"):
        import_transfer("lm-eval", [tmp_path / "broken.zip"] * 2)
    with zipfile.ZipFile(tmp_path / "empty.zip", "w"):
        pass
    with pytest.raises(UserError, match="holds no files"):
        import_transfer("lm-eval", [tmp_path / "empty.zip"] * 2)


# log softmax of the third of -3, -2, -1, -4 (right) and of -1, -2, -3, -4 (wrong)
SURE, UNSURE = -0.440190, -2.440190


@pytest.mark.parametrize("target", ["C", "c", "(C)", "C.", " C", "y", 2])
def test_targets_by_letter_text_and_number(tmp_path, target):
    sides = [[choice(number, right=right, target=target) for number in range(4)] for right in (False, True)]
    before, after = only(imported(tmp_path, sides))
    assert before.logprob == pytest.approx([UNSURE] * 4)
    assert after.logprob == pytest.approx([SURE] * 4)


def test_a_target_that_is_a_number_and_a_text(tmp_path):
    """The options are the texts 1 to 4. The verdicts tell that the target "3" is one of them and not the fourth."""
    calls = {f"gen_args_{place}": {"arg_0": "x", "arg_1": f" {place + 1}"} for place in range(4)}
    sides = [[choice(n, right=n > first, target="3", arguments=calls) for n in range(4)] for first in (0, 1)]
    _, after = only(imported(tmp_path, sides))
    assert after.logprob == pytest.approx([UNSURE, UNSURE, SURE, SURE])


def test_a_target_that_names_no_option(tmp_path):
    sides = both(lambda number: choice(number, target="?"), [choice(n, right=False, target="?") for n in range(4)])
    _, after = only(imported(tmp_path, sides))
    assert (after.verdicts, after.logprob) == ("rrrr", None)


@pytest.mark.parametrize("values", [["nan"] * 4, ["-inf"] * 4, ["-1", "-2", "-inf", "-4"], [float("nan"), -1, -2, -3]])
def test_log_probabilities_that_are_not_finite(tmp_path, values):
    broken = [[value, "False"] for value in values]
    after = [choice(0), choice(1, right=False, filtered_resps=broken), choice(2), choice(3)]
    record = imported(tmp_path, both(after))
    assert only(record)[1].verdicts == "rwrr"
    assert only(record)[1].logprob is None
    assert record.warnings[0].startswith("after: log-probabilities that are no finite number (nan or -inf): 1,")


def test_a_wrong_option_may_be_impossible(tmp_path):
    values = [["-1000", "False"], ["-inf", "False"], ["-1", "True"], ["-inf", "False"]]
    _, after = only(imported(tmp_path, both(lambda number: choice(number, filtered_resps=values))))
    assert after.logprob == (0, 0, 0, 0)


def scored(number, right, **metrics):
    sample = choice(number, right=right) | metrics | {"metrics": list(metrics)}
    del sample["acc"]
    return sample


def test_the_only_metric_that_is_a_verdict(tmp_path):
    sides = [
        [scored(n, True, pass_at_1=n % 2, f1=0.5) for n in range(4)],
        [scored(n, True, pass_at_1=True, f1=0.2) for n in range(4)],
    ]
    record = imported(tmp_path, sides)
    assert [replies.verdicts for replies in only(record)] == ["wrwr", "rrrr"]
    assert record.warnings[0] == "law: pass_at_1 says which answers are right, since there is no exact_match or acc"


def test_one_of_several_metrics_is_chosen(tmp_path):
    sides = [[scored(n, True, strict=n % 2, loose=1) for n in range(4)] for _ in range(2)]
    with pytest.raises(
        UserError, match=r"several metrics that are 0 or 1 \(strict, loose\)\. Choose one with --metric"
    ):
        imported(tmp_path, sides)
    record = imported(tmp_path, sides, metric="strict")
    assert only(record)[0].verdicts == "wrwr"
    assert not [line for line in record.warnings if "strict" in line]
    with pytest.raises(UserError, match=r"several metrics that are 0 or 1 \(strict, loose\)"):
        imported(tmp_path, sides, metric="lax")


def test_sides_that_are_scored_differently(tmp_path):
    after = [scored(n, True, acc_norm=1.0) for n in range(4)]
    with pytest.raises(UserError, match="task law says which answers are right by acc before and by acc_norm after"):
        imported(tmp_path, both(after))


def text(number, said="The answer is (A).", read="A", **fields):
    """A sample of a generating task."""
    return {
        "doc_id": number,
        "doc": {"question": f"Which {number}?"},
        "target": "A",
        "arguments": {},
        "resps": [[said]],
        "filtered_resps": [read],
        "exact_match": float(read == "A"),
    } | fields


def test_filters_of_some_tasks(tmp_path):
    """A filter that one task has is taken there; the other task has a single one."""
    two = [
        text(n, read=read, filter=name) for n in range(4) for name, read in (("strict", "[invalid]"), ("loose", "A"))
    ]
    for side, said in (("base", "So (A)."), ("tuned", "Thus (A).")):
        save(tmp_path / side, [sample | {"resps": [[said]]} for sample in two], f"samples_gsm8k_{DATE}.jsonl")
        save(tmp_path / side, [text(n, said) for n in range(4)], f"samples_math_{DATE}.jsonl")
    paths = [tmp_path / "base", tmp_path / "tuned"]
    with pytest.raises(UserError, match=r"task gsm8k is read by several filters \(loose, strict\)"):
        import_transfer("lm-eval", paths)
    with pytest.raises(UserError, match=r"task gsm8k has no filter 'lose'\. Choose among loose, strict"):
        import_transfer("lm-eval", paths, filter_name="lose")
    record = import_transfer("lm-eval", paths, filter_name="strict")
    assert {table.domain: table.before.verdicts for table in record.answers} == {"gsm8k": "uuuu", "math": "rrrr"}
    assert any("4 of 8 answers" in line for line in record.warnings) is False  # half is not most


def test_subtasks_of_a_group_are_the_domains(tmp_path):
    for side in ("base", "tuned"):
        for task in ("mmlu_anatomy", "mmlu_world_religions", "sts_mmlu_anatomy", "wikitext"):
            samples = [text(n, f"{side} {n}") for n in range(4)]
            if task.startswith("sts"):
                samples = [sample | {"doc": {"position": 1, "seeds": [0], "category": "anatomy"}} for sample in samples]
            if task == "wikitext":
                samples = [sample | {"exact_match": 0.3} for sample in samples]
            save(tmp_path / side, samples, f"samples_{task}_{DATE}.jsonl")
    record = import_transfer("lm-eval", [tmp_path / "base", tmp_path / "tuned"])
    assert [table.domain for table in record.answers] == ["mmlu_anatomy", "mmlu_world_religions"]
    assert "left out: the samples of task wikitext do not say which answers are right" in record.warnings[0]


def test_samples_of_scores_alone(tmp_path):
    samples = [text(0) | {"doc": {"position": 1, "seeds": [0]}}]
    with pytest.raises(UserError, match="holds samples of STS alone"):
        imported(tmp_path, [samples, samples])


@pytest.mark.parametrize("results", [True, False])
def test_several_tasks_of_the_old_layout(tmp_path, results):
    for side in ("base", "tuned"):
        for task in ("mmlu_anatomy", "mmlu_law"):
            name = f"pretrained__org__{side},dtype__float16_{task}.jsonl"
            save(tmp_path / side, [text(n, side) for n in range(4)], name, as_list=True)
        if results:
            arguments = {"model_args": f"pretrained=org/{side},dtype=float16"}
            (tmp_path / side / "results.json").write_text(json.dumps({"results": {}, "config": arguments}))
    record = import_transfer("lm-eval", [tmp_path / "base", tmp_path / "tuned"])
    names = ["mmlu_anatomy", "mmlu_law"] if results else ["anatomy", "law"]
    assert [table.domain for table in record.answers] == names
    assert record.model_before == ("org/base" if results else "pretrained__org__base,dtype__float16_mmlu")


def test_two_models_in_one_folder(tmp_path):
    """Runs of a model and of its adapter have one folder, by the model's name."""
    for day, adapter in enumerate(("", ",peft=lora"), start=1):
        date = f"2026-01-0{day}T10-00-00.123"
        save(tmp_path / "base", [text(n) for n in range(4)], f"samples_law_{date}.jsonl")
        told = {"model_name": "org/base", "config": {"model_args": f"pretrained=org/base{adapter}"}}
        (tmp_path / "base" / f"results_{date}.json").write_text(json.dumps(told))
    with pytest.raises(
        UserError, match=r"several models \(org/base, org/base with lora\)\. Give the folder or the file"
    ):
        import_transfer("lm-eval", [tmp_path / "base"] * 2)
    record = import_transfer("lm-eval", sorted((tmp_path / "base").glob("samples*")))
    assert (record.model_before, record.model_after) == ("org/base", "org/base with lora")


def test_files_of_any_name(tmp_path):
    paths = []
    for side in ("before", "after"):
        save(tmp_path, [text(n, side) for n in range(4)], f"{side}.jsonl")
        paths.append(tmp_path / f"{side}.jsonl")
    record = import_transfer("lm-eval", paths)
    assert (record.model_before, record.model_after) == ("before", "after")
    assert [table.domain for table in record.answers] == ["all"]
    record = import_transfer("lm-eval", paths, model_before="org/a", model_after="org/b")
    assert (record.model_before, record.model_after) == ("org/a", "org/b")


def test_a_metric_of_one_task_among_several(tmp_path):
    """IFEval has two verdicts; the tasks beside it have the usual one. (Its documents here are of the domain law.)"""
    for side in ("base", "tuned"):
        save(tmp_path / side, [text(n, side) for n in range(4)], f"samples_math_{DATE}.jsonl")
        strict = [scored(n, True, strict=n % 2, loose=1) for n in range(4)]
        save(tmp_path / side, strict, f"samples_ifeval_{DATE}.jsonl")
    paths = [tmp_path / "base", tmp_path / "tuned"]
    with pytest.raises(UserError, match="task ifeval has several metrics"):
        import_transfer("lm-eval", paths)
    record = import_transfer("lm-eval", paths, metric="strict")
    assert {table.domain: table.before.verdicts for table in record.answers} == {"law": "wrwr", "math": "rrrr"}
    (tmp_path / "base" / f"samples_ifeval_{DATE}.jsonl").unlink()
    with pytest.raises(UserError, match=r"no task in .*base has a metric 'strict' that is 0 or 1"):
        import_transfer("lm-eval", paths, metric="strict")


def test_sides_that_other_filters_read(tmp_path):
    sides = [[text(n, filter=name) for n in range(4)] for name in ("strict-match", "flexible-extract")]
    with pytest.raises(UserError, match="filter strict-match before and by exact_match with filter flex"):
        imported(tmp_path, sides)


def test_results_without_samples(tmp_path):
    (tmp_path / f"results_{DATE}.json").write_text('{"results": {}}')
    with pytest.raises(UserError, match="holds results without single answers"):
        import_transfer("lm-eval", [tmp_path / f"results_{DATE}.json"] * 2)
    with pytest.raises(UserError, match="holds no samples"):
        import_transfer("lm-eval", [tmp_path] * 2)


@pytest.mark.parametrize("change", [{"doc": "{}"}, {"filtered_resps": None}, {"resps": None}, {"target": None}])
def test_samples_with_odd_fields(tmp_path, change):
    """Read or refused in one line."""
    sides = both(lambda number: choice(number) | change, [choice(n) | change for n in range(4)])
    if "doc" in change:
        with pytest.raises(UserError, match=r"odd 'doc' \(sample 1: Input should be a valid dictionary\)"):
            imported(tmp_path, sides)
    else:
        assert only(imported(tmp_path, sides))[0].verdicts == "rrrr"


@pytest.mark.parametrize("name", ["latest-00000-of-00001.parquet", f"samples_law_{DATE}.parquet"])
@pytest.mark.parametrize("as_folder", [True, False])
def test_details_as_the_hub_converts_them(tmp_path, name, as_folder):
    paths = []
    for side, samples in zip(("base", "tuned"), both(choice), strict=True):
        (tmp_path / side).mkdir()
        file = tmp_path / side / name
        pd.DataFrame([{**sample, "doc": sample["doc"] | {"category": "law"}} for sample in samples]).to_parquet(file)
        (tmp_path / side / "broken.parquet").write_bytes(b"PAR1")
        paths.append(tmp_path / side if as_folder else file)
    before, after = only(import_transfer("lm-eval", paths))
    assert (before.verdicts, after.verdicts) == ("rwrw", "rrrr")
    assert after.logprob == pytest.approx([SURE] * 4)


@pytest.mark.parametrize(("by_task", "domains"), [(False, ["law"]), (True, ["bar_exam", "court"])])
def test_tasks_as_domains_where_documents_name_a_category(tmp_path, by_task, domains):
    for side, samples in zip(("base", "tuned"), both(choice), strict=True):
        for start, task in ((0, "bar_exam"), (10, "court")):
            moved = [sample | {"doc": sample["doc"] | {"question_id": start + n}} for n, sample in enumerate(samples)]
            save(tmp_path / side, moved, f"samples_{task}_{DATE}.jsonl")
    record = import_transfer("lm-eval", [tmp_path / "base", tmp_path / "tuned"], by_task=by_task)
    assert [table.domain for table in record.answers] == domains
    assert sum(domain.n for domain in record.domains) == 8
