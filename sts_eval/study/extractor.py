"""The untuned model, its SAE and its tokenizer, loaded once and shared by every predictor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from sts_eval.data.prompt import Demonstrations, Prompter, Turn
from sts_eval.errors import UserError
from sts_eval.experiment import ModelSpec, PredictSettings, SAESpec
from sts_eval.model.hook import find_hook, unwrapped
from sts_eval.model.reader import Prefix, Reader, rows
from sts_eval.model.sae import SparseAutoencoder, load_sae

_ROW = {"cpu": 1024, "cuda": 4096}
"""Question tokens of a row where nothing is set. A token's attention is computed over its whole row, so long rows waste
work, and short ones leave an accelerator idle. On two cores, at 100M parameters, 1024 took half the time of 4096."""


@dataclass(frozen=True)
class Shown:
    """One context in which turns are read: a prefix for each number of demonstrations that may fit."""

    demonstrations: Demonstrations
    prefixes: tuple[Prefix, ...]

    @classmethod
    def of(cls, demonstrations: Demonstrations) -> Shown:
        """Make the prefixes; their keys and values are computed when they are first read behind."""
        return cls(demonstrations, tuple(Prefix(ids) for ids in demonstrations.prefixes))


@dataclass(frozen=True)
class Extractor:
    """What a prediction is made with.

    Attributes:
        prompter: Renders and tokenises.
        reader: Runs the model up to the hook.
        autoencoder: Encodes what the reader read.
        context: Longest prompt, in tokens.
        settings: The dials.
    """

    prompter: Prompter
    reader: Reader
    autoencoder: SparseAutoencoder
    context: int
    settings: PredictSettings

    def rows(self, turns: Sequence[Turn], counts: Sequence[int]) -> list[list[int]]:
        """Cut turns into rows that share a forward pass and a number of demonstrations."""
        most = self.settings.batch_tokens or _ROW.get(self.reader.device.type, _ROW["cuda"])
        return list(rows(turns, counts, max_tokens=most, max_questions=self.settings.batch_questions))

    def read(self, shown: Shown, turns: Sequence[Turn], counts: Sequence[int]) -> Tensor:
        """Hidden states of turns that each see their own number of demonstrations, in the order given.

        Returns:
            Shape (sum of span lengths, d_model).
        """
        read: dict[int, Tensor] = {}
        for count in sorted(set(counts)):
            where = [index for index, own in enumerate(counts) if own == count]
            hidden = self.reader.read(shown.prefixes[count], [turns[index] for index in where])
            parts = torch.split(hidden, [len(turns[index].span) for index in where])
            read.update(zip(where, parts, strict=True))
        return torch.cat([read[index] for index in range(len(turns))])


def assemble(
    model: Any,
    tokenizer: Any,
    autoencoder: SparseAutoencoder,
    settings: PredictSettings,
    *,
    context: int | None = None,
) -> Extractor:
    """Put an extractor together from parts that are loaded already, and check that they fit.

    Raises:
        UserError: The SAE's width is not the model's, the hook does not exist, or top_n exceeds d_sae.
    """
    config = unwrapped(model).config.get_text_config()
    if autoencoder.d_in != config.hidden_size:
        raise UserError(
            f"the SAE reads {autoencoder.d_in} dimensions but the model has {config.hidden_size}",
            "Choose an SAE that was trained on this model (`sts-eval list saes MODEL`)",
        )
    if settings.top_n > autoencoder.d_sae:
        raise UserError(
            f"{settings.top_n} dimensions are wanted but the SAE has {autoencoder.d_sae}",
            f"Pass --top-n {autoencoder.d_sae} or less",
        )
    own = context or getattr(config, "max_position_embeddings", None) or 4096
    return Extractor(
        prompter=Prompter(tokenizer, chat_template=settings.chat_template),
        reader=Reader(model, find_hook(model, autoencoder.hook_name)),
        autoencoder=autoencoder,
        context=settings.context or own,
        settings=settings,
    )


def load_extractor(model: ModelSpec, sae: SAESpec, settings: PredictSettings) -> Extractor:
    """Load the model, its tokenizer and the SAE.

    Raises:
        UserError: One of them does not exist or does not fit the others.
    """
    from transformers import AutoTokenizer

    network = load_model(model)
    try:
        tokenizer = AutoTokenizer.from_pretrained(
            model.id, revision=model.revision, trust_remote_code=model.trust_remote_code
        )
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(
            f"the tokenizer of {model.id!r} cannot be loaded ({reason})", "Put its tokenizer.json beside the model"
        ) from error
    device = str(unwrapped(network).get_input_embeddings().weight.device)
    autoencoder = load_sae(sae, model_id=model.id, device=device)
    return assemble(network, tokenizer, autoencoder, settings)


def load_model(spec: ModelSpec) -> Any:
    """Load a causal language model, with its adapter if there is one.

    Raises:
        UserError: The model does not exist, has weights that are not safetensors, or is wanted in a
            precision or on a device that there is not.
    """
    from transformers import AutoModelForCausalLM

    if spec.dtype != "auto" and not isinstance(getattr(torch, spec.dtype, None), torch.dtype):
        raise UserError(f"there is no dtype {spec.dtype!r}", "Give auto, float32, bfloat16 or float16")
    device = spec.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    model: Any
    try:
        model = AutoModelForCausalLM.from_pretrained(
            spec.id,
            revision=spec.revision,
            dtype=spec.dtype,
            device_map=device,
            trust_remote_code=spec.trust_remote_code,
            use_safetensors=True,
        )
    except (OSError, ValueError, RuntimeError, AssertionError) as error:  # the last two where a device is not there
        reason = " ".join(str(error).split())[:200]
        raise UserError(
            f"model {spec.id!r} cannot be loaded ({reason})",
            "Check the id or folder, --device, and `hf auth login` for gated models",
        ) from error
    if spec.adapter is not None:
        from peft import PeftModel

        try:
            model = PeftModel.from_pretrained(model, spec.adapter)
        except (OSError, ValueError) as error:
            raise UserError(f"adapter {spec.adapter!r} cannot be loaded ({error})", "Check the id or folder") from error
    return model
