"""From files to a record and back."""

import numpy as np
import pytest
from helpers import tiny

from sts_eval.errors import UserError
from sts_eval.experiment import BenchmarkSpec, Experiment, ModelSpec, PredictSettings, SAESpec, TrainingSetSpec
from sts_eval.prediction.predict import predict
from sts_eval.records.prediction import Prediction
from sts_eval.study.neutral import load_neutral
from sts_eval.study.shifted_features import measure_shift


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    tiny.write_model(folder / "model", "gemma2")
    tiny.sae("jumprelu").save_model(folder / "sae")
    tiny.write_training_set(folder / "sft.jsonl")
    tiny.write_benchmark(folder / "benchmark")
    return folder


@pytest.fixture
def experiment(files):
    return Experiment(
        model=ModelSpec(id=str(files / "model")),
        sae=SAESpec(path=str(files / "sae"), allow_mismatch=True),  # its weights are random
        training_set=TrainingSetSpec(source=str(files / "sft.jsonl"), suffix=" Think."),
        benchmark=BenchmarkSpec(source=str(files / "benchmark")),
        settings=PredictSettings(top_n=12, domain_shots=2, seeds=(0, 1), predictors=()),
    )


@pytest.fixture(scope="module")
def made(files):
    return predict(experiment.__wrapped__(files))


def test_the_record_reads_back_equal(made, tmp_path):
    made.write(tmp_path / "prediction.json")
    back = Prediction.read(tmp_path / "prediction.json")
    assert back == made
    assert back.sha256() == made.sha256()


def test_two_runs_are_equal_but_for_time_and_cost(made, experiment):
    again = predict(experiment)
    # The same scores; only what they cost differs.
    costs = {one.name: one.cost for one in made.predictors}
    predictors = tuple(one.model_copy(update={"cost": costs[one.name]}) for one in again.predictors)
    changes = {"created": made.created, "cost": made.cost, "predictors": predictors}
    assert again.model_copy(update=changes).canonical() == made.canonical()
    assert (again.cost.tokens, again.cost.passes) == (made.cost.tokens, made.cost.passes)


def test_prompts_have_a_fingerprint_that_follows_their_words(made, experiment):
    assert made.shifts[0].prompts_sha256 != made.shifts[1].prompts_sha256
    worded = experiment.training_set.model_copy(update={"suffix": " Reason."})
    other = predict(experiment.model_copy(update={"training_set": worded}))
    assert other.shifts[0].prompts_sha256 != made.shifts[0].prompts_sha256
    assert [domain.prompts_sha256 for domain in other.domains] == [domain.prompts_sha256 for domain in made.domains]


def test_the_record_says_what_was_read(made):
    assert made.model.architecture == "Gemma2ForCausalLM"
    assert (made.model.d_model, made.model.n_layers, made.model.context) == (32, 3, 512)
    assert (made.model.dtype, made.model.chat_template) == ("float32", False)
    assert (made.sae.architecture, made.sae.d_in, made.sae.d_sae) == ("jumprelu", 32, 48)
    assert (made.sae.hook_name, made.sae.layer) == ("blocks.1.hook_resid_post", 1)
    assert (made.training_set.rows, made.benchmark.rows) == (7, 5)
    assert {domain.domain: domain.n_questions for domain in made.domains} == {"law": 2, "math": 3}
    assert made.domains[1].question_ids == ("0", "1", "2")
    assert [sorted(ids) for ids in made.domains[0].demonstration_ids] == [["3", "4"]] * 2  # rows 3 and 4 of the file
    assert made.domains[0].seen == (0, 0, 4)  # two questions, two seeds, two demonstrations each
    for shift in made.shifts:
        assert sorted((*shift.demonstrations, *shift.questions)) == list(range(7))
        assert shift.seen == (0, 0, 5)
    assert made.versions["sts-eval"]
    assert made.cost.tokens > 0
    assert set(made.cost.seconds) == {"data", "load", "fit", "step 1", "features", "step 2"}


