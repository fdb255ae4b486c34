"""What a fingerprint covers: the files behind a description, and the settings that weights depend on."""

import os

from sts_eval.experiment import ModelSpec, TuneSettings
from sts_eval.model.fingerprint import file_stamps, model_fingerprint, training_key


def stamp(path):
    return [path.name, path.stat().st_size, path.stat().st_mtime_ns]


def test_stamps_of_a_file_a_folder_and_a_hub_id(tmp_path):
    one, other = tmp_path / "a.json", tmp_path / "b.txt"
    one.write_text("1")
    other.write_text("22")
    assert file_stamps(str(one)) == [stamp(one)]
    assert file_stamps(str(tmp_path)) == [stamp(one), stamp(other)]
    assert file_stamps(str(tmp_path), ("*.json", "*.safetensors")) == [stamp(one)]
    assert file_stamps("org/model") == file_stamps(None) == []


def test_files_in_folders_of_a_folder_count(tmp_path):
    """A training set may be a folder of folders of parquet files."""
    inner = tmp_path / "part" / "rows.jsonl"
    inner.parent.mkdir()
    inner.write_text("{}")
    was = file_stamps(str(tmp_path))
    assert was == [["part/rows.jsonl", 2, inner.stat().st_mtime_ns]]
    inner.write_text("{} {}")
    assert file_stamps(str(tmp_path)) != was


def test_a_model_is_another_one_when_its_files_change(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    model = ModelSpec(id=str(tmp_path))
    was = model_fingerprint(model)
    assert model_fingerprint(model.model_copy(update={"device": "cuda:1"})) == was
    assert model_fingerprint(model.model_copy(update={"dtype": "bfloat16"})) != was
    (tmp_path / "README.md").write_text("no weights")
    assert model_fingerprint(model) == was
    os.utime(tmp_path / "config.json", (0, 0))
    assert model_fingerprint(model) != was


def test_what_the_weights_of_a_seed_depend_on():
    model, tune = ModelSpec(id="org/model"), TuneSettings()

    def key(data="a", seed=0, **settings):
        return training_key(model, [data], tune.model_copy(update=settings), seed)

    assert key(seeds=(0, 7), per_device_batch=1, report_to=("wandb",), allow_overlap=True) == key()
    assert len({key(), key(data="b"), key(seed=1), key(rank=3)}) == 4
