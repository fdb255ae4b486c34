"""Accuracy of a model on the lab's benchmark, as lm-eval would score it but quickly.

All options of a question share one row: each sees the prompt and itself, and its positions continue the
prompt's. An option's score is the log-probability of " option" and the newline that ends it.
"""

import numpy as np
import pandas as pd
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase


def option_scores(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, prompt: str, options: list[str]
) -> np.ndarray:
    """Log-probability of each option after `prompt`, shape (n_options,)."""
    prompt_ids = tokenizer(prompt)["input_ids"]
    option_ids = tokenizer([f" {option}\n" for option in options], add_special_tokens=False)["input_ids"]
    n_prompt = len(prompt_ids)
    owner = torch.tensor(
        [-1] * n_prompt + [number for number, ids in enumerate(option_ids) for _ in ids], dtype=torch.long
    )
    positions = torch.tensor([*range(n_prompt), *(n_prompt + i for ids in option_ids for i in range(len(ids)))])
    token_ids = torch.tensor([*prompt_ids, *(token for ids in option_ids for token in ids)])
    causal = torch.ones(len(owner), len(owner), dtype=torch.bool).tril()
    mask = causal & ((owner[None, :] == -1) | (owner[None, :] == owner[:, None]))
    with torch.no_grad():
        logits = model(input_ids=token_ids[None], position_ids=positions[None], attention_mask=mask[None, None]).logits[
            0
        ]
    logprobs = logits.float().log_softmax(dim=-1)
    scores, start = [], n_prompt
    for ids in option_ids:
        rows = torch.tensor([n_prompt - 1, *range(start, start + len(ids) - 1)])
        scores.append(float(logprobs[rows, torch.tensor(ids)].sum()))
        start += len(ids)
    return np.array(scores)


def accuracy_by_category(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, rows: pd.DataFrame, prefix: str = ""
) -> dict[str, float]:
    """Share of `rows` in each category whose right option scores highest."""
    right: dict[str, list[bool]] = {}
    for row in rows.itertuples():
        scores = option_scores(model, tokenizer, f"{prefix}Question: {row.question}\nAnswer:", list(row.options))
        right.setdefault(row.category, []).append(int(scores.argmax()) == row.answer_index)
    return {category: float(np.mean(hits)) for category, hits in right.items()}
