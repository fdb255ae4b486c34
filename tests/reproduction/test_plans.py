"""Every file of every scale loads by our own reader, every command exists, and the paper's dials are its own."""

import click
import pytest

from sts_eval.cli import cli
from sts_eval.errors import UserError
from sts_eval.experiment_file import read_experiment
from sts_eval.model.known_saes import directory
from sts_eval.reproduction.entries import ENTRIES, entry_named
from sts_eval.reproduction.plans import plan
from sts_eval.reproduction.scales import lab_scale, paper_scale, real_scale
from sts_eval.sweeps.matrix import Matrix, read_matrix

REAL = real_scale("org/model", ("release:a", "release:b"), ("set.jsonl",), "mmlu_pro", None)
SCALES = {"lab": lab_scale(), "real": REAL, "paper": paper_scale()}


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.id)
@pytest.mark.parametrize("scale", SCALES.values(), ids=SCALES)
def test_a_plan_is_files_that_load_and_commands_that_exist(entry, scale, tmp_path):
    if scale.name == "lab" and entry.recipe in ("saes", "layers"):
        with pytest.raises(UserError, match="the lab has one SAE"):
            plan(entry, scale, tmp_path)
        return
    made = plan(entry, scale, tmp_path)
    assert made.files
    for file, text in made.files.items():
        file.write_text(text, encoding="utf-8")
        described = read_matrix(file) if "models:" in text else read_experiment(file)
        if isinstance(described, Matrix):
            assert described in (scale.runs, scale.saes, scale.layers)
        else:
            assert described.model == scale.single.model
    for step in made.steps:
        name, *arguments = step.words
        command = cli.get_command(click.Context(cli), name)
        command.make_context(name, list(arguments))  # parses, and does not run
    assert all(str(tmp_path) in str(record) for record in made.records)


def test_the_papers_own_dials():
    scale = paper_scale()
    for tune in (scale.runs.tune, scale.single.tune):
        assert (tune.method, tune.epochs, tune.batch, tune.max_tokens) == ("full", 10, 256, 8192)
        assert (tune.beta1, tune.beta2, tune.weight_decay, tune.clip, tune.warmup) == (0.9, 0.95, 0.01, 1.0, 0.1)
        assert len(tune.seeds) == 3
    settings = scale.runs.settings
    assert (settings.top_n, settings.shots, settings.domain_shots) == (100, 2, 5)
    assert (settings.shift_tokens, settings.domain_tokens) == (20_000, 10_000)
    assert [one.id.rsplit("_", 1)[1] for one in scale.saes.models[0].saes] == ["13", "22", "37", "63", "109"]
    assert (scale.features, scale.budget, scale.protect) == ((1000, 3000), 220, ("engineering", "law"))
    assert {one.source for one in scale.runs.benchmarks} == {"mmlu_pro"}


def test_the_papers_saes_are_in_the_registry():
    scale = paper_scale()
    for matrix in (scale.runs, scale.saes, scale.layers):
        for model in matrix.models:
            for sae in model.saes:
                assert sae.id in directory()[sae.release].saes_map, sae


def test_a_selective_tuning_has_its_controls(tmp_path):
    made = plan(entry_named("table-11"), paper_scale(), tmp_path)
    assert {file.stem for file in made.files} == {
        "tuned",
        *(f"{choose}-{n}" for choose in ("predicted", "random", "matched") for n in (1000, 3000)),
    }


def test_a_real_model_has_to_be_named():
    with pytest.raises(UserError, match="--model"):
        real_scale(None, (), (), "mmlu_pro", None)
    one = real_scale("org/model", (), ("set.jsonl",), "mmlu_pro", None)
    with pytest.raises(UserError, match="one SAE is given"):
        plan(entry_named("table-12"), one, None)
