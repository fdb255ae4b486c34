"""The one place that loads a model, its tokenizer and its configuration, and describes a LoRA adapter."""

import re
import textwrap
import warnings
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from sts_eval.errors import UserError
from sts_eval.experiment import ModelSpec, TuneSettings
from sts_eval.records.feature_tuning import is_feature_tuning

LISTED = 5  # missing tensors that a message names


def load_model(spec: ModelSpec, *, for_training: bool = False) -> Any:
    """Load a causal language model, with its adapter if there is one.

    For training it is left to the trainer to place the model, one copy per process, unless `device` spreads it.

    Raises:
        UserError: There is no such model, precision or device, or its weights are not safetensors or not complete.
    """
    import torch
    from transformers import AutoModelForCausalLM

    if spec.dtype != "auto" and not isinstance(getattr(torch, spec.dtype, None), torch.dtype):
        raise UserError(f"there is no dtype {spec.dtype!r}", "Give auto, float32, bfloat16 or float16")
    check_place(spec)
    device: str | None = default_device() if spec.device == "auto" else spec.device
    if for_training and spec.device in ("auto", "cpu", "cuda", "mps"):
        device = None
    loading: Any = AutoModelForCausalLM.from_pretrained  # with output_loading_info it returns a pair
    try:
        model, loaded = loading(
            spec.id,
            **_source(spec),
            dtype=spec.dtype,
            device_map=device,
            use_safetensors=True,
            output_loading_info=True,
        )
    except (OSError, ValueError, RuntimeError, AssertionError) as error:  # the last two where a device is not there
        raise UserError(
            f"model {spec.id!r} cannot be loaded ({_reason(error)})",
            "Check the id or folder, --device, and `hf auth login` for gated models",
        ) from error
    if loaded["missing_keys"]:
        raise _incomplete(f"model {spec.id!r}", loaded["missing_keys"])
    if spec.adapter is not None and is_feature_tuning(spec.adapter):
        from sts_eval.model.feature_tuning import attach_saved

        attach_saved(model, Path(spec.adapter).expanduser())
    elif spec.adapter is not None:
        from peft import PeftModel

        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("error", message="Found missing adapter keys")  # peft goes on with random ones
                model = PeftModel.from_pretrained(model, spec.adapter)
        except UserWarning as warning:
            lacking = re.findall(r"'(.+?)'", str(warning))
            raise _incomplete(f"adapter {spec.adapter!r}", lacking) from warning
        except (OSError, ValueError) as error:
            raise UserError(f"adapter {spec.adapter!r} cannot be loaded ({error})", "Check the id or folder") from error
    return model


def load_tokenizer(spec: ModelSpec) -> Any:
    """Load the tokenizer of a model.

    Raises:
        UserError: There is none.
    """
    from transformers import AutoTokenizer

    check_place(spec)
    try:
        return AutoTokenizer.from_pretrained(spec.id, **_source(spec))
    except (OSError, ValueError) as error:
        raise UserError(
            f"the tokenizer of {spec.id!r} cannot be loaded ({_reason(error)})",
            "Check the id or folder, and put its tokenizer.json beside the model",
        ) from error


def load_config(spec: ModelSpec) -> Any:
    """Load the configuration of a model, without its weights.

    Raises:
        UserError: There is no such model.
    """
    from transformers import AutoConfig

    check_place(spec)
    try:
        return AutoConfig.from_pretrained(spec.id, **_source(spec))
    except (OSError, ValueError) as error:
        raise UserError(
            f"the configuration of {spec.id!r} cannot be loaded ({_reason(error)})",
            "Check the id or folder, and `hf auth login` for gated models",
        ) from error


def check_place(spec: ModelSpec) -> None:
    """Refuse a folder that is not there, which the libraries would take for a strange id of the hub.

    Raises:
        UserError: It is not there.
    """
    looks_local = spec.id.startswith(("/", ".", "~")) or spec.id.count("/") > 1 or "\\" in spec.id
    if looks_local and not Path(spec.id).is_dir():
        raise UserError(
            f"there is no model folder {spec.id}", "Give a folder in the Hugging Face format, or a hub id OWNER/NAME"
        )


def token_counter(spec: ModelSpec) -> Callable[[str], int]:
    """Load a model's tokenizer to count the tokens of texts, special tokens left out.

    Raises:
        UserError: There is no tokenizer.
    """
    tokenizer = load_tokenizer(spec)
    return lambda text: len(tokenizer(text, add_special_tokens=False).input_ids)


def lora_config(tune: TuneSettings, *, dropout: float | None = None) -> Any:
    """The LoRA adapter of a tuning as a peft configuration, possibly with other dropout than the tuning's."""
    from peft import LoraConfig, TaskType

    return LoraConfig(
        r=tune.rank,
        lora_alpha=tune.alpha,
        lora_dropout=tune.dropout if dropout is None else dropout,
        target_modules=tune.targets if isinstance(tune.targets, str) else list(tune.targets),
        task_type=TaskType.CAUSAL_LM,
    )


def checkpointing_name() -> str:
    """What the installed transformers calls recomputing activations, in arguments and methods."""
    from transformers import PreTrainedModel

    new, old = "activation_checkpointing", "gradient_checkpointing"
    return new if hasattr(PreTrainedModel, f"{new}_enable") else old


def trains_in_bf16(tune: TuneSettings, model: Any, *, device: str) -> bool:
    """Whether training computes in bfloat16 autocast on this kind of device ("cuda", "cpu", …).

    By default a GPU does where it can, and a processor with instructions for it where the weights are bfloat16: on
    one without it is slower, and small float32 models gain nothing.
    """
    import torch

    if tune.bf16 is not None:
        return tune.bf16
    if device == "cpu":
        native = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
        return bool(native) and model.dtype == torch.bfloat16
    return device == "cuda" and torch.cuda.is_bf16_supported()


def default_device() -> str:
    """The accelerator of this machine, or its processor."""
    import torch

    return "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"


def _incomplete(what: str, missing: Collection[str]) -> UserError:
    """The refusal of weights that lack tensors, which the libraries would draw at random. Tied ones are not missing."""
    listed = ", ".join(sorted(missing)[:LISTED]) + (", ..." if len(missing) > LISTED else "")
    return UserError(
        f"the files of {what} lack {len(missing)} of its tensors, which would be random ({listed})",
        "Give a complete checkpoint of a causal language model, or save it again",
    )


def _source(spec: ModelSpec) -> dict[str, Any]:
    return {"revision": spec.revision, "trust_remote_code": spec.trust_remote_code}


def _reason(error: Exception) -> str:
    return textwrap.shorten(str(error), 200, placeholder=" …")
