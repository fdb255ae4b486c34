"""Gradients of a fresh LoRA adapter: what the tuning would do at its very first step, to whom.

The adapter is peft's, with the configuration of the run that is predicted, on the untuned model. Its B matrices start
at zero, so that it changes nothing yet; for the same reason the gradient of A is zero (∂L/∂A = Bᵀ ∂L/∂(BA)), and only
B's gradient says anything: the weight's own gradient projected on the adapter's random A.

Gradients of training examples compared with gradients of test examples: Pruthi et al., TracIn (arXiv
2002.08484); with LoRA and Adam: Xia et al., LESS (arXiv 2402.04333).
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.nn.utils.rnn import pad_sequence

from sts_eval.data.benchmark import Question
from sts_eval.data.prompt import Prompter
from sts_eval.data.rows import IGNORED, TokenRow, split_rows
from sts_eval.data.sampling import shuffled
from sts_eval.data.training_set import TrainingSet
from sts_eval.errors import UserError
from sts_eval.experiment import RATE, TuneSettings
from sts_eval.model.load import checkpointing_name, lora_config, trains_in_bf16
from sts_eval.progress import Progress, silent
from sts_eval.study.extractor import Extractor
from sts_eval.study.losses import option_ids
from sts_eval.study.study import Gradients

MINIBATCHES = 8  # of the training set, from which Adam's moments are estimated
MINIBATCH = 16  # most rows of one
QUESTIONS = 32  # most questions of a domain


class Adapter:
    """A fresh LoRA adapter while it is on the model."""

    def __init__(self, model: nn.Module, tune: TuneSettings) -> None:
        self._model = model
        self._at_once = tune.per_device_batch
        self._device = next(model.parameters()).device
        self._bf16 = trains_in_bf16(tune, model, device=self._device.type)
        self.parameters: list[nn.Parameter] = [one for one in model.parameters() if one.requires_grad]
        # Those that start at zero: B (for an embedding, peft lets A start there).
        self.zeros = [one for one in self.parameters if not one.any()]

    def gradient(
        self, rows: Sequence[TokenRow], weights: Sequence[float], parameters: Sequence[nn.Parameter]
    ) -> tuple[float, list[Tensor]]:
        """A sum of nats over labelled tokens but a row's first, weighted by row, and its gradient by parameter."""
        self._model.train()
        total = 0.0
        sums = [torch.zeros_like(parameter) for parameter in parameters]
        start = 0
        while start < len(rows):
            part = slice(start, start + self._at_once)
            try:
                loss = self._loss(rows[part], weights[part])
                found = torch.autograd.grad(loss, parameters, allow_unused=True, materialize_grads=True)
            except torch.OutOfMemoryError:
                if self._at_once == 1:
                    raise
                self._at_once //= 2
                continue
            total += float(loss.detach())
            for own, gradient in zip(sums, found, strict=True):
                own.add_(gradient)
            start += self._at_once
        return total, sums

    def _loss(self, rows: Sequence[TokenRow], weights: Sequence[float]) -> Tensor:
        ids, labels, present = (
            pad_sequence([torch.tensor(one) for one in column], batch_first=True, padding_value=padding)
            for column, padding in (
                ([row.input_ids for row in rows], 0),
                ([row.labels for row in rows], IGNORED),
                ([[1] * len(row.input_ids) for row in rows], 0),
            )
        )
        with torch.autocast(self._device.type, dtype=torch.bfloat16, enabled=self._bf16):
            inputs = {"input_ids": ids.to(self._device), "attention_mask": present.to(self._device)}
            logits: Tensor = self._model(**inputs, use_cache=False).logits
        wanted = labels[:, 1:].to(logits.device)
        where = wanted != IGNORED
        nats = cross_entropy(logits[:, :-1][where].float(), wanted[where], reduction="none")
        own = torch.tensor(weights, device=logits.device)[:, None].expand(where.shape)[where]
        return (own * nats).sum()


