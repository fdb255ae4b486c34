"""Scoring the options of a question behind one reading of it: lm-eval's `hf` model class, faster.

lm-eval runs a question through the model once for each of its options. Here a question and all its options
stand in one row, each option seeing the question and itself only (a 4-D attention mask, positions restarting
behind the question), and questions fill up the row. What lm-eval asks and what it makes of the answers stay
its own. `MeasureSettings.backend = "hf-packed"` chooses it; generation is inherited unchanged.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby

import torch
from lm_eval.api.registry import register_model
from lm_eval.models.huggingface import HFLM
from tqdm.auto import tqdm

from sts_eval.model.packing import PackedRow, attention_mask, cut_rows

TOKENS_PER_ROW = 1024  # tokens in a row; a question that is longer with its options has a row of its own

CHECKED = 4  # questions that are scored both ways before the rest is scored packed
TOLERANCE = {torch.float32: 1e-3, torch.float64: 1e-6, torch.bfloat16: 0.25, torch.float16: 0.1}
"""Largest difference of a log-probability, in nats, that rounding explains."""

Request = tuple[tuple[str, str], list[int], list[int]]
"""lm-eval's: the texts of context and continuation, and the token ids of each."""

Answer = tuple[float, bool]  # lm-eval's: log-probability in nats, and whether it is what greedy decoding would write


@register_model("hf-packed")
class PackedLM(HFLM):  # type: ignore[misc]  # lm-eval ships no types
    """lm-eval's Hugging Face model, with a question's options scored in one row.

    Where the architecture does not allow that (sliding windows, attention that takes no 4-D mask) or the
    first questions come out differently, everything is scored as lm-eval does it.
    """

    def _loglikelihood_tokens(
        self, requests: list[Request], disable_tqdm: bool = False, override_bs: int | None = None
    ) -> list[Answer]:
        questions = _questions(requests)
        if not self._packs(questions, requests):
            plain: list[Answer] = super()._loglikelihood_tokens(requests, disable_tqdm, override_bs)
            return plain
        answers: dict[int, Answer] = {}
        hidden = disable_tqdm or self.rank != 0
        with tqdm(total=len(requests), desc="scoring options", unit="option", disable=hidden) as bar:
            for row in _rows(questions, requests):
                scored = self._score(row, requests)
                for index, answer in scored.items():
                    self.cache_hook.add_partial("loglikelihood", requests[index][0], answer)
                answers |= scored
                bar.update(len(scored))
        return [answers[index] for index in range(len(requests))]

    def _packs(self, questions: Sequence[Sequence[int]], requests: list[Request]) -> bool:
        config = self.model.config.get_text_config()
        kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
        allowed = (
            self.backend == "causal"
            and kinds == {"full_attention"}
            and getattr(config, "sliding_window", None) is None
            and getattr(config, "_attn_implementation", None) in ("sdpa", "eager")
            and all(len(context) + len(option) <= self.max_length for _, context, option in requests)
        )
        if not allowed:
            return False
        sample = [index for question in questions[:CHECKED] for index in question]
        packed = self._score(questions[:CHECKED], requests)
        plain = super()._loglikelihood_tokens([requests[index] for index in sample], disable_tqdm=True)
        most = max(abs(packed[index][0] - one[0]) for index, one in zip(sample, plain, strict=True))
        return bool(most <= TOLERANCE.get(self.model.dtype, 1e-3))

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
            attention_mask=attention_mask(packed.visible(self.device), self.model.dtype),
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


def _rows(questions: Sequence[Sequence[int]], requests: list[Request]) -> Iterator[list[Sequence[int]]]:
    """Questions that share a row, alike lengths together."""
    sizes = [len(requests[q[0]][1]) + sum(len(requests[index][2]) for index in q) for q in questions]
    order = sorted(range(len(questions)), key=lambda number: (-sizes[number], number))
    for row in cut_rows(order, sizes, max_tokens=TOKENS_PER_ROW):
        yield [questions[number] for number in row]
