"""A short training: the first steps of the tuning that is predicted, with a look at the domains between them.

Optimiser, schedule, batch and adapter are the real run's; the schedule is laid out for all its steps and
then left early. The adapter's start and the order of the rows are draws of their own, so that the probe is
another run of the same kind, not the run that is predicted. The loop is written out, without a
trainer, because the domains are read between steps, in the same process, and no file is to be left.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import count, islice

import numpy as np
import torch
from torch.nn.utils import clip_grad_norm_

from sts_eval.data.benchmark import Question
from sts_eval.data.rows import TokenRow
from sts_eval.data.sampling import shuffled
from sts_eval.data.training_set import TrainingSet
from sts_eval.errors import UserError
from sts_eval.experiment import RATE, TuneSettings
from sts_eval.progress import Progress, silent
from sts_eval.study.extractor import Extractor
from sts_eval.study.gradients import attached, token_mean, training_rows
from sts_eval.study.losses import read_answering
from sts_eval.study.study import Answering, Probe

QUESTIONS = 40  # most questions of a domain that are read between steps


def read_probe(
    extractor: Extractor,
    training_set: TrainingSet,
    domains: Mapping[str, Sequence[Question]],
    tune: TuneSettings,
    steps: int,
    seed: int,
    progress: Progress = silent,
) -> Probe:
    """Train an adapter for a few steps and read the domains' answers before, on the way and after.

    The domains are read at step 0, after a quarter and a half of the steps, and after the last, without
    demonstrations; of a domain with many questions, some are drawn. There are no more steps than the full run has.
    Where the tuning trains all weights, an adapter stands in for them, at the rate that adapters are trained with: at
    the rate for all weights it would hardly move. The seed draws the adapter's start, the order of the rows and the
    questions. The model is left as it was.

    Raises:
        UserError: As for `read_gradients`, or the loss is not a number.
    """
    from transformers import get_cosine_schedule_with_warmup

    rows = training_rows(extractor, training_set, tune, seed)
    full = full_steps(len(rows), tune)
    steps = min(steps, full)
    reads = sorted({0, steps // 4, steps // 2, steps})
    alone = extractor.prompter.demonstrations([])
    asked = {}
    for name, questions in domains.items():
        drawn = sorted(shuffled(len(questions), seed, "probe questions", name)[:QUESTIONS])
        asked[name] = [questions[index] for index in drawn]
    rate = (tune.learning_rate if tune.method == "lora" else None) or RATE["lora"]
    with attached(extractor.reader.model, tune, seed) as adapter:
        optimiser = torch.optim.AdamW(
            adapter.parameters, lr=rate, betas=(tune.beta1, tune.beta2), weight_decay=tune.weight_decay
        )
        schedule = get_cosine_schedule_with_warmup(optimiser, math.ceil(full * tune.warmup), full)
        found = [read_answering(extractor, asked, alone, progress, stage="probe before training")]
        for step, batch in enumerate(islice(_batches(rows, tune.batch, seed), steps), start=1):
            loss, gradients = adapter.gradient(batch, token_mean(batch), adapter.parameters)
            if not math.isfinite(loss):
                raise UserError(
                    f"the probe's training loss is {loss} at step {step}",
                    "Lower the learning rate, or load the model in bfloat16 or float32 rather than float16",
                )
            for parameter, gradient in zip(adapter.parameters, gradients, strict=True):
                parameter.grad = gradient
            clip_grad_norm_(adapter.parameters, tune.clip)
            optimiser.step()
            schedule.step()
            if step in reads:
                found.append(read_answering(extractor, asked, alone, progress, stage=f"probe after step {step}"))
            progress("probe: training steps", step, steps)
    return Probe(
        steps=np.array(reads),
        full_steps=full,
        answers={name: [read[name] for read in found] for name in asked},
        kl={name: divergence(found[0][name], found[-1][name]) for name in asked},
    )


def full_steps(n_rows: int, tune: TuneSettings) -> int:
    """Optimiser steps of the run that is predicted, as the trainer counts them: an epoch's last batch may be small."""
    return tune.max_steps or math.ceil(tune.epochs * math.ceil(n_rows / tune.batch))


def divergence(before: Answering, after: Answering) -> float:
    """Mean over questions of KL(before || after) between the options' shares of the likelihood, in nats."""
    found = []
    for one, other in zip(before.option_logprobs, after.option_logprobs, strict=True):
        p, q = (logprobs - np.logaddexp.reduce(logprobs) for logprobs in (one, other))
        found.append(float(np.exp(p) @ (p - q)))
    return float(np.mean(found))


def _batches(rows: Sequence[TokenRow], size: int, seed: int) -> Iterator[list[TokenRow]]:
    """Batches of one epoch after another, each in an order of its own."""
    for epoch in count():
        order = shuffled(len(rows), seed, "probe", str(epoch))
        for start in range(0, len(order), size):
            yield [rows[index] for index in order[start : start + size]]
