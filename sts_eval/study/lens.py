"""The logit lens: which tokens a feature makes likelier, read off its decoder row."""

import math
from collections.abc import Sequence

import torch

from sts_eval.model.head import Head
from sts_eval.study.extractor import Extractor

PROMOTED = 8  # tokens of a feature
SITES = ("hook_resid_pre", "hook_resid_mid", "hook_resid_post", "hook_attn_out", "hook_mlp_out")
"""Where an SAE's decoder rows are directions of the residual stream."""


@torch.inference_mode()
def promoted_tokens(extractor: Extractor, features: Sequence[int], n: int = PROMOTED) -> list[list[int]]:
    """The n token ids with the largest logits of the final norm and head on each feature's decoder row, largest first.

    Empty where the SAE does not write into the residual stream, or where it is not known what the final norm is.
    """
    head, autoencoder = Head(extractor.reader.model), extractor.autoencoder
    if head.norm is None or not extractor.reader.hook.name.endswith(SITES):
        return [[] for _ in features]
    weight = next(head.norm.parameters())
    length = math.sqrt(autoencoder.d_in)  # about that of a residual, so that the norm's epsilon does not show
    rows = torch.from_numpy(length * autoencoder.directions(features)).to(weight)
    found: list[list[int]] = []
    for logits in head.distributions(head.norm(rows)):
        found += logits.topk(n, dim=1).indices.tolist()
    return found
