"""A mixture by hand: which rows, where they come from, and that what is written can be trained on."""

import json

import pytest
from helpers import mixtures, tiny

from sts_eval.data.training_set import Example, load_training_set
from sts_eval.errors import UserError
from sts_eval.experiment import TrainingSetSpec
from sts_eval.mixture.choose import choose
from sts_eval.mixture.own_targets import OwnTargets
from sts_eval.mixture.weights import Evidence
from sts_eval.mixture.write import written
from sts_eval.model import generation
from sts_eval.model.generation import Answer
from sts_eval.records.mixture import Mixture

TEN = {"math": 10, "law": 10, "health": 10}


def taken(chosen):
    return {name: len(rows) for name, rows in chosen.rows.items()}


def test_scores_of_five_three_and_two_choose_seven_rows(tmp_path):
    sources = mixtures.sources(tmp_path, mixtures.pool_rows(TEN))
    chosen = choose(sources, "sts_icl", 7)
    assert taken(chosen) == {"math": 4, "law": 2, "health": 1}
    assert all(row.domain == name for name, rows in chosen.rows.items() for row in rows)
    assert chosen.unlike_equal == 1  # equal shares are 3, 2 and 2


def test_mixtures_of_one_pool_share_their_rows(tmp_path):
    sources = mixtures.sources(tmp_path, mixtures.pool_rows(TEN))
    by_sts, equal = choose(sources, "sts_icl", 7).rows, choose(sources, "equal", 7).rows
    assert equal["math"] == by_sts["math"][:3]
    assert by_sts["health"] == equal["health"][:1]
    again = choose(mixtures.sources(tmp_path, mixtures.pool_rows(TEN), seed=1), "sts_icl", 7).rows
    assert again["math"] != by_sts["math"]


def test_what_is_written_is_the_training_set_with_the_rows_added(tmp_path):
    evidence = Evidence(mixtures.predicted(tmp_path, suffix=" Think."))
    sources = mixtures.sources(tmp_path, mixtures.pool_rows({"math": 1, "law": 9, "health": 9}), evidence)
    chosen, path = choose(sources, "sts_icl", 7), tmp_path / "out" / "mixture.jsonl"
    record = written(sources, chosen, path)
    read = load_training_set(TrainingSetSpec(source=str(path)))
    own = [Example(f"{row.question} Think.", row.solution) for row in tiny.TRAINING]
    assert read.examples[: len(own)] == own
    assert read.warnings == ()
    assert read.identity() == record.mixture
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert lines[1]["origin"] == "training set"
    assert lines[1]["row"] == 2
    pool = [json.loads(line) for line in (tmp_path / "pool.jsonl").read_text(encoding="utf-8").splitlines()]
    for line in lines[len(own) :]:
        source = pool[line["row"] - 1]
        assert (line["origin"], line["answered_by"], line["domain_assigned"]) == ("pool", "source", False)
        assert (line["question"], line["solution"]) == (source["question"], source["solution"])
        assert line["domain"] == source["category"]
    assert Mixture.read(path.with_suffix(".json")) == record
    by_domain = {one.domain: (one.wanted, one.there, one.taken, one.why) for one in record.domains}
    assert by_domain == {
        "math": (4, 1, 1, "the pool has only 1 row"),
        "law": (2, 9, 4, "2 more, which other domains lack"),
        "health": (1, 9, 2, "1 more, which other domains lack"),
    }


def test_only_protected_domains_get_rows(tmp_path):
    sources = mixtures.sources(tmp_path, mixtures.pool_rows(TEN), protect=["law", "health"])
    assert taken(choose(sources, "sts_icl", 5)) == {"law": 3, "health": 2}


@pytest.mark.parametrize(
    ("by", "budget", "says"),
    [
        ("sts_icl", 0, "a budget of 0 rows adds nothing"),
        ("sts_icl", 31, "30 usable rows .* fewer than the budget of 31"),
        ("sts_icl", -3, "adds nothing"),
    ],
)
def test_a_budget_that_cannot_be_met_is_refused(tmp_path, by, budget, says):
    sources = mixtures.sources(tmp_path, mixtures.pool_rows(TEN))
    with pytest.raises(UserError, match=says):
        choose(sources, by, budget)


