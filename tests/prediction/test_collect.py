"""Asking for other predictors: what it costs, what it leaves alone, and what is refused."""

import pytest
from helpers import tiny

from sts_eval.data.benchmark import Domain, Question
from sts_eval.data.training_set import Example
from sts_eval.errors import UserError
from sts_eval.experiment import (
    BenchmarkSpec,
    Experiment,
    ModelSpec,
    PredictSettings,
    SAESpec,
    TrainingSetSpec,
    TuneSettings,
)
from sts_eval.prediction import predict as prediction
from sts_eval.prediction.predict import predict
from sts_eval.predictors.predictor import Need, predictor
from sts_eval.predictors.registry import select
from sts_eval.records.prediction import ROBUST, SCORES

TUNE = TuneSettings(max_steps=8, batch=2, per_device_batch=2, rank=2, held_out=1)


def domain(name, texts):
    questions = [Question(f"{name}{number}", name, text) for number, text in enumerate(texts)]
    return Domain(name, questions, [Example(texts[0], "so it is"), Example(texts[1], "and so")])


DOMAINS = (
    domain("law", ["Who may sign the paper?", "Is it the court that rules?", "Who rules?", "May it be signed?"]),
    domain("math", ["What is two plus two?", "How many are left of 7?", "What is 3 times 3?", "Add 4 and 5."]),
)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("collect")
    tiny.write_model(folder / "model")
    tiny.sae("topk").save_model(folder / "sae")
    tiny.write_training_set(folder / "sft.jsonl")
    rows = [
        {"question_id": q.id, "question": q.text, "options": ["yes", "no", "it is"], "answer_index": n % 3}
        | {"category": one.name}
        for one in DOMAINS
        for n, q in enumerate(one.questions)
    ]
    shown = [
        {"question": asked, "options": [], "cot_content": solved, "category": one.name}
        for one in DOMAINS
        for asked, solved in one.demonstrations
    ]
    tiny.write_jsonl(folder / "benchmark" / "test.jsonl", rows)
    tiny.write_jsonl(folder / "benchmark" / "validation.jsonl", shown)
    return folder


def described(files, *names, **settings):
    return Experiment(
        model=ModelSpec(id=str(files / "model")),
        sae=SAESpec(path=str(files / "sae"), allow_mismatch=True),  # its weights are random
        training_set=TrainingSetSpec(source=str(files / "sft.jsonl")),
        benchmark=BenchmarkSpec(source=str(files / "benchmark")),
        settings=PredictSettings(top_n=12, domain_shots=2, predictors=names, probe_steps=4, **settings),
        tune=TUNE,
    )


@pytest.fixture(scope="module")
def everything(files):
    return predict(described(files, "all"))


def test_sts_is_the_same_to_the_bit_whoever_listens(files, everything):
    alone = predict(described(files))
    assert alone.others == ()
    assert alone.shifts == everything.shifts
    assert alone.domains == everything.domains


def test_all_columns_score_every_domain_or_say_nothing(everything):
    scores = everything.by_predictor()
    assert len(scores) == len(SCORES) + len(ROBUST) + len(everything.others)
    for column in everything.others:
        assert set(column.scores) <= {"law", "math"}, column.name
    silent = {column.name for column in everything.others if not column.scores}
    assert silent <= {"probe_auc", "probe_power", "act_random", "icl_random", "ngram_share", "subspace_overlap"}


def test_flags_follow_from_what_is_read(everything):
    by_name = {column.name: column for column in everything.others}
    assert by_name["tfidf_cosine"].flags == ()
    assert by_name["answer_nll"].flags == ("L",)
    assert by_name["gradient_cosine"].flags == ("L", "G")
    assert by_name["probe_loss"].flags == ("L", "P")


def test_costs_are_those_of_the_parts(everything):
    cost = {column.name: column.cost for column in everything.others}
    assert (cost["tfidf_cosine"].passes, cost["tfidf_cosine"].tokens) == (0, 0)
    assert cost["residual_norm"].tokens == everything.cost.tokens
    assert cost["residual_norm"].backward_passes == 0
    assert cost["gradient_cosine"].backward_passes > 0
    assert cost["probe_loss"].backward_passes > 0
    assert cost["h_score"].tokens == cost["residual_norm"].tokens + cost["answer_nll"].tokens


def test_listening_costs_no_pass(files, everything):
    listened = predict(described(files, "magnitude", "representation", "profile"))
    assert (listened.cost.tokens, listened.cost.passes) == (everything.cost.tokens, everything.cost.passes)


def test_the_order_is_the_tables_not_the_wish(files):
    wished = predict(described(files, "unigram_divergence", "tfidf_cosine", "lexical"))
    names = [column.name for column in wished.others]
    assert names == [
        "tfidf_cosine",
        "ngram_share",
        "unigram_divergence",
        "prompt_length",
        "answer_length_gap",
        "answer_entropy_gap",
    ]


def test_a_score_of_no_domain_is_refused(files, monkeypatch):
    @predictor("astray", needs={Need.TEXTS})
    def astray(_study):
        return {"geology": 1.0}

    monkeypatch.setattr(prediction, "select", lambda _names: (astray,))
    with pytest.raises(UserError, match="'geology', which is no domain"):
        predict(described(files, "astray"))


def test_what_is_not_a_number_is_left_out(files, monkeypatch):
    @predictor("half", needs={Need.TEXTS})
    def half(_study):
        return {"law": float("nan"), "math": 1.0}

    monkeypatch.setattr(prediction, "select", lambda _names: (*select(["sts"]), half))
    assert predict(described(files, "half")).others[0].values == {"math": 1.0}


def test_an_unknown_name_is_refused_before_the_model_is_read(files, monkeypatch):
    monkeypatch.setattr(prediction, "load_extractor", lambda *_: pytest.fail("the model was loaded"))
    with pytest.raises(UserError, match="no predictor or group 'astrology'"):
        predict(described(files, "astrology"))
