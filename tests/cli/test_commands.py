"""The command line as a user meets it."""

import csv
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from helpers import tiny

import sts_eval
from sts_eval import lab
from sts_eval.cli import cli
from sts_eval.cli import main as entry
from sts_eval.experiment import QUICK, PredictSettings
from sts_eval.experiment_file import read_experiment
from sts_eval.records.prediction import Prediction

BIN = Path(sys.executable).parent


@pytest.fixture
def arguments(tmp_path):
    """A tiny prediction, in options."""
    tiny.sae("standard").save_model(tmp_path / "sae")
    return {
        "--model": str(tiny.write_model(tmp_path / "model")),
        "--dtype": "float32",
        "--device": "cpu",
        "--sae-path": str(tmp_path / "sae"),
        "--sft": str(tiny.write_training_set(tmp_path / "sft.jsonl")),
        "--domains": str(tiny.write_benchmark(tmp_path / "benchmark")),
        "--top-n": "5",
        "--output": str(tmp_path / "out" / "prediction.json"),
    }


def flat(options):
    # The tiny model's SAE has random weights.
    return ["predict", "--allow-mismatch", *(part for pair in options.items() for part in pair)]


def run(monkeypatch, capsys, options):
    """Call the entry point as the console script does. Returns exit code, stdout and stderr."""
    monkeypatch.setattr(sys, "argv", ["sts-eval", *options])
    code = 0
    try:
        entry()
    except SystemExit as stop:
        code = int(stop.code or 0)
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_prints_a_ranked_table_and_writes_the_record(monkeypatch, capsys, arguments, tmp_path):
    code, out, err = run(monkeypatch, capsys, [*flat(arguments), "--plot", str(tmp_path / "plot.png")])
    assert code == 0, err
    record = Prediction.read(Path(arguments["--output"]))
    ranked = [domain.domain for domain in record.ranked()]
    places = [out.index(f"│ {name}") for name in ranked]
    assert places == sorted(places)
    assert record.sha256()[:12] in out
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")


def test_the_record_runs_again_to_the_same_numbers(monkeypatch, capsys, arguments):
    run(monkeypatch, capsys, flat(arguments))
    first = Prediction.read(Path(arguments["--output"]))
    run(monkeypatch, capsys, flat(arguments))
    second = Prediction.read(Path(arguments["--output"]))
    assert second.domains == first.domains
    assert second.shifts == first.shifts


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"--sft": "nowhere.jsonl"}, "there is no file nowhere.jsonl"),
        ({"--sae-path": "nowhere"}, "there is no SAE folder nowhere"),
        ({"--model": "./nowhere"}, "there is no model folder ./nowhere"),
        ({"--hook": "blocks.99.hook_resid_post"}, "hook blocks.99.hook_resid_post does not exist"),
        ({"--hook": "model.layer.1"}, "model.layers.1"),
        ({"--top-n": "5000"}, "5000 dimensions are wanted"),
        ({"--top-n": "0"}, "--top-n 0"),
        ({"--shots": "500"}, "too few for 500 demonstrations"),
        ({"--domains": "nothing_like_it"}, "lm-eval knows no task 'nothing_like_it'"),
        ({"--only": "alchemy"}, "no questions in domain 'alchemy'"),
        ({"--chat-template": None}, "the tokenizer has no chat template"),
        ({"--context": "9"}, "does not fit the model's context of 9"),
        ({"--plot": "/proc/plot.png"}, "/proc/plot.png cannot be written"),
    ],
)
def test_wrong_input_is_one_line_and_writes_nothing(monkeypatch, capsys, arguments, changes, says):
    merged = {**arguments, **changes}
    options = [part for pair in merged.items() for part in pair if part is not None]
    code, out, err = run(monkeypatch, capsys, ["predict", *options])
    assert code == 2
    assert says in err
    assert len([line for line in err.strip().splitlines() if line.startswith("Error: ")]) == 1
    assert out == ""
    assert not Path(arguments["--output"]).exists()


