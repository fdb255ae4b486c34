"""Injection: what becomes of a domain's answers while the training set's mean states are added to the residual stream?

The mean hidden state of the training set, taken behind every block at the last token of each row, is added to the
output of the same block at every token. It stands in for tuning: a direction in which the whole set pulls. Its strength
is settled before any question is read, as the one that moves next-token probabilities of neutral text by a set
divergence.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from sts_eval.data.benchmark import Question
from sts_eval.data.training_set import TrainingSet
from sts_eval.errors import UserError
from sts_eval.model.hook import BLOCKS, unwrapped
from sts_eval.progress import Progress, silent
from sts_eval.study.extractor import Extractor
from sts_eval.study.losses import read_answering
from sts_eval.study.neutral import load_neutral
from sts_eval.study.study import Injection
from sts_eval.study.training_losses import SOLUTION_TOKENS, drawn_rows

ROWS = 32  # most rows of the training set that the mean is taken over
DIVERGENCE = 0.1  # nats per token of neutral text by which the strength is settled
STEPS = 12  # halvings of the interval that holds the strength, after it is found within a factor of two

NEUTRAL = " ".join(load_neutral().texts[:2])


def read_injection(
    extractor: Extractor,
    training_set: TrainingSet,
    domains: Mapping[str, Sequence[Question]],
    seed: int,
    progress: Progress = silent,
) -> Injection:
    """Answer the domains' questions, without demonstrations, with the training set's mean states added.

    Raises:
        UserError: A right option is not given, a question is too long, the model's blocks are not known, or no strength
            moves the neutral text as far as wanted.
    """
    added = mean_states(extractor, training_set, seed, progress)
    strength = settled_strength(extractor, added)
    with injected(extractor.reader.model, [strength * one for one in added]):
        nothing = extractor.prompter.demonstrations([])
        answers = read_answering(extractor, domains, nothing, progress, stage="answers under injection")
    return Injection(strength, answers)


def blocks(model: Any) -> nn.ModuleList:
    """The model's list of blocks.

    Raises:
        UserError: It is not known where they are.
    """
    base = unwrapped(model)
    n_layers = base.config.get_text_config().num_hidden_layers
    if path := BLOCKS.get(base.config.model_type):
        found = base.get_submodule(path)
    else:
        found = next((one for one in base.modules() if isinstance(one, nn.ModuleList) and len(one) == n_layers), None)
    if not isinstance(found, nn.ModuleList):
        raise UserError(
            f"where {type(base).__name__} keeps its blocks is not known, so nothing can be added to them",
            "Leave out the predictor injection_logprob",
        )
    return found


@torch.inference_mode()
def mean_states(extractor: Extractor, training_set: TrainingSet, seed: int, progress: Progress) -> list[Tensor]:
    """Mean state behind each block at the last token of a row, over rows of the training set; each of shape (d_model,).

    A row is a question and the first tokens of its solution, without demonstrations.

    Raises:
        UserError: The set has too few rows, or a row exceeds the context.
    """
    prompter, model = extractor.prompter, unwrapped(extractor.reader.model)
    opening = prompter.demonstrations([])
    rows = drawn_rows(extractor, training_set, seed, ROWS)
    sums: list[Tensor] = []
    for number, row in enumerate(rows, start=1):
        turn = prompter.turn(row.text, suffix=training_set.suffix)
        answer = prompter.answer(row.choices[0])[:SOLUTION_TOKENS]
        opening.fitting(turn._replace(ids=(*turn.ids, *answer)), extractor.context)
        ids = torch.tensor([[*opening.prefixes[0], *turn.ids, *answer]], device=extractor.reader.device)
        last = [states[0, -1].double() for states in _outputs(model, ids)]
        sums = [one + more for one, more in zip(sums, last, strict=True)] if sums else last
        progress("mean states of the training set", number, len(rows))
    return [one / len(rows) for one in sums]


@torch.inference_mode()
def settled_strength(extractor: Extractor, added: Sequence[Tensor]) -> float:
    """The least strength at which the mean KL(before || after) of the neutral text's next tokens is `DIVERGENCE` nats.

    Raises:
        UserError: There is none up to a million.
    """
    model = extractor.reader.model
    prefix, turn = extractor.prompter.demonstrations([]).prefixes[0], extractor.prompter.turn(NEUTRAL)
    ids = torch.tensor([[*prefix, *turn.ids][: extractor.context]], device=extractor.reader.device)

    def logprobs() -> Tensor:
        logits: Tensor = unwrapped(model)(input_ids=ids, use_cache=False).logits[0]
        return logits.float().log_softmax(dim=1)

    before = logprobs()

    def divergence(strength: float) -> float:
        with injected(model, [strength * one for one in added]):
            after = logprobs()
        return float((before.exp() * (before - after)).sum(dim=1).mean())

    high = 2.0**-20
    while divergence(high) < DIVERGENCE:
        high *= 2
        if high > 1e6:  # noqa: PLR2004 -- the docstring's limit
            raise UserError(
                "adding the training set's mean states does not change the model's output on neutral text",
                "Leave out the predictor injection_logprob",
            )
    low = high / 2
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if divergence(middle) >= DIVERGENCE else (middle, high)
    return high


@contextmanager
def injected(model: Any, added: Sequence[Tensor]) -> Iterator[None]:
    """Add a vector of shape (d_model,) to the output of each block, at every token, inside the block."""

    def adding(vector: Tensor) -> Any:
        def hook(_module: nn.Module, _args: Any, output: Any) -> Any:
            states = output[0] if isinstance(output, tuple) else output
            moved = states + vector.to(states)
            return (moved, *output[1:]) if isinstance(output, tuple) else moved

        return hook

    handles = [block.register_forward_hook(adding(vector)) for block, vector in zip(blocks(model), added, strict=True)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _outputs(model: Any, ids: Tensor) -> list[Tensor]:
    """What each block puts out, shape (1, n_tokens, d_model)."""
    found: list[Tensor] = []

    def keep(_module: nn.Module, _args: Any, output: Any) -> None:
        found.append(output[0] if isinstance(output, tuple) else output)

    handles = [block.register_forward_hook(keep) for block in blocks(model)]
    try:
        model.base_model(input_ids=ids, use_cache=False)
    finally:
        for handle in handles:
            handle.remove()
    return found
