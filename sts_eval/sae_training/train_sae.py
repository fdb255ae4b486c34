"""From a recipe to the folder of an SAE: read activations, train, judge, write the SAE with its record and card.

The files:

OUT/cfg.json, sae_weights.safetensors    the SAE, as sae-lens and `--sae-path` read it
OUT/sae_training.json, README.md         the record, and the card of the hub
.OUT.unfinished/                         activations and the last checkpoint, until the SAE is written
"""

import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from sts_eval.data.prompt import Prompter
from sts_eval.errors import UserError
from sts_eval.experiment import SAERecipe
from sts_eval.model.fingerprint import model_fingerprint, weights_sha256
from sts_eval.model.hook import find_hook, unwrapped
from sts_eval.model.load import load_model, load_tokenizer
from sts_eval.model.reader import Prefix, Reader
from sts_eval.progress import Progress, silent
from sts_eval.records.prediction import MISMATCH
from sts_eval.records.record import check_writable, fingerprint, now, write_atomically
from sts_eval.records.sae_training import SAETraining
from sts_eval.records.versions import versions
from sts_eval.sae_training.activations import Shards, cut_texts
from sts_eval.sae_training.card import card
from sts_eval.sae_training.texts import load_texts

RECORD = "sae_training.json"
POOR_FIT = 0.3
"""Fraction of variance unexplained on held-out text above which a warning is given."""


def train_sae(
    recipe: SAERecipe, out: Path, *, progress: Progress = silent, tell: Callable[[str], None] = lambda _: None
) -> SAETraining:
    """Train an SAE and write its folder. A killed training goes on where it was; a finished one is read.

    `tell` is called with a line ten times during the training.

    Raises:
        UserError: The recipe does not fit the model, there is too little text, or the folder holds something else.
    """
    key = fingerprint([recipe.model_dump(mode="json"), model_fingerprint(recipe.model)])
    if (out / RECORD).is_file():
        finished = SAETraining.read(out / RECORD)
        if finished.recipe != recipe:
            raise UserError(f"{out} holds the SAE of another recipe", "Choose another folder with --output")
        return finished
    if out.is_dir() and any(out.iterdir()):
        raise UserError(f"{out} holds other files", "Choose a new folder with --output")
    check_writable(out.with_name(RECORD))
    work, clock = out.with_name(f".{out.name}.{key[:12]}.unfinished"), time.perf_counter()
    sources = load_texts(recipe.text)
    read = _read_activations(recipe, [text for source in sources for text in source.texts], work, progress)

    from sts_eval.sae_training.trainer import fvu_and_l0, new_sae, train

    settings = recipe.settings
    sae = new_sae(settings, read.d_model, read.hook_name, recipe.model.id, read.device)
    batches = read.training.batches(min(settings.batch, read.n_tokens), settings.seed)
    dead = train(sae, batches, settings, read.n_tokens, work / "checkpoints", progress, tell)
    judged = read.held_out.all()
    fvu, l0 = fvu_and_l0(sae, judged)
    made = work / "sae"
    sae.save_inference_model(made)
    record = SAETraining(
        created=now(),
        recipe=recipe,
        commit=read.commit,
        hook_name=read.hook_name,
        d_in=read.d_model,
        d_sae=sae.cfg.d_sae,
        texts=tuple(source.identity for source in sources),
        n_tokens=read.n_tokens,
        n_long=read.n_long,
        n_held_out=len(judged),
        fvu=fvu,
        l0=l0,
        dead=dead,
        weights_sha256=weights_sha256(made),
        seconds=round(time.perf_counter() - clock, 3),
        device=read.device,
        warnings=(*(line for source in sources for line in source.warnings), *_warnings(recipe, read.n_tokens, fvu)),
        versions=versions("sae-lens"),
    )
    write_atomically(made / "README.md", card(record))
    record.write(made / RECORD)
    out.mkdir(exist_ok=True)
    out.rmdir()
    made.rename(out)
    shutil.rmtree(work)
    return record


