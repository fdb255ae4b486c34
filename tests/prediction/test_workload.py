"""What a prediction says that it reads in all, against what was counted at the model."""

import pytest
from helpers import tiny

from sts_eval.experiment import TuneSettings
from sts_eval.prediction.collect import collect_scores
from sts_eval.prediction.workload import BACKWARD, Workload, tokens_of_others, tokens_of_sts
from sts_eval.predictors.predictor import Need
from sts_eval.predictors.registry import select
from sts_eval.study.cost import Cost, CostMeter

TUNE = TuneSettings(max_steps=8, batch=2, per_device_batch=2, rank=2, held_out=1)
DOMAINS = {domain.name: domain for domain in tiny.DOMAINS}
NEUTRAL = ("The shop opens at nine.", "Rain falls in spring.")


@pytest.fixture(scope="module")
def extractor():
    return tiny.extractor(seeds=(0, 1), probe_steps=4)


def test_planned_tokens_are_those_that_are_read(extractor):
    for _ in range(2):  # the first time, the reader also checks that questions can share a row
        costs, heard = CostMeter(), []
        collect_scores(
            select(("sts",)),
            extractor,
            tiny.training_set(),
            DOMAINS,
            tune=TUNE,
            costs=costs,
            neutral=NEUTRAL,
            progress=lambda *step, heard=heard: heard.append(step),
        )
    chosen = {name: {seed: tiny.draw(extractor, one, seed) for seed in (0, 1)} for name, one in DOMAINS.items()}
    planned = tokens_of_sts(extractor, tiny.training_set(), DOMAINS, chosen, NEUTRAL)
    read = {stage: costs.by_stage[stage].tokens for stage in ("step 1", "step 2", "features")}
    assert planned == pytest.approx(read, rel=0.15)  # not counted: what opens a prompt, and shorter prefixes
    assert heard[0][:2] == ("all 3 stages, thousand tokens", 0)
    assert heard[0][2] == max(1, round(sum(planned.values()) / 1000))
    assert heard[-2][1] == heard[-2][2]  # all is read before the last step of the last stage


def test_time_left_is_that_of_all_stages(extractor):
    costs, heard = CostMeter(), []
    tell = Workload(lambda *step: heard.append(step), costs, {"step 1": 6000, "step 2": 2000})
    costs.models = [extractor.reader.model]
    with costs("step 1"):
        tell("step 1: questions", 0, 10)
        costs._running["step 1"].tokens = 3000
        tell("step 1: questions", 5, 10)
        costs._running["step 1"].tokens = 9000  # more than planned is no more than the stage
        tell("step 1: questions", 9, 10)
    with costs("step 2"):
        tell("step 2: questions", 0, 4)
    tell("scores", 0, 1)
    assert [done for name, done, _ in heard if name == "all 2 stages, thousand tokens"] == [0, 3, 6, 6, 8]
    assert {total for name, _, total in heard if name.startswith("all")} == {8}


def test_a_stage_of_training_counts_its_backward_passes(extractor):
    chosen = {name: [0] for name in DOMAINS}
    found = tokens_of_others(
        {Need.LOSSES, Need.PROBE, Need.TEXTS}, extractor, tiny.training_set(), DOMAINS, chosen, TUNE
    )
    assert set(found) == {"losses", "probe"}
    asked = sum(len(extractor.prompter.turn(one.questions[0].text).ids) for one in DOMAINS.values())
    assert found["losses"] == 2 * asked  # alone and behind demonstrations
    rows = (found["probe"] - 4 * asked) / (BACKWARD * TUNE.batch * 4)  # domains are looked at four times, 4 steps
    lengths = [len(extractor.prompter.turn(one.question).ids) for one in tiny.TRAINING]
    assert min(lengths) < rows < 2 * max(lengths)


def test_a_share_follows_the_tokens_of_a_running_stage():
    costs = CostMeter()
    assert costs.share("step 1", 100) == 0
    costs._running["step 1"] = Cost(tokens=25)
    assert costs.share("step 1", 100) == 0.25
    del costs._running["step 1"]
    costs.by_stage["step 1"] = Cost(tokens=25)
    assert costs.share("step 1", 100) == 1
