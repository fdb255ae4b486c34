"""Reading hidden states: many questions behind one shared prefix, no further than the hook.

What the prefix contributes is computed once, as keys and values. The questions then go through the blocks side by side
in one row without padding: positions restart behind the prefix for each, and the attention mask lets a token see the
prefix and its own question only. That equals one forward pass per question (the tests hold it against that), while
every token is computed once. The pass is cut short at the hook; neither later blocks nor the language-model head run.
"""

import inspect
import itertools
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from sts_eval.data.prompt import Turn
from sts_eval.errors import UserError
from sts_eval.model.hook import Hook, unwrapped
from sts_eval.model.packing import Attention, PackedRow

# Largest relative difference between packed and separate passes that rounding explains.
_TOLERANCE = {torch.float32: 1e-3, torch.float64: 1e-6, torch.bfloat16: 0.1, torch.float16: 0.02}


class _ReachedHook(Exception):  # noqa: N818 -- not an error: it ends a forward pass that has done its work
    pass


class Prefix:
    """A shared prefix: its token ids, and its keys and values once a reader has computed them."""

    def __init__(self, ids: Sequence[int]) -> None:
        self.ids = tuple(ids)
        self.cache: Any = None

    @contextmanager
    def lent(self) -> Iterator[Any]:
        """The cache for one forward pass, put back to the prefix alone however that pass ends."""
        layers = self.cache.layers if self.cache is not None else ()
        kept = [(layer.keys, layer.values) for layer in layers]
        try:
            yield self.cache
        finally:
            for layer, (keys, values) in zip(layers, kept, strict=True):
                layer.keys, layer.values = keys, values


