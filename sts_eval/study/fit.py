"""Whether an SAE belongs to the model: does it reconstruct what the model computes where it reads?

    FVU = Σ ‖a − â‖² / Σ ‖a − mean(a)‖²

a are activations of the untuned model on question tokens of the training set, â their reconstructions. An SAE of
another model, layer or site, or one without the scale of its inputs, is no better than the mean (FVU 1) and mostly
worse; one that fits has about .1 to .4. The first token of a text is left out, as in training most SAEs: it often
carries an activation that is many times as long as any other (an attention sink), and the sums would be about it.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from sts_eval.data.training_set import TrainingSet
from sts_eval.errors import UserError
from sts_eval.model.hook import RESIDUAL, find_hook
from sts_eval.model.known_saes import same_model
from sts_eval.model.sae import SparseAutoencoder, fraction_unexplained
from sts_eval.records.prediction import MISMATCH, SAEFit
from sts_eval.study.draws import draw_training_rows
from sts_eval.study.extractor import Extractor
from sts_eval.study.reading import Context, Reading

TOKENS = 4096  # about how many are read
POOR = 0.5  # above which an SAE is warned about


@dataclass(frozen=True)
class Checked:
    """What the check found."""

    fit: SAEFit | None  # None where too few tokens were read to have a variance
    warnings: tuple[str, ...]


def check_sae(
    extractor: Extractor, training_set: TrainingSet, *, model_id: str, allow_mismatch: bool = False
) -> Checked:
    """Check that SAE and model belong together: where it reads, what it was trained on, and how well it reconstructs.

    Raises:
        UserError: It is read elsewhere than it was trained, or does worse than the mean activation, and
            `allow_mismatch` is not set; or its width is not the model's there.
    """
    autoencoder, hook = extractor.autoencoder, extractor.reader.hook
    doubts = [*autoencoder.warnings, *_place(extractor, allow_mismatch=allow_mismatch)]
    if autoencoder.trained_on and not Path(model_id).exists() and not same_model(autoencoder.trained_on, model_id):
        doubts.append(f"the SAE was trained on {autoencoder.trained_on}, and the model is {model_id}")
    activations = torch.cat(list(_activations(extractor, training_set)))
    if activations.shape[-1] != autoencoder.d_in:
        raise UserError(
            f"the SAE reads {autoencoder.d_in} dimensions but the model has {activations.shape[-1]} at {hook.name}",
            "Choose an SAE that was trained there (`sts-eval list saes MODEL`)",
        )
    if autoencoder.lacks_scale:
        scale = math.sqrt(autoencoder.d_in) / float(activations.norm(dim=-1).mean())
        doubts.append(
            "the SAE was trained on normalised activations, but the scale is neither folded into its weights nor in "
            "its files, so its features are wrong by an unknown factor. Fold the scale of its training with sae-lens's "
            f"fold_activation_norm_scaling_factor and save it again; these tokens would give about {scale:.3g}"
        )
    fit = measure_fit(autoencoder, activations)
    if fit is None:
        doubts.append("the training set has too few tokens to check whether SAE and model belong together")
    elif fit.fvu > MISMATCH and not allow_mismatch:
        raise UserError(
            f"the SAE does not fit the model at {hook.name}: it leaves {fit.fvu:.2f} of the variance unexplained over "
            f"{fit.n_tokens:,} tokens, more than the mean activation does" + "".join(f"; {line}" for line in doubts),
            "Check that it was trained on this model, layer and site, or predict all the same with --allow-mismatch "
            "(in lm_eval: --metadata allow_mismatch=true)",
        )
    elif fit.fvu > POOR:
        doubts.append(
            f"the SAE leaves {fit.fvu:.2f} of the variance unexplained at {hook.name} (more than {POOR}), so its "
            "features say little about this model"
        )
    if hook.layer is not None and not hook.name.endswith(RESIDUAL):
        doubts.append(f"the SAE reads {hook.name}: what predictors call the residual stream is that place here")
    return Checked(fit, tuple(doubts))


def measure_fit(autoencoder: SparseAutoencoder, activations: Tensor) -> SAEFit | None:
    """The fraction of variance unexplained on activations of shape (n_tokens, d_in); None where all are equal.

    Raises:
        UserError: A reconstruction is not finite.
    """
    reconstructed = autoencoder.reconstruct(activations)
    if not torch.isfinite(reconstructed).all():
        raise UserError(
            "the SAE's output for the model's activations is not finite (NaN or infinity)",
            "Check that it was trained on this model, layer and site",
        )
    fvu = fraction_unexplained(activations, reconstructed)
    return None if fvu is None else SAEFit(fvu=fvu, n_tokens=len(activations))


def _activations(extractor: Extractor, training_set: TrainingSet) -> Iterator[Tensor]:
    """Activations of question tokens without demonstrations, of shape (n_tokens, d), float32."""
    drawn = draw_training_rows(extractor, training_set, extractor.settings.seeds[0])
    turns, left = {}, TOKENS
    for number, turn in drawn.turns.items():
        turns[number] = turn
        left -= len(turn.span)
        if left <= 0:
            break
    alone = Context.of("alone", extractor, drawn.shown, turns).alone(turns)
    for row in Reading(extractor, turns, alone).rows():
        for number, states in row.by_question(row.alone).items():
            opens = not drawn.shown.prefixes[0] and turns[number].span[0] == 0
            yield states[int(opens) :].float()


def _place(extractor: Extractor, *, allow_mismatch: bool) -> Iterator[str]:
    """What to say about the place that is read."""
    own, hook, model = extractor.autoencoder.trained_at, extractor.reader.hook, extractor.reader.model
    if not own or own == hook.name:
        return
    try:
        same = find_hook(model, own).same_place(hook)
    except UserError as error:
        # A name that only its authors know, or an architecture whose blocks are not known, cannot be compared.
        if hook.layer is None or not own.startswith("blocks."):
            yield f"the SAE was trained at {own}, which cannot be compared with {hook.name}: {error.problem}"
            return
        same = False
    if same:
        return
    if not allow_mismatch:
        raise UserError(
            f"the SAE was trained at {own}, but --layer or --hook asks to read at {hook.name}",
            "Leave --layer and --hook out, or predict all the same with --allow-mismatch "
            "(in lm_eval: --metadata allow_mismatch=true)",
        )
    yield f"the SAE was trained at {own} and is read at {hook.name}"
