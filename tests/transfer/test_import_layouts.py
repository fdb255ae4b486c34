"""Where samples of lm-eval lie: layouts of folders, names of files, archives."""

import gzip
import json
import shutil
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from helpers.samples import DATE, both, choice, only, save, text

from sts_eval.data import archives
from sts_eval.errors import UserError
from sts_eval.transfer.import_results import import_transfer

CASES = Path(__file__).parents[1] / "cases" / "import"


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
    monkeypatch.setattr(archives, "MOST_UNPACKED", 100_000)
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


def test_results_without_samples(tmp_path):
    (tmp_path / f"results_{DATE}.json").write_text('{"results": {}}')
    with pytest.raises(UserError, match="holds results without single answers"):
        import_transfer("lm-eval", [tmp_path / f"results_{DATE}.json"] * 2)
    with pytest.raises(UserError, match="holds no samples"):
        import_transfer("lm-eval", [tmp_path] * 2)


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
    assert after.logprob == pytest.approx([-0.440190] * 4)
