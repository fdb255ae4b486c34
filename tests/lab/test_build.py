"""A short build makes the shipped files' formats; importing the lab stays cheap."""

import json
import subprocess
import sys

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from sts_eval.lab import benchmark_path, model_path
from sts_eval.lab.build import build

SHIPPED = model_path().parent


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("lab")
    build(folder, seed=0, scale=0.002, progress=False)
    torch.set_num_threads(threads)
    return folder


def _names(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def _shapes(path):
    return {name: (weight.shape, weight.dtype) for name, weight in load_file(path).items()}


def _keys(value, at=""):
    if isinstance(value, dict):
        return {f"{at}/{key}" for key in value} | {
            deeper for key, below in value.items() for deeper in _keys(below, f"{at}/{key}")
        }
    return set()


def test_same_files_and_no_leftovers(built):
    assert _names(built) == _names(SHIPPED)
    assert {path.name for path in built.iterdir()} == {"benchmark", "sft", "model", "sae"}


@pytest.mark.parametrize("file", ["model/model.safetensors", "sae/sae_weights.safetensors"])
def test_same_shapes(built, file):
    assert _shapes(built / file) == _shapes(SHIPPED / file)


@pytest.mark.parametrize(
    "file",
    ["model/config.json", "model/tokenizer_config.json", "model/generation_config.json", "sae/cfg.json"],
)
def test_same_configuration_keys(built, file):
    fresh, shipped = (json.loads((root / file).read_text()) for root in (built, SHIPPED))
    assert _keys(fresh) == _keys(shipped)


def test_same_data_whatever_the_scale(built):
    for name in ("test.parquet", "validation.parquet"):
        pd.testing.assert_frame_equal(
            pd.read_parquet(built / "benchmark" / name), pd.read_parquet(benchmark_path() / name)
        )
    for path in (*sorted((SHIPPED / "sft").iterdir()), benchmark_path() / "benchmark.json"):
        assert (built / path.relative_to(SHIPPED)).read_bytes() == path.read_bytes()


def test_stopped_build_leaves_what_was_there(tmp_path, monkeypatch):
    kept = tmp_path / "benchmark" / "test.parquet"
    kept.parent.mkdir()
    kept.write_text("of an earlier build")

    def stop(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("sts_eval.lab.build.benchmark_rows", stop)
    with pytest.raises(KeyboardInterrupt):
        build(tmp_path, progress=False)
    assert _names(tmp_path) == {"benchmark/test.parquet"}
    assert kept.read_text() == "of an earlier build"


def test_shipped_files_are_small_and_name_no_machine():
    paths = [path for path in SHIPPED.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in paths) < 8_000_000
    for path in paths:
        if path.suffix == ".json":
            content = path.read_text()
            assert "/tmp" not in content  # noqa: S108 -- looked for, not used
            assert "/home" not in content
            assert "/root" not in content


def test_importing_the_lab_loads_no_torch():
    code = "import sts_eval.lab, sys; sys.exit('torch' in sys.modules or 'pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