def test_weights_that_are_all_zero_are_refused(tmp_path):
    evidence = Evidence(mixtures.predicted(tmp_path, {"math": -1.0, "law": 0.0, "health": -2.0}))
    sources = mixtures.sources(tmp_path, mixtures.pool_rows(TEN), evidence)
    with pytest.raises(UserError, match="the weight by sts_icl is 0 in every domain"):
        choose(sources, "sts_icl", 3)


def test_a_benchmark_that_changed_since_the_prediction_is_refused(tmp_path):
    evidence = Evidence(mixtures.predicted(tmp_path))
    tiny.write_benchmark(tmp_path / "benchmark")
    with pytest.raises(UserError, match=r"benchmark .* no longer what the prediction read"):
        mixtures.sources(tmp_path, mixtures.pool_rows(TEN), evidence)


def test_an_answer_that_never_ends_is_dropped_and_the_next_row_takes_its_place(tmp_path, monkeypatch):
    # The answers to the law rows 100 and 103 are cut, that to 101 is empty: 7 of 10 are left, and all 7 are taken.
    def answered(_model, prompter, turns, **_):
        texts = [prompter.tokenizer.decode(turn.ids) for turn in turns]
        return [
            Answer("" if "l101?" in text else "own words", ended="l100?" not in text and "l103?" not in text)
            for text in texts
        ]

    monkeypatch.setattr("sts_eval.mixture.own_targets.generated_answers", answered)
    evidence = Evidence(mixtures.predicted(tmp_path))
    tiny.write_model(tmp_path / "model")
    targets = OwnTargets(evidence.prediction.experiment.model, answer_tokens=8)
    sources = mixtures.sources(tmp_path, mixtures.pool_rows(TEN), evidence, protect=["law"], targets=targets)
    chosen = choose(sources, "sts_icl", 7)
    record = written(sources, chosen, tmp_path / "mixture.jsonl")
    assert {row.example.question for row in chosen.dropped} == {mixtures.question("law", n) for n in (100, 101, 103)}
    distilled = record.self_distillation
    assert (distilled.asked, distilled.unfinished, distilled.empty) == (10, 2, 1)
    last = json.loads((tmp_path / "mixture.jsonl").read_text(encoding="utf-8").splitlines()[-1])
    assert (last["solution"], last["answered_by"]) == ("own words", "untuned model")
    with pytest.raises(UserError, match="after 3 answers of the model that cannot be trained on were dropped"):
        choose(sources, "sts_icl", 8)


def test_a_model_that_never_ends_an_answer_is_not_asked_for_all_of_the_pool(tmp_path, monkeypatch):
    asked = []

    def never(_model, _prompter, turns, **_):
        asked.extend(turns)
        return [Answer("and so on", ended=False)] * len(turns)

    monkeypatch.setattr("sts_eval.mixture.own_targets.generated_answers", never)
    evidence = Evidence(mixtures.predicted(tmp_path))
    tiny.write_model(tmp_path / "model")
    targets = OwnTargets(evidence.prediction.experiment.model, answer_tokens=8)
    rows = mixtures.pool_rows({"law": 400})
    sources = mixtures.sources(tmp_path, rows, evidence, protect=["law"], targets=targets)
    with pytest.raises(UserError, match="0 of the untuned model's first 70 answers end within 8 tokens"):
        choose(sources, "sts_icl", 10)
    assert len(asked) == 70  # 10; 10 and as many as were lost; 10 and the 30 that were lost by then


def test_targets_are_what_the_model_itself_writes(tmp_path, monkeypatch):
    monkeypatch.setattr(generation, "BATCH", 2)
    evidence = Evidence(mixtures.predicted(tmp_path))
    tiny.write_model(tmp_path / "model")
    asked = []
    targets = OwnTargets(
        evidence.prediction.experiment.model, answer_tokens=6, progress=lambda *told: asked.append(told)
    )
    sources = mixtures.sources(tmp_path, mixtures.pool_rows({"law": 3}), evidence, targets=targets)
    targets.ask(sources.pool.rows)
    assert asked[-1] == ("the untuned model answers rows of the pool", 3, 3)
    made = tiny.extractor("llama")
    for row in sources.pool.rows:
        turn = made.prompter.turn(row.example.question)
        (wanted,) = generation.generated_answers(made.reader.model, made.prompter, [turn], longest=6)
        assert targets.target(row).solution == wanted.text
    long = OwnTargets(evidence.prediction.experiment.model, answer_tokens=500)
    long.ask(sources.pool.rows)
    assert not any(map(long.usable, sources.pool.rows))  # the context of 512 has no room for such answers