class _Activations(NamedTuple):
    """What an SAE is trained and judged on, and what else of the model is told."""

    training: Shards
    held_out: Shards
    n_tokens: int  # to train on
    n_long: int  # tokens left out because their activations are too long
    hook_name: str
    d_model: int
    device: str
    commit: str | None


def _read_activations(recipe: SAERecipe, texts: Sequence[str], work: Path, progress: Progress) -> _Activations:
    """Read the model's activations on the texts into `work`. The model's memory is the trainer's afterwards."""
    network, tokenizer = load_model(recipe.model), load_tokenizer(recipe.model)
    hook_name = recipe.settings.hook or _block(recipe.settings.layer)
    reader = Reader(network, find_hook(network, hook_name))
    d_model = unwrapped(network).config.get_text_config().hidden_size
    _check_width(recipe, d_model)
    opening = Prefix(Prompter(tokenizer, chat_template=False).demonstrations([]).prefixes[0])
    pieces = cut_texts(texts, tokenizer, opening, recipe.settings)
    if not pieces.training or not pieces.held_out:
        raise UserError("the text is too short to train on and to hold out a part", "Give more texts with --text")
    work.mkdir(parents=True, exist_ok=True)
    training, held_out = Shards(work / "training", pieces.training), Shards(work / "held-out", pieces.held_out)
    n_long = training.read(reader, opening, progress, "reading activations")
    held_out.read(reader, opening, progress, "reading held-out activations")
    return _Activations(
        training=training,
        held_out=held_out,
        n_tokens=pieces.n_tokens - n_long,
        n_long=n_long,
        hook_name=hook_name,
        d_model=d_model,
        device=str(reader.device),
        commit=getattr(unwrapped(network).config, "_commit_hash", None),
    )


def push_to_hub(folder: Path, repo_id: str, *, private: bool = True) -> str:
    """Upload the folder of an SAE to a repository OWNER/NAME, which is made if it does not exist.

    Returns:
        The repository's address.

    Raises:
        UserError: The hub refuses.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    hub = HfApi()
    try:
        address = hub.create_repo(repo_id, private=private, exist_ok=True)
        hub.upload_folder(repo_id=repo_id, folder_path=folder)
    except HfHubHTTPError as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"the hub refuses to store {repo_id} ({reason})", "Log in with `hf auth login`") from error
    return str(address)


def _block(layer: int | None) -> str:
    if layer is None:
        raise UserError("no place is given where the SAE reads", "Give --layer L; the middle of the model is usual")
    return f"blocks.{layer}.hook_resid_post"


def _check_width(recipe: SAERecipe, d_model: int) -> None:
    settings = recipe.settings
    if settings.d_sae(d_model) < settings.k and settings.architecture in ("topk", "batchtopk"):
        raise UserError(
            f"{settings.k} of {settings.d_sae(d_model)} features cannot fire on a token",
            "Give a larger --width or a smaller --k",
        )


def _warnings(recipe: SAERecipe, n_tokens: int, fvu: float) -> list[str]:
    lines = []
    settings, text = recipe.settings, recipe.text
    if n_tokens < 0.9 * settings.n_tokens:
        lines.append(
            f"the text has {n_tokens:,} tokens to train on, fewer than the {settings.n_tokens:,} asked for; more text "
            "with --text or more passes with --epochs may help"
        )
    if text.training_sets or text.benchmarks:
        lines.append(
            "this SAE is trained on data that it may be asked to judge; it sees more there than one that is trained on "
            "general text alone"
        )
    if fvu > MISMATCH:
        lines.append(
            f"the SAE does worse than the mean activation (fraction of variance unexplained {fvu:.2f}), so "
            "`sts-eval predict` refuses it; train it on more tokens, with --epochs or a higher --learning-rate"
        )
    elif fvu > POOR_FIT:
        lines.append(
            f"the SAE leaves {fvu:.0%} of the variance of held-out text unexplained (more than {POOR_FIT:.0%}); more "
            "tokens, a larger --width or a larger --k make it better"
        )
    return lines
