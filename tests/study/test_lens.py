"""The logit lens on a model whose head is known."""

import torch
from helpers import tiny
from helpers.pencil import embedding_only, identity, words

from sts_eval.experiment import PredictSettings
from sts_eval.model.head import Head
from sts_eval.study.extractor import assemble
from sts_eval.study.lens import promoted_tokens


def test_a_feature_promotes_the_token_whose_row_of_the_head_it_meets():
    """Decoder rows are the axes, and the head reads axis j as token j + 1; the norm turns axis 1 round."""
    model = embedding_only()
    with torch.no_grad():
        model.lm_head.weight.zero_()
        for axis in range(4):
            model.lm_head.weight[axis + 1, axis] = 1.0
        model.lm_head.weight[0, 1] = -0.5
        model.model.norm.weight.copy_(torch.tensor([1.0, -1.0, 1.0, 1.0]))
    extractor = assemble(model, words(), identity("blocks.1.hook_resid_post"), PredictSettings(top_n=2))
    assert promoted_tokens(extractor, [0, 1, 3], 1) == [[1], [0], [4]]


def test_no_tokens_where_the_sae_does_not_write_into_the_residual_stream():
    extractor = assemble(embedding_only(), words(), identity("blocks.1.attn.hook_z"), PredictSettings(top_n=2))
    assert promoted_tokens(extractor, [0, 1]) == [[], []]


def test_the_final_norm_of_every_architecture_is_known():
    for kind in tiny.CONFIGS:
        model = tiny.model(kind)
        norm, seen = Head(model).norm, []
        norm.register_forward_hook(lambda _module, _args, output, seen=seen: seen.append(output))
        before = []
        model.get_output_embeddings().register_forward_pre_hook(lambda _m, args, before=before: before.append(args[0]))
        with torch.no_grad():
            model(input_ids=torch.tensor([[5, 6, 7]]))
        assert torch.equal(seen[0], before[0]), kind