def test_json_and_csv_for_programs(monkeypatch, capsys, arguments):
    """One run of each form: nothing but the data is on standard output."""
    to_stdout = {**arguments, "--output": "-", "--seed": "0"}
    code, out, err = run(monkeypatch, capsys, flat(to_stdout))
    assert code == 0, err
    record = Prediction.from_json(out)
    assert "Reading up to 20,000 tokens of the training set" in err
    assert "--quick" in err
    del to_stdout["--output"]
    code, out, err = run(monkeypatch, capsys, [*flat(to_stdout), "--format", "csv", "--quiet", "--quick"])
    assert (code, err) == (0, "")
    rows = list(csv.DictReader(out.splitlines()))
    assert {(row["domain"], row["predictor"]) for row in rows} == {
        (domain, one.name) for one in record.predictors for domain in one.scores
    }
    # The tiny sets have fewer tokens than quick settings read, so the figures are those of the full ones.
    first = {row["domain"]: float(row["score"]) for row in rows if row["predictor"] == "sts_act"}
    assert first == pytest.approx(record.predictor("sts_act").values)


def test_quick_reads_a_fifth_unless_told_otherwise(monkeypatch, capsys, arguments):
    code, _, err = run(monkeypatch, capsys, [*flat(arguments), "--quick", "--domain-tokens", "77", "-q"])
    assert code == 0, err
    settings = Prediction.read(Path(arguments["--output"])).experiment.settings
    assert (settings.shift_tokens, settings.domain_tokens) == (PredictSettings().shift_tokens / 5, 77)
    assert PredictSettings().domain_tokens / 5 == QUICK["domain_tokens"]


def test_an_unwritable_output_is_found_before_the_work(monkeypatch, capsys, arguments):
    monkeypatch.setattr("sts_eval.prediction.predict.predict", lambda *_: pytest.fail("the work was begun"))
    code, _, err = run(monkeypatch, capsys, flat({**arguments, "--output": "/proc/prediction.json"}))
    assert code == 2
    assert "/proc/prediction.json cannot be written" in err


def test_a_path_that_is_not_there_is_said_before_torch_is_loaded():
    code = """
import sys
from sts_eval.cli import main
for given in (["--sft", "nowhere.jsonl"], ["--sft", "a/b", "--domains", "./nowhere"]):
    sys.argv = ["sts-eval", "predict", "--model", "owner/name", *given]
    try:
        main()
    except SystemExit as stop:
        print(stop.code, [name for name in ("torch", "pandas", "scipy", "datasets") if name in sys.modules])
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines() == ["2 []", "2 []"]
    assert ended.stderr.splitlines() == [
        f"Error: there is no file {name}. Check the path, or give a dataset's hub id such as GAIR/LIMO."
        for name in ("nowhere.jsonl", "nowhere")
    ]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["predict", "--sft", "rows.jsonl"], "Error: Missing option '--model'."),
        (["predict", "--model", "owner/name"], "Error: Missing option '--sft'."),
        (["pedict"], "Error: No such command 'pedict'. Did you mean predict?"),
        (["zzz"], "Error: No such command 'zzz'."),
    ],
)
def test_what_is_missing_or_misspelt_is_named(monkeypatch, capsys, words, says):
    code, out, err = run(monkeypatch, capsys, words)
    assert (code, out, err.splitlines()[-1]) == (2, "", says)


def test_help_loads_nothing_slow():
    code = """
import sys
from sts_eval.cli import cli
for words in ([], ["predict"], ["run"], ["compare"], ["import"], ["stage"], ["store"], ["list"]):
    cli.main([*words, "--help"], standalone_mode=False)
    print("Loaded for", words, [name for name in ("torch", "pandas", "scipy") if name in sys.modules])
