"""Which features of which layers a selective tuning trains.

At every layer S is chosen as in an ablation (`study/feature_choice.py`), from the reading of step 1 by the prediction's
first seed: at the prediction's own layer the predicted features are the prediction's, continued beyond its N. Random
and matched random features are drawn anew by every tuning seed, so that errors over seeds include the draw.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from sts_eval.data.training_set import TrainingSet
from sts_eval.errors import UserError
from sts_eval.experiment import FeatureTuningSettings, Run, SAESpec
from sts_eval.model.feature_tuning import FeatureMaps, tuned_layer
from sts_eval.model.fingerprint import chosen_by
from sts_eval.model.hook import find_hook, unwrapped
from sts_eval.model.load import load_config, load_model, load_tokenizer
from sts_eval.model.sae import SparseAutoencoder
from sts_eval.model.sae_loading import load_sae
from sts_eval.records.feature_tuning import FeatureTuning
from sts_eval.study.extractor import assemble
from sts_eval.study.feature_choice import FeatureActivity, choose_features, n_possible, read_activity


class _Layer(NamedTuple):
    sae: SAESpec
    autoencoder: SparseAutoencoder
    activity: FeatureActivity


@dataclass(frozen=True)
class FeaturePlan:
    """The features of a run's tuning. Models and SAEs are loaded where they are first needed."""

    run: Run
    training_set: TrainingSet

    @property
    def depends_on(self) -> list[object]:
        """What the choice depends on, beside model and training set."""
        return chosen_by(self.run)

    @property
    def _settings(self) -> FeatureTuningSettings:
        return self.run.tune.features or FeatureTuningSettings()

    def attached(self, network: Any, seed: int) -> FeatureMaps:
        """Freeze a model, and add W of zeros for one seed, which alone is trained.

        Raises:
            UserError: There is no SAE for a layer, or a layer has fewer such features.
        """
        settings = self._settings
        layers = []
        for one in self._layers:
            most = n_possible(settings.choose, one.activity)
            if settings.top_n > most:
                raise UserError(
                    f"tune.features.top_n asks for {settings.top_n} {settings.choose} features, and the SAE at "
                    f"{one.autoencoder.hook_name} has {most}",
                    f"Set tune.features.top_n to {most} or less",
                )
            chosen = choose_features(settings.choose, settings.top_n, one.activity, seed=seed)
            layers.append(tuned_layer(one.sae, one.autoencoder, chosen))
        facts = FeatureTuning(base_model_name_or_path=self.run.model.id, layers=tuple(layers))
        network.requires_grad_(False)
        maps = FeatureMaps(facts, [one.autoencoder for one in self._layers])
        maps.attach(network)
        return maps

    @cached_property
    def _layers(self) -> list[_Layer]:
        run = self.run
        network, tokenizer = load_model(run.model), load_tokenizer(run.model)
        device = str(unwrapped(network).get_input_embeddings().weight.device)
        found = []
        for sae, autoencoder in chosen_saes(run, network, device):
            settings = run.settings.model_copy(update={"top_n": 1})  # only the ranking is read
            extractor = assemble(network, tokenizer, autoencoder, settings)
            _, activity = read_activity(extractor, self.training_set, run.settings.seeds[0])
            found.append(_Layer(sae, autoencoder, activity))
        return found


def check_features(run: Run) -> None:
    """Check that there is an SAE for every layer, without weights of the model.

    Raises:
        UserError: There is none for a layer, or one does not fit the model.
    """
    import torch
    from transformers import AutoModelForCausalLM

    with torch.device("meta"):
        network = AutoModelForCausalLM.from_config(load_config(run.model))  # type: ignore[no-untyped-call]  # transformers' own
    for _, autoencoder in chosen_saes(run, network, "cpu"):
        assemble(network, load_tokenizer(run.model), autoencoder, run.settings.model_copy(update={"top_n": 1}))


def chosen_saes(run: Run, network: Any, device: str) -> Iterator[tuple[SAESpec, SparseAutoencoder]]:
    """The SAE of every layer that is tuned: the prediction's, and those that the settings name.

    Raises:
        UserError: There is none for a layer, or two are.
    """
    settings = run.tune.features or FeatureTuningSettings()
    n_layers = unwrapped(network).config.get_text_config().num_hidden_layers
    if above := [layer for layer in settings.layers if layer >= n_layers]:
        raise UserError(
            f"tune.features.layers names layer {above[0]}, and the model's {n_layers} blocks are 0 to {n_layers - 1}",
            "Choose a layer of this model",
        )
    given = [run.sae, *map(SAESpec.named, settings.saes)]
    by_layer: dict[int | None, tuple[SAESpec, SparseAutoencoder]] = {}
    for spec in given if settings.layers else given[:1]:
        autoencoder = load_sae(spec, model_id=run.model.id, device=device)
        layer = find_hook(network, autoencoder.hook_name).layer
        if layer in by_layer:
            raise UserError(f"two SAEs are given for layer {layer}", "Name one for each layer in tune.features.saes")
        by_layer[layer] = spec, autoencoder
    for layer in settings.layers or by_layer:
        if layer not in by_layer:
            has = ", ".join(str(one) for one in by_layer)
            raise UserError(
                f"no SAE is given for layer {layer}, only for layer {has}",
                "Name one in tune.features.saes: a folder, or RELEASE:ID of sae-lens",
            )
        yield by_layer[layer]
