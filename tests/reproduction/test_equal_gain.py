"""Movement of other domains at equal gain, worked by hand."""

from pathlib import Path

import pytest
from helpers import records

from sts_eval.analysis.report import report_run
from sts_eval.experiment import FeatureTuningSettings, TuneSettings
from sts_eval.reproduction.answer import answer
from sts_eval.reproduction.entries import entry_named
from sts_eval.reproduction.equal_gain import Moved, at_gain, others_moved_less
from sts_eval.reproduction.evidence import Evidence, FinishedRun

FLIPS = {"d0": (0, 8), "d1": (0, 6), "d2": (9, 0)}
LORA = TuneSettings()


def made_for(*home):
    one = records.prediction({"d0": 5.0, "d1": 3.0, "d2": 2.0})
    sft = one.experiment.training_set.model_copy(update={"home": home})
    return one.model_copy(update={"experiment": one.experiment.model_copy(update={"training_set": sft})})


def features(choose):
    return TuneSettings(method="features", features=FeatureTuningSettings(choose=choose))


def run(settings, gains, changes, *, home=("d2",)):
    """A run whose seeds gained so much, and changed the domains' log-probabilities by so much (points: ten times)."""
    prediction = made_for(*home)
    transfer = records.transfer(FLIPS, after=prediction)
    report = report_run(prediction, transfer)
    (training,) = records.tuned(prediction).runs
    trained = tuple(
        training.model_copy(update={"seed": seed, "loss_before": 1.0, "loss_after": 1.0 - gain})
        for seed, gain in enumerate(gains)
    )
    tuning = records.tuned(prediction).model_copy(update={"settings": settings, "runs": trained})
    domains = tuple(
        domain.model_copy(
            update={
                "by_seed": tuple(
                    domain.by_seed[0].model_copy(
                        update={
                            "seed": seed,
                            "logprob_delta": own[place],
                            "delta": None if own[place] is None else 10 * own[place],
                        }
                    )
                    for seed, own in enumerate(changes)
                )
            }
        )
        for place, domain in enumerate(transfer.domains)
    )
    return FinishedRun(
        Path("run"), report, prediction, transfer.model_copy(update={"tuning": tuning, "domains": domains})
    )


def test_a_tuning_moves_others_along_a_line_from_no_training():
    curve = [Moved(0.4, 0.2), Moved(0.2, 0.02)]
    assert at_gain(0.1, curve) == pytest.approx(0.01)
    assert at_gain(0.3, curve) == pytest.approx(0.11)
    assert at_gain(0.5, curve) is None  # it never gained so much
    assert at_gain(-0.1, curve) is None
    assert at_gain(0.1, []) is None


def test_other_domains_at_equal_gain_by_hand():
    # LoRA, seeds: |-.2|, .1 and |-.1|, .1 are .15 and .1 at a gain of .4; d2 is home and left out.
    # Features gain .2 and .1: LoRA at these is .075 and .025. They move others by .05 and .01: .025 and .015 less.
    runs = (
        run(LORA, (0.4, 0.4), ((-0.2, 0.1, 9.0), (-0.1, 0.1, 9.0))),
        run(features("predicted"), (0.2, 0.1), ((0.05, -0.05, 9.0), (0.02, 0.0, 9.0))),
        run(features("random"), (0.2, 0.1), ((5.0, 5.0, 9.0), (5.0, 5.0, 9.0))),
        run(features("predicted"), (0.9, 0.9), ((5.0, 5.0, 9.0), (5.0, 5.0, 9.0))),  # LoRA never gained so much
    )
    found = others_moved_less("logprob_delta")(Evidence(runs=runs))
    half = 12.7062 * 0.005
    assert (found.value, found.low, found.high) == pytest.approx((0.02, 0.02 - half, 0.02 + half), abs=1e-5)
    assert found.basis.startswith("2 pairs of tuned seeds; ")
    assert "0.2 against 0.333 per nat of gain" in found.basis  # .03 / .15 and .05 / .15
    points = others_moved_less("delta")(Evidence(runs=runs))
    assert points.value == pytest.approx(0.2)
    lead = answer(entry_named("table-11"), Evidence(runs=runs)).checks[0]
    assert (lead.name, lead.control, lead.verdict, lead.found) == ("others", True, "cannot tell", found)


@pytest.mark.parametrize(("home", "change"), [((), 0.1), (("d0", "d1", "d2"), 0.1), (("d2",), None)])
def test_there_is_no_figure_without_a_home_other_domains_or_the_measure(home, change):
    changes = ((change,) * 3,)
    runs = run(LORA, (0.4,), changes, home=home), run(features("predicted"), (0.2,), changes, home=home)
    assert others_moved_less("logprob_delta")(Evidence(runs=runs)) is None
