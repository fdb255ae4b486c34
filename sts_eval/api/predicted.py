"""`predict`: which domains fine-tuning will change, from the untuned model."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sts_eval.api.given import place
from sts_eval.api.results import PredictionResult
from sts_eval.errors import UserError
from sts_eval.experiment import QUICK, Experiment
from sts_eval.quiet import quietly
from sts_eval.settings import describe, settings_of

IN_MEMORY = "a model in memory"


@quietly()
def predict(
    model: str | Path | tuple[Any, Any],
    *,
    sft: str | Path,
    sae: Any = None,
    domains: str | Path = "mmlu_pro",
    quick: bool = False,
    **settings: Any,
) -> PredictionResult:
    """Predict which domains will change most if a model is fine-tuned on a training set.

    Args:
        model: Hub id or folder, or a loaded causal language model and its tokenizer.
        sft: Training set: hub id, file, or folder of files.
        sae: Folder or file of an SAE, a sae-lens release (with `sae_id=`), or a loaded sae-lens SAE. By default the
            model's known one.
        domains: Benchmark: `mmlu_pro`, a hub id, a folder, or a task or group of lm-eval.
        quick: Read a fifth of the tokens. Standard errors are about twice as large.
        **settings: Every other setting of `sts-eval predict`, with underscores: `shift_tokens=5000`, `seeds=(0,)`.

    Raises:
        UserError: A setting is unknown or wrong, or something that it names does not exist or does not fit.
    """
    from sts_eval.prediction.predict import predict as made
    from sts_eval.reporting.progress import progress_bars

    loaded = None
    given = (
        (QUICK if quick else {})
        | _checked(settings)
        | {
            "sft": str(place(sft, "training set")),
            "domains": str(place(domains, "benchmark")),
        }
    )
    if isinstance(model, tuple):
        if sae is None or isinstance(sae, str | Path):
            raise UserError("a loaded model needs a loaded SAE", "Pass sae=SAE.load_from_disk(…) of sae-lens")
        network, tokenizer = model
        given["model"] = getattr(network.config, "_name_or_path", "") or IN_MEMORY
    else:
        given["model"] = str(place(model, "model"))
    if isinstance(sae, str | Path):
        given["sae_path" if Path(sae).expanduser().exists() else "sae_release"] = str(sae)
    elif sae is not None and not isinstance(model, tuple):
        raise UserError("a loaded SAE needs a loaded model", "Pass model=(network, tokenizer)")
    experiment = describe(Experiment, given, lambda name, value: f"{name}={value!r}")
    if isinstance(model, tuple):
        from sts_eval.model.sae_loading import wrap_sae
        from sts_eval.study.extractor import assemble

        loaded = assemble(network, tokenizer, wrap_sae(sae, experiment.sae), experiment.settings)
    with progress_bars() as progress:
        return PredictionResult(made(experiment, progress, loaded=loaded))


def _checked(settings: Mapping[str, Any]) -> dict[str, Any]:
    known = {name for one in settings_of(Experiment) for name in (one.name, *one.older)}
    for name in settings:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            raise UserError(
                f"there is no setting {name!r}", f"Did you mean {near[0]!r}?" if near else "See help(sts_eval.predict)"
            )
    return dict(settings)
