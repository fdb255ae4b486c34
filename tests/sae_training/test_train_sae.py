"""`sts-eval sae train` on the lab's model: the SAE, its quality, a stopped training, and what is refused."""

import json

import pytest
import torch
from click.testing import CliRunner
from sae_lens import SAE
from safetensors.torch import load_file

from sts_eval import lab
from sts_eval.cli import cli
from sts_eval.data.prompt import Turn
from sts_eval.errors import UserError
from sts_eval.experiment import ModelSpec, SAERecipe, SAESpec, SAETrainSettings, TextSpec
from sts_eval.model.reader import Prefix
from sts_eval.model.sae_loading import load_sae
from sts_eval.records.sae_training import SAETraining
from sts_eval.reporting.sae_training import print_training
from sts_eval.sae_training import activations
from sts_eval.sae_training.activations import Shards, cut_texts
from sts_eval.sae_training.texts import load_texts
from sts_eval.sae_training.train_sae import train_sae

SETTINGS = {"layer": 0, "width": "96", "k": 8, "tokens": "3k", "epochs": 4, "batch": 128, "learning_rate": 2e-3}


def recipe(**settings):
    text = TextSpec(training_sets=(str(lab.sft_path("math")),))
    return SAERecipe(model=ModelSpec(id=str(lab.model_path())), text=text, settings=SETTINGS | settings)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sae") / "made"
    lines = []
    return folder, train_sae(recipe(), folder, tell=lines.append), lines