def test_shifts_are_those_of_step_1(made):
    extractor = tiny.extractor("gemma2", "jumprelu")
    for shift in made.shifts:
        found = measure_shift(extractor, tiny.training_set(suffix=" Think."), shift.seed, tiny.silent)
        assert shift.features == found.features
        np.testing.assert_allclose(shift.shift, found.score[list(found.features)], rtol=1e-4)
        assert list(shift.shift) == sorted(shift.shift, reverse=True)
        assert shift.share_of_total == pytest.approx(sum(shift.shift) / found.score.sum(), rel=1e-4)


def test_reasons_add_up(made):
    """Shares of the ten most shifted features are at most one, and those of all twelve are one."""
    shifted, particular = made.shifts[0].features, [one.feature for one in made.meanings.kept[:10]]
    assert [reason.feature for reason in made.reasons] == list(dict.fromkeys([*shifted[:10], *particular]))
    for domain in ("law", "math"):
        for share in ("share_of_act", "share_of_icl"):
            parts = [getattr(reason, share)[domain] for reason in made.reasons[:10]]
            assert all(part >= 0 for part in parts)
            assert 0.3 < sum(parts) <= 1 + 1e-9


def test_meanings_are_of_the_shifted_features_and_of_texts_that_were_read(made):
    meanings, shift = made.meanings, made.shifts[0]
    assert {one.feature: one.shift for one in meanings.features} == dict(zip(shift.features, shift.shift, strict=True))
    assert list(meanings.sources) == ["training set", "neutral text", "law", "math"]
    assert meanings.sources["training set"].n_samples == shift.n_questions
    texts = {
        "training set": [one.question for one in tiny.TRAINING],
        "neutral text": load_neutral().texts,
        **{domain.name: [question.text for question in domain.questions] for domain in tiny.DOMAINS},
    }
    order = [(bool(one.dropped), -one.particular) for one in meanings.features]
    assert order == sorted(order)
    for one in meanings.features:
        assert sum(one.shares.values()) == pytest.approx(1, abs=1e-3)
        assert one.particular == pytest.approx(one.shift / (one.shift + one.usual))
        assert one.label in one.strongest
        assert max(one.strongest.values()) == one.strongest[one.label]
        peaks = [excerpt.peak for excerpt in one.excerpts]
        assert peaks == sorted(peaks, reverse=True)
        assert len(peaks) == sum(one.strongest.values()) <= 10
        assert len(one.promotes) == 8
        for excerpt in one.excerpts:
            text = "".join(piece.text for piece in excerpt.pieces)
            assert any(text.strip(" \ufffd") in own for own in texts[excerpt.source])
    assert sum(rate.n for rate in meanings.rates) == len(shift.features)
    assert meanings.rates[0].share == meanings.rates[0].n / 12
    for one in meanings.background:
        assert any(one.text.strip(" \ufffd") in own for own in texts[one.source])


def test_without_meanings_nothing_else_changes(made, experiment):
    settings = experiment.settings.model_copy(update={"meanings": False})
    found = predict(experiment.model_copy(update={"settings": settings}))
    assert found.meanings is None
    assert "features" not in found.cost.seconds
    assert found.shifts == made.shifts
    assert found.domains == made.domains
    assert found.by_predictor() == made.by_predictor()
    assert '"meanings":false' in found.canonical()


def test_a_neutral_text_of_ones_own(experiment, tmp_path):
    path = tmp_path / "neutral.txt"
    path.write_text("Rain fell.\n\nThe cat slept all day.", encoding="utf-8")
    settings = experiment.settings.model_copy(update={"neutral_text": str(path), "seeds": (0,), "excerpts": 2})
    found = predict(experiment.model_copy(update={"settings": settings})).meanings
    assert found.neutral == str(path)
    assert found.sources["neutral text"].n_samples == 2
    assert all(len(one.excerpts) <= 2 for one in found.features)


def test_domains_are_ranked_by_score(made):
    scores = [made.predictor("sts_icl").values[domain.domain] for domain in made.ranked()]
    assert scores == sorted(scores, reverse=True)
    assert {domain.domain for domain in made.ranked("sts_act")} == {"law", "math"}


