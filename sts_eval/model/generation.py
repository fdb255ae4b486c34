"""What a model answers: many prompts at once, with the likeliest token at each step or drawn."""

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from typing import Any, NamedTuple

import torch

from sts_eval.data.prompt import Prompter, Turn
from sts_eval.model.hook import unwrapped
from sts_eval.progress import Progress, silent

BATCH = 16  # answers at once
NEXT_QUESTION = "\nQuestion:"  # what begins a next question in plain prompts


class Answer(NamedTuple):
    """A model's answer to one turn."""

    text: str
    ended: bool  # whether the model stopped by itself; False where the length limit cut it
    ids: tuple[int, ...] = ()  # all tokens up to the end, the one that ends it included


@torch.no_grad()  # no inference mode: what a model keeps between passes must still serve training
def generated_answers(
    model: Any,
    prompter: Prompter,
    turns: Sequence[Turn],
    *,
    longest: int,
    temperature: float = 0.0,
    seed: int | None = 0,
    batch: int | None = None,
    progress: Progress = silent,
    stage: str = "answers",
) -> list[Answer]:
    """Let a model answer each turn without demonstrations.

    An answer ends where the model stops, or after `longest` tokens; in plain prompts also where it goes on to a next
    question. At temperature 0 each token is the likeliest one. Otherwise tokens are drawn, and the same seed gives the
    same answers to the same turns on the same machine; without a seed torch's own state is drawn from. A `batch` of
    turns is answered at once.
    """
    from transformers import GenerationConfig

    network, tokenizer = unwrapped(model), prompter.tokenizer
    prefix = prompter.demonstrations([]).prefixes[0]
    stops = network.generation_config.eos_token_id
    padding = tokenizer.eos_token_id or 0
    drawn = {"do_sample": True, "temperature": temperature, "top_k": 0} if temperature else {"do_sample": False}
    stop_strings = None if prompter.chat else [NEXT_QUESTION]
    settings = GenerationConfig(  # type: ignore[no-untyped-call]  # transformers' own
        max_new_tokens=longest,
        eos_token_id=stops,
        pad_token_id=padding,
        use_cache=True,
        stop_strings=stop_strings,
        **drawn,
    )
    device = network.get_input_embeddings().weight.device
    answers = [Answer("", False)] * len(turns)
    done = 0
    with nullcontext() if seed is None else torch.random.fork_rng():
        if seed is not None:
            torch.manual_seed(seed)
        for part in _batches([len(turn.ids) for turn in turns], batch or BATCH):
            prompts = [[*prefix, *turns[number].ids] for number in part]
            width = max(map(len, prompts))
            ids = torch.tensor([[padding] * (width - len(one)) + one for one in prompts])
            present = torch.tensor([[0] * (width - len(one)) + [1] * len(one) for one in prompts])
            found = network.generate(
                ids.to(device), attention_mask=present.to(device), generation_config=settings, tokenizer=tokenizer
            )
            for number, own in zip(part, found[:, width:].tolist(), strict=True):
                answers[number] = _answer(own, stops, tokenizer, plain=not prompter.chat)
            done += len(part)
            progress(stage, done, len(turns))
    return answers


def _batches(lengths: Sequence[int], size: int) -> Iterator[list[int]]:
    """Prompts of like length, so that little is padded."""
    order = sorted(range(len(lengths)), key=lambda number: (lengths[number], number))
    return (order[start : start + size] for start in range(0, len(order), size))


def _answer(ids: Sequence[int], stops: int | Sequence[int] | None, tokenizer: Any, *, plain: bool) -> Answer:
    ends = {stops} if isinstance(stops, int) else set(stops or ())
    end = next((at for at, token in enumerate(ids) if token in ends), None)
    text: str = tokenizer.decode(ids[:end], skip_special_tokens=True)
    own, next_question, _ = text.partition(NEXT_QUESTION) if plain else (text, "", "")
    kept = ids if end is None else ids[: end + 1]
    if next_question:
        kept = ids[:end]
        while NEXT_QUESTION in tokenizer.decode(kept[:-1], skip_special_tokens=True):
            kept = kept[:-1]
    return Answer(own.strip(), end is not None or bool(next_question), tuple(kept))