def test_the_command_writes_what_both_loaders_read(tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("\n\n".join(f"How many is {n} plus {n}? It is {2 * n}." for n in range(200)))
    arguments = f"sae train --model {lab.model_path()} --layer 1 --text {text} --width 2x --k 8 --tokens 1k --batch 64"
    done = CliRunner().invoke(cli, [*arguments.split(), "-o", str(tmp_path / "made")])
    assert done.exit_code == 0, done.output
    printed = " ".join(done.output.split())
    assert "blocks.1.hook_resid_post" in printed
    assert "so `sts-eval predict` refuses it" in printed  # a thousand tokens are too few
    assert "Next:" not in printed
    assert {path.name for path in tmp_path.iterdir()} == {"text.txt", "made"}
    ours = load_sae(SAESpec(path=str(tmp_path / "made")), model_id="lab", device="cpu")
    theirs = SAE.load_from_disk(tmp_path / "made")
    assert (ours.d_in, ours.d_sae, ours.hook_name) == (192, 384, "blocks.1.hook_resid_post")
    assert theirs.cfg.architecture() == "topk"
    assert theirs.cfg.normalize_activations == "none"  # the scale is folded in


def test_quality_is_that_of_the_written_sae_on_held_out_text(trained):
    folder, record, lines = trained
    assert len(lines) == 10
    sae = SAE.load_from_disk(folder)
    # By hand: the held-out texts, one at a time, through the whole model.
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(lab.model_path())
    tokenizer = AutoTokenizer.from_pretrained(lab.model_path())
    opening = Prefix((tokenizer.bos_token_id,))
    texts = [text for source in load_texts(record.recipe.text) for text in source.texts]
    pieces = cut_texts(texts, tokenizer, opening, record.recipe.settings)
    with torch.no_grad():
        states = torch.cat(
            [
                model(torch.tensor([[*opening.ids, *piece.ids]]), output_hidden_states=True).hidden_states[1][0, 1:]
                for piece in pieces.held_out
            ]
        ).float()
        features = sae.encode(states)
        unexplained = (sae.decode(features) - states).square().sum() / (states - states.mean(0)).square().sum()
    assert record.n_held_out == len(states)
    assert record.fvu == pytest.approx(float(unexplained), abs=0.01)
    assert record.l0 == pytest.approx(float((features > 0).sum(1).float().mean()), abs=0.01)
    assert record.fvu < 0.6
    held_out_texts = {tuple(piece.ids) for piece in pieces.held_out}
    assert not any(tuple(piece.ids) in held_out_texts for piece in pieces.training)


def test_a_finished_training_is_not_done_again(trained):
    folder, record, _ = trained
    assert train_sae(recipe(), folder) == record
    with pytest.raises(UserError, match="the SAE of another recipe"):
        train_sae(recipe(k=4), folder)


@pytest.mark.parametrize("stopped_after", [3, 7])
def test_a_stopped_training_ends_as_an_unbroken_one(tmp_path, trained, stopped_after):
    class StoppedError(Exception):
        pass

    def stop(_line):
        seen.append(_line)
        if len(seen) == stopped_after:
            raise StoppedError

    seen = []
    with pytest.raises(StoppedError):
        train_sae(recipe(), tmp_path / "made", tell=stop)
    assert not (tmp_path / "made").exists()
    rest = []
    train_sae(recipe(), tmp_path / "made", tell=rest.append)
    assert len(rest) == 10 - (stopped_after - 1)
    unbroken, resumed = (load_file(folder / "sae_weights.safetensors") for folder in (trained[0], tmp_path / "made"))
    assert all(torch.equal(unbroken[name], resumed[name]) for name in unbroken)


class _Reader:
    """Returns activations of length 1, and of length 50 for token 9."""

    device = torch.device("cpu")

    def __init__(self):
        self.n = 0

    def read(self, _prefix, turns):
        ids = [turn.ids[place] for turn in turns for place in turn.span]
        self.n += len(ids)
        return torch.tensor([[50.0 if token == 9 else 1.0, 0.0] for token in ids])


def test_activations_are_read_once_and_long_ones_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr(activations, "SHARD_TOKENS", 4)
    pieces = [Turn((1, 2, 9), (0, 1, 2)), Turn((3, 4), (0, 1)), Turn((5,), (0,))]
    shards, reader = Shards(tmp_path, pieces), _Reader()
    assert len(shards.plan) == 2
    assert shards.read(reader, Prefix(()), lambda *_: None, "reading") == 1
    shards.file(1).unlink()  # as if the reading was killed in the second file
    assert shards.read(reader, Prefix(()), lambda *_: None, "reading") == 1
    assert reader.n == 6 + 3
    assert shards.all().tolist() == [[1.0, 0.0]] * 5


def test_batches_use_every_activation_once_a_pass(tmp_path, monkeypatch):
    monkeypatch.setattr(activations, "SHARD_TOKENS", 4)

    class Numbered(_Reader):
        def read(self, _prefix, turns):
            return torch.tensor([[1.0, turn.ids[0] / 1000] for turn in turns])

    shards = Shards(tmp_path, [Turn((number,), (0,)) for number in range(20)])
    shards.read(Numbered(), Prefix(()), lambda *_: None, "reading")
    batches = shards.batches(8, seed=3)
    drawn = [round(1000 * float(row[1])) for _ in range(5) for row in next(batches)]
    assert sorted(drawn[:20]) == sorted(drawn[20:40]) == list(range(20))
    assert drawn[:20] != drawn[20:40]


@pytest.mark.parametrize(
    ("text", "settings", "said"),
    [
        ({}, {}, "no text is named"),
        ({"training_sets": [str(lab.sft_path("math"))]}, {"layer": None}, "no place is given where the SAE reads"),
        ({"training_sets": [str(lab.sft_path("math"))]}, {"layer": 99}, "does not exist"),
        ({"training_sets": [str(lab.sft_path("math"))]}, {"width": "4"}, "8 of 4 features cannot fire"),
        ({"text": [str(lab.sft_path("math"))]}, {}, "has no column 'of text'"),
    ],
)
def test_what_is_refused(tmp_path, text, settings, said):
    wanted = recipe(**settings).model_copy(update={"text": TextSpec(**text)})
    with pytest.raises(UserError, match=said):
        train_sae(wanted, tmp_path / "made")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_other_files_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UserError, match="holds other files"):
        train_sae(recipe(), tmp_path)


@pytest.mark.parametrize(("written", "tokens"), [("2M", 2_000_000), ("1.5k", 1_500), ("700", 700)])
def test_tokens_may_be_written_short(written, tokens):
    assert SAETrainSettings(tokens=written).n_tokens == tokens


def test_columns_of_text(tmp_path):
    (tmp_path / "rows.jsonl").write_text("\n".join(json.dumps({"id": n, "content": f"text {n}"}) for n in range(3)))
    (found,) = load_texts(TextSpec(text=(str(tmp_path / "rows.jsonl"),)))
    assert found.texts == ["text 0", "text 1", "text 2"]
    assert found.identity.form == "column 'content'"


def test_the_record_names_what_was_read(trained):
    folder, record, _ = trained
    assert SAETraining.read(folder / "sae_training.json") == record
    assert record.texts[0].rows == 1400
    assert any("data that it may be asked to judge" in line for line in record.warnings)


def test_the_next_command_is_one_line(trained, capsys):
    folder, record, _ = trained
    print_training(record, folder)
    assert f"Next: sts-eval predict --model {lab.model_path()} --sae-path {folder} --sft" in capsys.readouterr().out