class Reader:
    """Reads hidden states of question spans at a hook of a Hugging Face causal model, possibly with a peft adapter."""

    def __init__(self, model: nn.Module, hook: Hook) -> None:
        self.model = model
        self.hook = hook
        self.warnings: dict[str, None] = {}  # what the user should know, each line once
        self._base = unwrapped(model)
        config = self._base.config.get_text_config()
        self._attention = Attention.of(config)
        embeddings = self._base.get_input_embeddings().weight
        self.device, self._dtype = embeddings.device, embeddings.dtype
        # Whether questions share a row.
        self.packs = self._attention.packs
        # The argument of the forward pass that takes the cache: its name in transformers now, or before.
        accepted = inspect.signature(self._base.forward).parameters
        self._cache_argument = "cache" if "cache" in accepted else "past_key_values"
        self._checked: set[tuple[bool, ...]] = set()
        # Cells of the smallest attention mask for which memory ran out: such rows are halved before they are tried.
        self._too_many = sys.maxsize
        model.eval()

    @torch.inference_mode()
    def read(self, prefix: Prefix, turns: Sequence[Turn]) -> Tensor:
        """Hidden states of the turns' spans behind a prefix: shape (sum of span lengths, d), the model's dtype.

        Raises:
            UserError: A hidden state is not finite.
        """
        if self.packs:
            self._check_packing(prefix, turns)
        asked = sum(len(turn.ids) for turn in turns)
        cells = asked * (len(prefix.ids) + asked)
        if cells >= self._too_many and len(turns) > 1:
            return self._halves(prefix, turns)
        try:
            hidden = self._packed(prefix, turns) if self.packs else self._one_by_one(prefix, turns)
        except torch.OutOfMemoryError:
            if len(turns) == 1:
                raise
            self._too_many = min(cells, self._too_many)
            return self._halves(prefix, turns)
        if not torch.isfinite(hidden).all():
            raise UserError(
                f"activations at {self.hook.name} are not finite (NaN or infinity)",
                "Load the model in bfloat16 or float32, and check its weights",
            )
        return hidden

    def _halves(self, prefix: Prefix, turns: Sequence[Turn]) -> Tensor:
        half = len(turns) // 2
        return torch.cat([self.read(prefix, turns[:half]), self.read(prefix, turns[half:])])

    def _packed(self, prefix: Prefix, turns: Sequence[Turn]) -> Tensor:
        before = len(prefix.ids)
        if before and prefix.cache is None:
            self._compute(prefix)
        lengths = [len(turn.ids) for turn in turns]
        starts = [0, *itertools.accumulate(lengths)]
        ids = torch.tensor([list(itertools.chain.from_iterable(turn.ids for turn in turns))])
        row = PackedRow.of([(turn.stem, turn.branches) for turn in turns])
        with prefix.lent() as cache:
            hidden = self._forward(
                ids,
                position_ids=before + row.positions[None].to(self.device),
                attention_mask=self._attention.masks(row, self.device, self._dtype, before),
                use_cache=cache is not None,
                **{self._cache_argument: cache},
            )
        spans = [start + position for start, turn in zip(starts, turns, strict=False) for position in turn.span]
        return hidden[0, torch.tensor(spans, device=hidden.device)]

    def _compute(self, prefix: Prefix) -> None:
        from transformers import DynamicCache

        # Built without a config, every layer keeps the whole prefix; the masks below do the windowing.
        cache = DynamicCache()
        self._forward(torch.tensor([prefix.ids]), use_cache=True, **{self._cache_argument: cache})
        prefix.cache = cache

    def _one_by_one(self, prefix: Prefix, turns: Sequence[Turn]) -> Tensor:
        rows = []
        for turn in turns:
            stem, start = turn.ids[: turn.stem], turn.stem
            parts: list[Tensor] = []
            for length in turn.branches or (0,):
                ids = [*prefix.ids, *stem, *turn.ids[start : start + length]]
                hidden = self._forward(torch.tensor([ids]), use_cache=False)[0, len(prefix.ids) :]
                parts.append(hidden if not parts else hidden[len(stem) :])
                start += length
            whole = torch.cat(parts)
            rows.append(whole[torch.tensor(turn.span, device=whole.device)])
        return torch.cat(rows)

    def _forward(self, ids: Tensor, **inputs: Any) -> Tensor:
        """Run the model up to the hook. Returns the hidden states there, shape (1, n_tokens, d)."""
        with _capture(self.hook) as captured:
            try:
                self._base(input_ids=ids.to(self.device), **inputs)
            except _ReachedHook:
                return captured[0]
        raise UserError(f"the forward pass never reached {self.hook.name}", "Name another module with --hook")

    def _check_packing(self, prefix: Prefix, turns: Sequence[Turn]) -> None:
        """Hold a packed row against separate passes, and give packing up where they differ.

        An architecture can ignore a mask or a position that it is given; nothing but a comparison would show it. One
        is made for each form of row that could go wrong on its own: the first row of a run, one question behind a BOS,
        would show neither a leak between questions nor a window. The sample is as short as shows a window, if any.
        """
        turns = sorted(turns, key=lambda turn: len(turn.ids))[-2:]
        farthest = len(prefix.ids) + len(turns[-1].ids)
        window = self._attention.window
        windowed = window is not None and farthest > window
        form = len(prefix.ids) > 1, len(turns) > 1, windowed, any(turn.branches for turn in turns)
        if form in self._checked:
            return
        self._checked.add(form)
        sample = Prefix(prefix.ids[: (window or 0) + 16])
        try:
            packed = self._packed(sample, turns).float()
        except (TypeError, ValueError, RuntimeError, KeyError, AttributeError) as error:
            if isinstance(error, torch.OutOfMemoryError):
                raise
            packed = None
        apart = self._one_by_one(sample, turns).float()
        if packed is not None:
            difference = (packed - apart).norm() / apart.norm().clamp_min(1e-12)
            if difference <= _TOLERANCE.get(self._dtype, 1e-3) or not torch.isfinite(apart).all():
                return
        self.packs = False
        self.warnings[
            f"{type(self._base).__name__} cannot read several questions behind one prefix; each is read on its own, "
            "which is slower"
        ] = None


@contextmanager
def _capture(hook: Hook) -> Iterator[list[Tensor]]:
    """Collect what passes at a hook, and end the forward pass there."""
    captured: list[Tensor] = []

    def entering(_module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        captured.append(hook.taken(args[0] if args else kwargs["hidden_states"]))
        raise _ReachedHook

    def leaving(_module: nn.Module, _args: tuple[Any, ...], output: Any) -> None:
        captured.append(hook.taken(output[0] if isinstance(output, tuple) else output))
        raise _ReachedHook

    handle = (
        hook.module.register_forward_pre_hook(entering, with_kwargs=True)
        if hook.side == "input"
        else hook.module.register_forward_hook(leaving)
    )
    try:
        yield captured
    finally:
        handle.remove()
