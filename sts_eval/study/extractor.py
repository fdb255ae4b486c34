"""The untuned model, its SAE and its tokenizer, loaded once and shared by every predictor."""

from dataclasses import dataclass
from typing import Any

from sts_eval.data.prompt import Prompter
from sts_eval.errors import UserError
from sts_eval.experiment import ModelSpec, PredictSettings, SAESpec
from sts_eval.model.hook import find_hook, unwrapped
from sts_eval.model.load import load_model, load_tokenizer
from sts_eval.model.reader import Reader
from sts_eval.model.sae import SparseAutoencoder
from sts_eval.model.sae_loading import check_named, load_sae


@dataclass(frozen=True)
class Extractor:
    """What a prediction is made with."""

    prompter: Prompter
    reader: Reader
    autoencoder: SparseAutoencoder
    context: int  # longest prompt, in tokens
    settings: PredictSettings


def assemble(
    model: Any, tokenizer: Any, autoencoder: SparseAutoencoder, settings: PredictSettings, *, context: int | None = None
) -> Extractor:
    """Put an extractor together from parts that are loaded already, and check that they fit.

    Raises:
        UserError: The hook does not exist, the SAE's width is not the width there, or top_n exceeds d_sae.
    """
    config = unwrapped(model).config.get_text_config()
    hook = find_hook(model, autoencoder.hook_name)
    if hook.width not in (None, autoencoder.d_in):
        raise UserError(
            f"the SAE reads {autoencoder.d_in} dimensions but the model has {hook.width} at {hook.name}",
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
        reader=Reader(model, hook),
        autoencoder=autoencoder,
        context=settings.context or own,
        settings=settings,
    )


def load_extractor(model: ModelSpec, sae: SAESpec, settings: PredictSettings) -> Extractor:
    """Load the model, its tokenizer and the SAE.

    Raises:
        UserError: One of them does not exist or does not fit the others.
    """
    check_named(sae, model_id=model.id)  # before minutes of reading the model's weights
    network, tokenizer = load_model(model), load_tokenizer(model)
    device = str(unwrapped(network).get_input_embeddings().weight.device)
    autoencoder = load_sae(sae, model_id=model.id, device=device)
    return assemble(network, tokenizer, autoencoder, settings)
