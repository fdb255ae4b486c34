"""Selective tuning: W and its gradient on paper, a start that changes no bit, and the whole way through a run."""

import pytest
import torch
from helpers.pencil import WORDS, embedding_only, identity
from helpers.small_run import call, experiment, write_experiment
from transformers import TrainerCallback

from sts_eval import lab
from sts_eval.data.training_set import load_training_set
from sts_eval.errors import UserError
from sts_eval.experiment import FeatureTuningSettings, SAESpec, TuneSettings
from sts_eval.hindsight.actual_shift import read_shifts
from sts_eval.model.feature_tuning import FeatureMaps, attach_saved
from sts_eval.model.load import load_model
from sts_eval.pipeline import make_tuning
from sts_eval.records.feature_tuning import FeatureTuning, TunedLayer
from sts_eval.records.run_folder import RunFolder, SeedFolder
from sts_eval.records.tuning import Tuning
from sts_eval.study.extractor import load_extractor
from sts_eval.study.shifted_features import measure_shift
from sts_eval.transfer.evaluate import Evaluator, check_runs_features
from sts_eval.transfer.measure import tuned_models
from sts_eval.tuning import training
from sts_eval.tuning.features import check_features

HOOK = "blocks.0.hook_resid_post"


def maps(features, hook_name=HOOK):
    layer = TunedLayer(hook_name=hook_name, sae=SAESpec(path="x"), sae_sha256="", features=features)
    return FeatureMaps(FeatureTuning(base_model_name_or_path="x", layers=(layer,)), [identity(hook_name)])


def test_on_paper():
    # Behind block 0, a is (1, −5, 0, 2) and b is (0, 3, −1, .5); the identity SAE has h = relu(r).
    network, ids = embedding_only(), torch.tensor([[WORDS.index("a"), WORDS.index("b")]])
    made = maps((0, 3))
    made.attach(network)
    read = []
    network.model.layers[0].register_forward_hook(lambda _module, _args, output: read.append(output))
    with torch.no_grad():
        made.maps[0].copy_(torch.tensor([[10.0, 0, 0, 0], [0, 1, 1, 0]]))
    network(ids)
    # a: (1, −5, 0, 2) + 1·(10, 0, 0, 0) + 2·(0, 1, 1, 0).  b: (0, 3, −1, .5) + .5·(0, 1, 1, 0).
    assert read[0][0].tolist() == [[11.0, -3.0, 2.0, 2.0], [0.0, 3.5, -0.5, 0.5]]


def test_the_gradient_on_paper_and_only_of_w():
    network, ids = embedding_only(), torch.tensor([[WORDS.index("a"), WORDS.index("b")]])
    network.requires_grad_(False)
    made = maps((0, 3))
    made.attach(network)
    states = []
    network.model.layers[0].register_forward_hook(lambda _module, _args, output: states.append(output))
    network(ids)
    # L = Σ over tokens of (r·(1, 2, 3, 4)); dL/dW = Σ h_S(r)ᵀ (1, 2, 3, 4), and Σ h_S = (1 + 0, 2 + .5).
    (states[0][0] @ torch.tensor([1.0, 2, 3, 4])).sum().backward()
    assert made.maps[0].grad.tolist() == [[1.0, 2, 3, 4], [2.5, 5, 7.5, 10]]
    reached = [name for name, one in network.named_parameters() if one.grad is not None]
    assert reached == ["feature_tuning.maps.0"]
    assert all(one.grad is None for one in identity(HOOK).sae.parameters())


def small(**tune):
    """The small run on another set, tuned by 20 features."""
    values = {"method": "features", "features": FeatureTuningSettings(top_n=20), "seeds": (0,), "max_steps": 5}
    values |= {"learning_rate": 2e-3, "batch": 8, "max_rows": 48, **tune}
    data = {"source": str(lab.sft_path("code"))}
    return experiment(tune=values, benchmark={"domains": ("law", "math")}, training_set=data)


@pytest.fixture(scope="module")
def tuned(tmp_path_factory):
    """A run of features: its description, files and record."""
    run, files = small(), RunFolder.of(tmp_path_factory.mktemp("runs") / "small")
    return run, files, make_tuning(run, None, files)


def test_training_starts_from_the_untuned_model_and_moves_w_alone(tuned):
    run, files, record = tuned
    (seed,) = record.runs
    assert seed.changed
    assert seed.loss_after < seed.loss_before
    weights = SeedFolder(files.tuning / seed.folder).weights
    assert sorted(path.name for path in weights.iterdir()) == ["feature_tuning.json", "feature_tuning.safetensors"]
    plain, network = load_model(run.model), load_model(run.model)
    made = attach_saved(network, weights)
    ids = torch.arange(20, 50)[None]
    assert not torch.equal(network(ids).logits, plain(ids).logits)
    assert all(torch.equal(one, network.get_parameter(name)) for name, one in plain.named_parameters())
    with torch.no_grad():
        made.maps[0].zero_()
    assert torch.equal(network(ids).logits, plain(ids).logits)


