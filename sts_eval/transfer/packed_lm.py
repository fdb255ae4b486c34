"""Scoring the options of a question behind one reading of it: lm-eval's `hf` model class, faster.

lm-eval runs a question through the model once for each of its options. Here a question and all its options
stand in one row, each option seeing the question and itself only (a 4-D attention mask, positions restarting
behind the question), and questions fill up the row. What lm-eval asks and what it makes of the answers stay
its own. `MeasureSettings.backend = "hf-packed"` chooses it; generation is inherited unchanged.
"""

import logging
from collections.abc import Iterator, Sequence
from itertools import groupby

import torch
from lm_eval.api.registry import register_model
from lm_eval.models.huggingface import HFLM
from tqdm.auto import tqdm

from sts_eval.model.packing import CPU_ROW_TOKENS, Attention, PackedRow, cut_rows
from sts_eval.transfer.agreement import Scored, disagreement

# Tokens in a row; a question that is longer with its options has a row of its own.
TOKENS_PER_ROW = {"cpu": CPU_ROW_TOKENS, "cuda": 1024}

CHECKED = 4  # questions that are scored both ways before the rest is scored packed

Request = tuple[tuple[str, str], list[int], list[int]]
"""lm-eval's: the texts of context and continuation, and the token ids of each."""

Answer = tuple[float, bool]  # lm-eval's: log-probability in nats, and whether it is what greedy decoding would write

_logger = logging.getLogger(__name__)


@register_model("hf-packed")
class PackedLM(HFLM):  # type: ignore[misc]  # lm-eval ships no types
    """lm-eval's Hugging Face model, with a question's options scored in one row.

    Where the architecture does not allow that or the first questions come out differently, everything is scored as
    lm-eval does it, which is said in a warning and kept in `unpacked`. A question that is longer than the model's
    context is always scored so.
    """

    unpacked: str | None = None
    """Why options were scored one by one; None where they were not."""

    def _loglikelihood_tokens(
        self, requests: list[Request], disable_tqdm: bool = False, override_bs: int | None = None
    ) -> list[Answer]:
        fitting: list[list[int]] = []
        longer: list[list[int]] = []
        for question in _questions(requests):
            fits = all(len(requests[index][1]) + len(requests[index][2]) <= self.max_length for index in question)
            (fitting if fits else longer).append(question)
        why = self._why_not(fitting, requests) if fitting else None
        if why is not None and self.unpacked is None:
            _logger.warning("Options are scored one by one, which is slower: %s.", why)
            self.unpacked = why
        if why is not None or not fitting:
            plain: list[Answer] = super()._loglikelihood_tokens(requests, disable_tqdm, override_bs)
            return plain
        alone = [index for question in longer for index in question]
        answers: dict[int, Answer] = {}
        if alone:
            found = super()._loglikelihood_tokens([requests[index] for index in alone], disable_tqdm, override_bs)
            answers |= dict(zip(alone, found, strict=True))
        hidden = disable_tqdm or self.rank != 0
        with tqdm(total=len(requests) - len(alone), desc="scoring options", unit="option", disable=hidden) as bar:
            for row in self._rows(fitting, requests):
                scored = self._score(row, requests)
                for index, answer in scored.items():
                    self.cache_hook.add_partial("loglikelihood", requests[index][0], answer)
                answers |= scored
                bar.update(len(scored))
        return [answers[index] for index in range(len(requests))]

    @property
    def _attention(self) -> Attention:
        return Attention.of(self.model.config.get_text_config())

    def _why_not(self, questions: Sequence[Sequence[int]], requests: list[Request]) -> str | None:
        """Why questions cannot share a row, as a clause; None where they can.

        An architecture can ignore a mask or a position that it is given; nothing but a comparison would show it. The
        longest question is part of it where layers see a window.
        """
        if self.backend != "causal":
            return "the model is an encoder with a decoder"
        if not self._attention.packs:
            name = self.model.config.get_text_config()._attn_implementation
            return f"attention of kind {', '.join(sorted(self._attention.kinds)) or name} ({name}) takes no such mask"
        sample = list(questions[:CHECKED])
        if self._attention.window is not None:
            sample[-1] = max(questions, key=lambda question: _size(question, requests))
        try:
            packed = {
                index: answer
                for row in self._rows(sample, requests)
                for index, answer in self._score(row, requests).items()
            }
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            return f"{type(self.model).__name__} does not take a packed row ({type(error).__name__})"
        asked = [index for question in sample for index in question]
        alone = super()._loglikelihood_tokens([requests[index] for index in asked], disable_tqdm=True)
        plain = dict(zip(asked, alone, strict=True))
        found = disagreement(
            [
                Scored(
                    [plain[index][0] for index in question],
                    [packed[index][0] for index in question],
                    [len(requests[index][2]) for index in question],
                )
                for question in sample
            ],
            self.model.dtype,
        )
        return found and f"in one row, {found}"

    def _rows(self, questions: Sequence[Sequence[int]], requests: list[Request]) -> Iterator[list[Sequence[int]]]:
        """Questions that share a row, alike lengths together."""
        sizes = [_size(question, requests) for question in questions]
        order = sorted(range(len(questions)), key=lambda number: (-sizes[number], number))
        most = TOKENS_PER_ROW.get(torch.device(self.device).type, TOKENS_PER_ROW["cuda"])
        for row in cut_rows(order, sizes, max_tokens=most):
            yield [questions[number] for number in row]

    @torch.inference_mode()
    def _score(self, row: Sequence[Sequence[int]], requests: list[Request]) -> dict[int, Answer]:
        """Answers to the requests of the questions in a row, by request."""
        ids: list[int] = []
        shapes: list[tuple[int, list[int]]] = []
        predicting: list[int] = []  # tokens whose logits are those of an option's tokens
        for question in row:
            context = requests[question[0]][1]
            last = len(ids) + len(context) - 1
            ids += context
            for index in question:
                option = requests[index][2]
                start = len(ids)
                predicting += [last, *range(start, start + len(option) - 1)]
                ids += option[:-1]
            shapes.append((len(context), [len(requests[index][2]) - 1 for index in question]))
        packed = PackedRow.of(shapes)
        logits = self.model(
            input_ids=torch.tensor([ids], device=self.device),
            position_ids=packed.positions[None].to(self.device),
            attention_mask=self._attention.masks(packed, self.device, self.model.dtype),
            logits_to_keep=torch.tensor(predicting, device=self.device),
            use_cache=False,
        ).logits[0]
        wanted = [index for question in row for index in question]
        targets = torch.tensor([token for index in wanted for token in requests[index][2]], device=self.device)
        logprobs = torch.log_softmax(logits.float(), dim=-1).gather(1, targets[:, None])[:, 0]
        greedy = logits.argmax(dim=-1) == targets
        lengths = [len(requests[index][2]) for index in wanted]
        parts = zip(wanted, torch.split(logprobs, lengths), torch.split(greedy, lengths), strict=True)
        return {index: (float(one.sum()), bool(written.all())) for index, one, written in parts}


def _questions(requests: list[Request]) -> list[list[int]]:
    """Positions of the requests of each question: neighbours with the same context."""
    numbered = enumerate(requests)
    return [[index for index, _ in group] for _, group in groupby(numbered, key=lambda pair: pair[1][1])]


def _size(question: Sequence[int], requests: list[Request]) -> int:
    """Tokens of a question with its options."""
    return len(requests[question[0]][1]) + sum(len(requests[index][2]) for index in question)