"""
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    loaded = [line for line in printed.splitlines() if line.startswith("Loaded for")]
    assert len(loaded) == printed.count("Options:") == 8
    assert [line for line in loaded if not line.endswith("[]")] == []


def test_env_says_versions_and_no_paths():
    printed = CliRunner().invoke(cli, ["env"]).output
    lines = dict(line.split(": ", 1) for line in printed.splitlines())
    for name, value in {"torch": torch.__version__, "python": platform.python_version()}.items():
        assert lines[name] == value
    assert lines["device"] in ("cpu", "cuda", "mps")
    assert str(Path.home()) not in printed
    assert str(Path.cwd()) not in printed


def test_the_version_names_the_commit_of_a_checkout():
    printed = CliRunner().invoke(cli, ["--version"]).output.strip()
    root = Path(sts_eval.__file__).parents[1]
    words = [shutil.which("git"), "rev-parse", "HEAD"]
    head = subprocess.run(words, cwd=root, capture_output=True, text=True, check=True).stdout
    assert printed.startswith(f"sts-eval, version {sts_eval.__version__} (commit {head[:12]}")


def test_help_shows_the_first_command_as_it_is_typed():
    printed = CliRunner().invoke(cli, ["--help"]).output
    assert "\\b" not in printed
    assert "--sae-path $(sts-eval lab sae) \\\n" in printed


@pytest.mark.parametrize(("words", "path"), [(["model"], lab.model_path()), (["sft", "law"], lab.sft_path("law"))])
def test_lab_prints_paths(words, path):
    assert CliRunner().invoke(cli, ["lab", *words]).output.strip() == str(path)


def test_init_says_what_to_change_and_what_comes_next(tmp_path):
    printed = CliRunner().invoke(cli, ["init", str(tmp_path / "own.yaml")]).output
    assert printed.endswith(f"put your own into it. Next: sts-eval check {tmp_path / 'own.yaml'}\n")
    printed = CliRunner().invoke(cli, ["init", "--lab", str(tmp_path / "lab.yaml")]).output
    assert printed == f"Written: {tmp_path / 'lab.yaml'}. Next: sts-eval check {tmp_path / 'lab.yaml'}\n"


@pytest.mark.parametrize(("options", "source"), [([], "rows.jsonl"), (["--lab"], str(lab.sft_path("law")))])
def test_init_takes_the_training_set(tmp_path, options, source):
    given = "law" if options else "rows.jsonl"
    assert CliRunner().invoke(cli, ["init", *options, "--sft", given, str(tmp_path / "own.yaml")]).exit_code == 0
    assert read_experiment(tmp_path / "own.yaml").training_set.source == source


def test_a_matrix_names_its_own_training_sets(monkeypatch, capsys, tmp_path):
    code, _, err = run(monkeypatch, capsys, ["init", "--matrix", "--sft", "rows.jsonl", str(tmp_path / "matrix.yaml")])
    assert (code, "a matrix has several" in err, list(tmp_path.iterdir())) == (2, True, [])


def test_saes_lists_releases_and_the_default():
    printed = CliRunner().invoke(cli, ["list", "saes", "google/gemma-2-9b-it"]).output
    assert "gemma-scope-9b-it-res" in printed
    assert "--sae-id layer_31/width_131k/average_l0_13" in printed


def test_saes_can_be_searched_to_the_last_id():
    printed = CliRunner().invoke(cli, ["list", "saes", "google/gemma-3-270m-it", "--id", "layer_12_width_65k"]).output
    assert printed.count("layer_12_width_65k_l0_medium") >= 3  # of the instruct and the base model, and the default
    assert re.search(r"gemma-scope-2-270m-it-res +│ 1 +│ layer_12_width_65k_l0_medium +│ this model", printed)
    assert re.search(r"gemma-scope-2-270m-pt-res +│ 1 +│ layer_12_width_65k_l0_medium +│ google/gemma-3-270m ", printed)
    assert "layer_9_" not in printed
    printed = CliRunner().invoke(cli, ["list", "saes", "openai-community/gpt2"]).output
    assert "Default: --sae-release gpt2-small-resid-post-v5-32k --sae-id blocks.8.hook_resid_post" in printed


def test_options_of_predict_stand_under_headings():
    printed = CliRunner().invoke(cli, ["predict", "--help"]).output
    places = [
        printed.index(f"\n{name}:\n") for name in ("Model", "SAE", "Training set", "Benchmark", "Method", "Options")
    ]
    assert places == sorted(places)
    assert places[1] < printed.index("--sae-release") < places[2]
    assert printed.count("--quick") >= 1
    assert "mmlu_pro" in printed
    assert "Mmlu_pro" not in printed


def test_the_console_script_is_installed(tmp_path):
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [BIN / "sts-eval", "lab", "model"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads((Path(done.stdout.strip()) / "config.json").read_text())["model_type"] == "llama"