def test_the_features_are_the_prediction_s(tuned):
    run, files, record = tuned
    weights = SeedFolder(files.tuning / record.runs[0].folder).weights
    facts = FeatureTuning.read(weights / "feature_tuning.json")
    extractor = load_extractor(run.model, run.sae, run.settings)
    shift = measure_shift(extractor, load_training_set(run.training_set), 0)
    assert facts.layers[0].features == shift.features[:20]
    assert facts.layers[0].hook_name == extractor.reader.hook.name


def test_the_tuned_model_is_measured_and_read(tuned):
    run, files, record = tuned
    (one,) = tuned_models(record, files.tuning)
    evaluator = Evaluator(run.measure, files.evaluations, None, run.benchmark)
    answers = [evaluator.evaluate(run.model, which) for which in (None, one)]
    before, after = ([own.replies.logprob for own in answer.domains] for answer in answers)
    assert before != after
    assert not any("attached" in note for answer in answers for note in answer.notes)
    extractor = load_extractor(run.model, run.sae, run.settings)
    shifts = read_shifts(extractor, load_model(one.of(run.model)), load_training_set(run.training_set), seed=0)
    assert shifts.features.actual.any()  # the tuned model is read behind its own change


def test_a_seed_is_not_trained_twice_and_other_features_are_another(tuned):
    run, files, record = tuned
    assert make_tuning(run, None, files).runs == record.runs
    other = make_tuning(small(features=FeatureTuningSettings(top_n=20, choose="matched")), None, files)
    assert other.runs[0].folder != record.runs[0].folder
    assert other.runs[0].weights_sha256 != record.runs[0].weights_sha256


@pytest.mark.slow
def test_a_killed_seed_goes_on_to_the_same_map(tuned, monkeypatch, tmp_path):
    run, _, record = tuned
    files, real, steps = RunFolder.of(tmp_path / "run"), training._FeatureTrainer, []

    class Killed(TrainerCallback):
        def on_step_begin(self, args, state, control, **kwargs):
            steps.append(state.global_step)
            if steps == [0, 1, 2]:
                raise KeyboardInterrupt

    def made(**named):
        trainer = real(**named)
        trainer.add_callback(Killed())
        return trainer

    monkeypatch.setattr(training, "CHECKPOINT_EVERY", 0.0)
    monkeypatch.setattr(training, "_FeatureTrainer", made)
    with pytest.raises(KeyboardInterrupt):
        make_tuning(run, None, files)
    (resumed,) = make_tuning(run, None, files).runs
    assert steps == [0, 1, 2, 2, 3, 4]
    assert resumed.weights_sha256 == record.runs[0].weights_sha256


def test_older_records_keep_their_hashes(tuned):
    assert "features" not in TuneSettings().model_dump(mode="json")
    _, _, record = tuned
    assert Tuning.from_json(record.canonical()).sha256() == record.sha256()


def test_a_layer_without_an_sae(tmp_path):
    missing = {"features": FeatureTuningSettings(layers=(0,))}
    with pytest.raises(UserError, match="no SAE is given for layer 0, only for layer 2"):
        check_features(small(**missing))
    path = write_experiment(tmp_path / "small.yaml", tune=missing | {"method": "features"})
    ended = call("stage", "finetune", path, "--folder", tmp_path / "run")
    assert (ended.code, ended.err.count("Error:")) == (2, 1)
    assert "tune.features.saes" in ended.err


def test_a_backend_that_cannot_run_it():
    with pytest.raises(UserError, match="the backend 'vllm' cannot run a model that is tuned by features"):
        check_runs_features(small().measure.model_copy(update={"backend": "vllm"}))


@pytest.mark.slow
def test_recomputed_activations_give_the_same_map(tuned, tmp_path):
    run, _, _ = tuned
    short = {"max_steps": 2, "batch": 4}
    found = []
    for recomputed in (False, True):
        files = RunFolder.of(tmp_path / str(recomputed))
        record = make_tuning(small(**short, gradient_checkpointing=recomputed), None, files)
        made = attach_saved(load_model(run.model), SeedFolder(files.tuning / record.runs[0].folder).weights)
        found.append(made.maps[0].detach())
    assert found[0].any()
    torch.testing.assert_close(found[1], found[0], atol=1e-6, rtol=1e-4)


def test_a_layer_that_the_model_does_not_have(tmp_path):
    with pytest.raises(UserError, match=r"names layer 99, and the model's 4 blocks are 0 to 3"):
        make_tuning(small(features=FeatureTuningSettings(layers=(99,))), None, RunFolder.of(tmp_path / "run"))


def test_more_features_than_there_are(tmp_path):
    with pytest.raises(UserError, match=r"asks for 900 matched features, and the SAE at .* has \d+"):
        make_tuning(
            small(features=FeatureTuningSettings(top_n=900, choose="matched")), None, RunFolder.of(tmp_path / "run")
        )