def test_domains_do_not_depend_on_which_are_asked_for(made, experiment):
    law = predict(
        experiment.model_copy(update={"benchmark": experiment.benchmark.model_copy(update={"domains": ("law",)})})
    )
    assert law.domains == made.domains[:1]


def test_warnings_are_in_the_record(files, experiment):
    settings = experiment.settings.model_copy(update={"context": 60, "seeds": (0,)})
    found = predict(experiment.model_copy(update={"settings": settings}))
    assert [line for line in found.warnings if "training questions saw fewer than 2 demonstrations" in line]
    assert [line for line in found.warnings if "readings of domains saw fewer than 2" in line and "60 tokens" in line]
    for domain in found.domains:
        assert sum(domain.seen) == domain.n_questions
    assert sum(sum(domain.seen[:2]) for domain in found.domains) > 0


def test_a_chat_model_without_its_template_is_told(files, experiment, tmp_path):
    tiny.write_model(tmp_path / "model", "gemma2", template=tiny.GEMMA)
    chat = experiment.model_copy(update={"model": ModelSpec(id=str(tmp_path / "model"))})
    assert predict(chat).model.chat_template
    plain = chat.model_copy(update={"settings": chat.settings.model_copy(update={"chat_template": False})})
    assert [line for line in predict(plain).warnings if "rendered without it" in line]


def test_mistakes_in_data_are_found_before_the_model_is_loaded(experiment, tmp_path):
    wrong = {"model": ModelSpec(id=str(tmp_path / "nowhere")), "training_set": TrainingSetSpec(source="missing.jsonl")}
    with pytest.raises(UserError, match=r"there is no file missing\.jsonl"):
        predict(experiment.model_copy(update=wrong))


def test_progress_reaches_the_end_of_every_stage(experiment):
    heard = {}

    def progress(stage, done, total):
        assert heard.get(stage, 0) <= done / total <= 1
        heard[stage] = done / total

    predict(
        experiment.model_copy(update={"settings": experiment.settings.model_copy(update={"seeds": (0,)})}), progress
    )
    meant = [f"what the features mean: {source}" for source in ("training set", "neutral text")]
    counted = dict.fromkeys(
        (
            "step 1: training questions, seed 0",
            *meant,
            "step 2: questions of all domains",
            "scores by all predictors",
            "what the shifted features mean",
            "all 3 stages, thousand tokens",
        ),
        1,
    )
    of_no_known_length = (
        "reading the data",
        "loading the model and the SAE",
        "checking that SAE and model belong together",
    )
    assert heard == counted | dict.fromkeys(of_no_known_length, 0)


def test_a_small_training_set_is_a_warning_that_changes_no_score(made, experiment):
    n_tokens, n_questions = made.shifts[0].n_tokens, made.shifts[0].n_questions
    (line,) = (line for line in made.warnings if line.startswith("the training set is small"))
    assert f"all its {n_questions} questions" in line
    assert "of 20,000 that were asked for" in line
    enough = experiment.settings.model_copy(update={"seeds": (0,), "shift_tokens": n_tokens})
    read = predict(experiment.model_copy(update={"settings": enough}))
    assert not [line for line in read.warnings if line.startswith("the training set is small")]
    assert read.shifts[0].shift == made.shifts[0].shift


def test_the_bar_of_step_2_is_that_of_all_domains(experiment):
    told = []
    one_seed = experiment.settings.model_copy(update={"seeds": (0,)})
    made = predict(experiment.model_copy(update={"settings": one_seed}), lambda *step: told.append(step))
    steps = [(done, total) for stage, done, total in told if stage.startswith("step 2")]
    assert {total for _, total in steps} == {sum(domain.n_questions for domain in made.domains)}
    assert [done for done, _ in steps] == sorted({done for done, _ in steps})


def test_a_home_domain_that_the_benchmark_lacks_is_refused(experiment):
    training_set = experiment.training_set.model_copy(update={"home": ("tax",)})
    with pytest.raises(UserError, match="the benchmark has no domain 'tax'"):
        predict(experiment.model_copy(update={"training_set": training_set}))
