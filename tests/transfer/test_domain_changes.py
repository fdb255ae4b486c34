"""Figures from answers, against worked examples and a record that someone changed."""

import math

import pytest

from sts_eval.records.transfer import Imported, Transfer
from sts_eval.records.tuning import PredictionReference
from sts_eval.transfer.assemble import assemble
from sts_eval.transfer.domain_changes import summarise
from sts_eval.transfer.pairing import Answer, pair


def answers(verdicts, *, logprob=None, length=None, truncated=None):
    """One domain of one model, from its verdict letters."""
    return [
        Answer("math", str(number), "A", verdict, logprob, length, truncated) for number, verdict in enumerate(verdicts)
    ]


def made(before, *after):
    """A record of one domain."""
    origin = Imported(format="table", sources=("x",), sources_sha256=("0",))
    return assemble(
        pair(before, list(after)),
        origin=origin,
        model_before="base",
        model_after="tuned",
        seeds=range(len(after)),
        length_unit="characters",
    )


def test_one_seed_by_hand():
    # Of 40 questions 6 are lost and 10 gained: Δ = 4/40, SE² = (16 - 16/40)/40².
    before = "r" * 20 + "w" * 20
    after = "w" * 6 + "r" * 14 + "r" * 10 + "w" * 10
    (change,) = summarise(pair(answers(before), [answers(after)]).domains, [0])
    assert (change.n, change.accuracy_before, change.accuracy_after) == (40, 0.5, 0.6)
    assert change.delta == pytest.approx(10)
    assert change.paired_se == pytest.approx(100 * math.sqrt(16 - 16 / 40) / 40)
    assert (change.total_se, change.seed_sd) == (None, None)
    assert change.se == change.paired_se
    assert (change.by_seed[0].lost, change.by_seed[0].gained) == (6, 10)
    assert change.p_mcnemar == pytest.approx(0.454498, abs=1e-6)
    assert change.flags == ("only_one_seed",)


def test_unparsed_is_wrong_and_flagged():
    (change,) = summarise(pair(answers("r" * 40), [answers("r" * 30 + "u" * 10)]).domains, [0])
    assert change.accuracy_after == 0.75
    assert (change.form_before.unparsed, change.form_after.unparsed) == (0, 0.25)
    assert "unparsed_changed" in change.flags


def test_truncation_and_length():
    before = answers("r" * 40, length=10, truncated=False)
    after = answers("w" * 40, length=30, truncated=True)
    (change,) = summarise(pair(before, [after]).domains, [0])
    assert (change.form_before.truncated, change.form_after.truncated) == (0, 1)
    assert (change.form_before.mean_length, change.form_after.mean_length) == (10, 30)
    assert "truncated_changed" in change.flags


def test_several_seeds():
    before = answers("rw" * 30, logprob=-1.0)
    after = [answers("rr" * 10 + "rw" * 20, logprob=-0.5), answers("rw" * 28 + "rr" * 2, logprob=-0.75)]
    (change,) = summarise(pair(before, after).domains, [3, 4])
    assert [seed.seed for seed in change.by_seed] == [3, 4]
    assert [seed.delta for seed in change.by_seed] == pytest.approx([100 / 6, 100 / 30])
    assert change.delta == pytest.approx(10)
    assert change.seed_sd == pytest.approx(abs(100 / 6 - 100 / 30) / math.sqrt(2))
    assert change.total_se > change.paired_se
    assert change.logprob.delta == pytest.approx(0.375)
    assert "only_one_seed" not in change.flags


def test_one_question():
    (change,) = summarise(pair(answers("w"), [answers("r"), answers("r")]).domains, [0, 1])
    assert change.delta == 100
    assert "small_sample" in change.flags


def test_no_logprob_where_one_side_lacks_it():
    record = made(answers("rw" * 20, logprob=-1.0), answers("rw" * 20))
    assert record.domains[0].logprob is None


def test_record_comes_back(tmp_path):
    record = made(answers("rw" * 20, logprob=-1.0, length=3), answers("rr" * 20, logprob=-0.5, length=4))
    record.write(tmp_path / "transfer.json")
    again = Transfer.read(tmp_path / "transfer.json")
    assert again == record
    assert summarise(again.answers, again.seeds) == again.domains
    assert again.domain("math").delta == 50
    with pytest.raises(KeyError):
        again.domain("law")


def test_flags_of_the_run():
    record = made(answers("rw" * 20), answers("rr" * 20))
    assert record.flags == ("no_prediction",)
    origin = record.origin
    reference = PredictionReference(prediction_sha256="0" * 64, created="2026-01-01T00:00:00+00:00")
    asked = [answer._replace(prompt_hash="p") for answer in answers("rw" * 20)]
    asked_otherwise = [answer._replace(prompt_hash="q") for answer in asked]
    record = assemble(
        pair(asked, [asked_otherwise]),
        origin=origin,
        model_before="base",
        model_after="tuned",
        seeds=[0],
        length_unit="tokens",
        prediction=reference,
    )
    assert record.flags == ("prompts_differ",)
    assert "40 questions were put in different words" in record.warnings[0]
