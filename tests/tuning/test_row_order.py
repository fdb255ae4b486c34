"""The rows of an optimiser step come by length: the same rows in each step, nearly no padding, the same training."""

import pytest
from accelerate.data_loader import SeedableRandomSampler

from sts_eval.experiment import TuneSettings
from sts_eval.tuning.finetune import finetune
from sts_eval.tuning.row_order import StepsByLength

LENGTHS = [3, 90, 8, 41, 7, 88, 5, 40, 9, 86]


def steps(sampler, rows_per_step):
    order = list(sampler)
    return [order[start : start + rows_per_step] for start in range(0, len(order), rows_per_step)]


@pytest.mark.parametrize("epoch", [0, 3])
def test_each_step_has_the_rows_that_it_has_without_sorting(epoch):
    plain = SeedableRandomSampler(LENGTHS, data_seed=5)
    by_length = StepsByLength(LENGTHS, rows_per_step=4, seed=5)
    plain.set_epoch(epoch)
    by_length.set_epoch(epoch)
    expected, found = steps(plain, 4), steps(by_length, 4)
    assert [set(step) for step in found] == [set(step) for step in expected]
    assert found != expected
    for step in found:
        lengths = [LENGTHS[row] for row in step]
        assert lengths == sorted(lengths, reverse=True)
    assert len(by_length) == len(LENGTHS)


def test_epochs_and_seeds_have_orders_of_their_own():
    orders = set()
    for seed, epoch in [(0, 0), (0, 1), (7, 0)]:
        sampler = StepsByLength(LENGTHS, rows_per_step=3, seed=seed)
        sampler.set_epoch(epoch)
        orders.add(tuple(sampler))
    assert len(orders) == 3


def test_training_is_the_same_whatever_the_rows_at_once(model, mathematics, tmp_path):
    """The loss of a step is a mean over its tokens, so batches of like rows weigh no row more than others."""
    after = []
    for most in (8, 2):
        settings = TuneSettings(
            max_steps=3, batch=8, per_device_batch=most, learning_rate=5e-3, rank=2, bf16=False, seeds=(0,)
        )
        (run,) = finetune(model, mathematics, settings, tmp_path / str(most)).runs
        assert run.accumulation == 8 // most
        after.append(run.loss_after)
    assert after[0] == pytest.approx(after[1], abs=1e-5)