@contextmanager
def attached(model: Any, tune: TuneSettings, seed: int) -> Iterator[Adapter]:
    """Put a fresh adapter on a model, and take it off again: the model is left as it was.

    Dropout of the adapter is left out, which would only add noise to so short a look. The seed draws the adapter's
    start, and dropout inside the model where it has any.

    Raises:
        UserError: The model has an adapter already, or no module that `targets` name.
    """
    from peft import get_peft_model

    if hasattr(model, "get_base_model"):
        raise UserError("a model with an adapter cannot be tuned further", "Merge the adapter into the model first")
    trained = {name: parameter.requires_grad for name, parameter in model.named_parameters()}
    on_gpu = next(model.parameters()).is_cuda
    checkpointing = on_gpu if tune.gradient_checkpointing is None else tune.gradient_checkpointing
    was_training = model.training
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        try:
            wrapper = get_peft_model(model, lora_config(tune, dropout=0.0))
        except ValueError as error:
            raise UserError(
                f"the model cannot be trained with these settings ({error})", "Change the targets of tune"
            ) from error
        try:
            if checkpointing:
                # The other, reentrant kind would need inputs that require gradients.
                getattr(model, f"{checkpointing_name()}_enable")({"use_reentrant": False})
            yield Adapter(model, tune)
        finally:
            if checkpointing:
                getattr(model, f"{checkpointing_name()}_disable")()
            wrapper.unload()
            vars(model).pop("peft_config", None)  # which older versions of peft leave there
            for name, parameter in model.named_parameters():
                parameter.requires_grad_(trained[name])
            model.train(was_training)


def training_rows(extractor: Extractor, training_set: TrainingSet, tune: TuneSettings, seed: int) -> Sequence[TokenRow]:
    """The rows that a tuning with this seed would train on.

    Raises:
        UserError: The set has a single row, or the chat template rewords one.
    """
    prompter = Prompter(extractor.prompter.tokenizer, chat_template=tune.chat_template)
    return split_rows(prompter, training_set, tune, seed, extractor.context).train


def token_mean(rows: Sequence[TokenRow]) -> list[float]:
    """Weights of rows that make their loss the mean over all their solution tokens, as the trainer has it."""
    return [1 / max(1, sum(_predicted(row) for row in rows))] * len(rows)


def read_gradients(
    extractor: Extractor,
    training_set: TrainingSet,
    domains: Mapping[str, Sequence[Question]],
    tune: TuneSettings,
    seed: int,
    progress: Progress = silent,
) -> Gradients:
    """Gradients of the training set's loss, minibatch by minibatch, and of each domain's right answers.

    A domain's loss is the mean over questions of the nats per token of the right answer, without
    demonstrations. Of a domain with many questions, some are drawn. Where the tuning trains all weights, an
    adapter stands in for them. The seed draws the adapter's start, the rows and the questions.

    Raises:
        UserError: A right option is not given, a question is too long, or the model or the set cannot be trained so.
    """
    rows = training_rows(extractor, training_set, tune, seed)
    # Minibatches of a small set are smaller rather than fewer: Adam's moments need several that differ.
    size = max(1, min(tune.batch, MINIBATCH, len(rows) // MINIBATCHES))
    batches = [rows[start : start + size] for start in range(0, len(rows), size)][:MINIBATCHES]
    asked = {}
    for name, questions in domains.items():
        drawn = sorted(shuffled(len(questions), seed, "gradients", name)[:QUESTIONS])
        asked[name] = [_answer_row(extractor, questions[index]) for index in drawn]
    total = len(batches) + len(asked)
    with attached(extractor.reader.model, tune, seed) as adapter:

        def flat_gradient(rows: Sequence[TokenRow], weights: Sequence[float]) -> NDArray[np.float32]:
            _, gradients = adapter.gradient(rows, weights, adapter.zeros)
            return np.concatenate([one.float().flatten().cpu().numpy() for one in gradients])

        training = []
        for batch in batches:
            training.append(flat_gradient(batch, token_mean(batch)))
            progress("gradients: training set", len(training), total)
        found = {}
        for name, answers in asked.items():
            found[name] = flat_gradient(answers, [1 / (_predicted(row) * len(answers)) for row in answers])
            progress(f"gradients: {name}", len(batches) + len(found), total)
    return Gradients(np.stack(training), found, tune.learning_rate or RATE[tune.method])


def _answer_row(extractor: Extractor, question: Question) -> TokenRow:
    """A question without demonstrations, followed by its right answer, which alone is labelled."""
    prompter = extractor.prompter
    answers, turn, alone = option_ids(prompter, question), prompter.turn(question.text), prompter.demonstrations([])
    assert question.right is not None  # noqa: S101 -- `option_ids` has looked; this tells the type checker
    answer = answers[question.right]
    alone.fitting(turn._replace(ids=(*turn.ids, *answer)), extractor.context)
    before = [*alone.prefixes[0], *turn.ids]
    return TokenRow([*before, *answer], [IGNORED] * len(before) + answer)


def _predicted(row: TokenRow) -> int:
    return sum(label != IGNORED for label in row.labels[1:])
