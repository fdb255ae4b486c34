"""From files to a record and back."""

import numpy as np
import pytest
from helpers import tiny

from sts_eval.errors import UserError
from sts_eval.experiment import BenchmarkSpec, Experiment, ModelSpec, PredictSettings, SAESpec, TrainingSetSpec
from sts_eval.prediction.predict import predict
from sts_eval.records.prediction import Prediction
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
    assert set(made.cost.seconds) == {"data", "load", "fit", "step 1", "step 2"}


def test_shifts_are_those_of_step_1(made):
    extractor = tiny.extractor("gemma2", "jumprelu")
    for shift in made.shifts:
        found = measure_shift(extractor, tiny.training_set(suffix=" Think."), shift.seed, tiny.silent)
        assert shift.features == found.features
        np.testing.assert_allclose(shift.shift, found.score[list(found.features)], rtol=1e-4)
        assert list(shift.shift) == sorted(shift.shift, reverse=True)
        assert shift.share_of_total == pytest.approx(sum(shift.shift) / found.score.sum(), rel=1e-4)


def test_reasons_add_up(made):
    """Shares of the ten features explained are at most one, and those of all twelve are one."""
    assert [reason.feature for reason in made.reasons] == list(made.shifts[0].features[:10])
    for domain in ("law", "math"):
        for share in ("share_of_act", "share_of_icl"):
            parts = [getattr(reason, share)[domain] for reason in made.reasons]
            assert all(part >= 0 for part in parts)
            assert 0.3 < sum(parts) <= 1 + 1e-9
    firings = [firing for reason in made.reasons for firing in reason.firings]
    assert firings
    texts = {question.text for domain in tiny.DOMAINS for question in domain.questions}
    for reason in made.reasons:
        strengths = [firing.activation for firing in reason.firings]
        assert strengths == sorted(strengths, reverse=True)
        assert all(strength > 0 for strength in strengths)
        assert len(strengths) <= 5
    for firing in firings:
        assert any(firing.token.strip() in text for text in texts)


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
        assert heard.get(stage, 0) <= done <= total
        heard[stage] = done if done < total else "all"

    predict(
        experiment.model_copy(update={"settings": experiment.settings.model_copy(update={"seeds": (0,)})}), progress
    )
    counted = dict.fromkeys(
        ("step 1: training questions, seed 0", "step 2: questions of law", "step 2: questions of math"), "all"
    )
    assert heard == counted | {"reading the data": 0, "loading the model and the SAE": 0}  # of no length that is known


def test_a_home_domain_that_the_benchmark_lacks_is_refused(experiment):
    training_set = experiment.training_set.model_copy(update={"home": ("tax",)})
    with pytest.raises(UserError, match="the benchmark has no domain 'tax'"):
        predict(experiment.model_copy(update={"training_set": training_set}))
