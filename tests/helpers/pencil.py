"""Models whose residual stream is chosen, and an identity SAE: a pencil gives what is read of them.

Words are tokens, so `Question: a b\\nAnswer:` is [Question:, a, b, Answer:].
"""

import torch
from helpers.tiny import autoencoder
from sae_lens import StandardSAE, StandardSAEConfig
from sae_lens.saes.sae import SAEMetadata
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

WORDS = ["Question:", "Answer:", "a", "b", "c", "d"]


def words():
    backend = Tokenizer(models.WordLevel({word: index for index, word in enumerate(WORDS)}, unk_token="d"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=backend)


def identity(hook_name):
    sae = StandardSAE(StandardSAEConfig(d_in=4, d_sae=4, metadata=SAEMetadata(hook_name=hook_name)))
    with torch.no_grad():
        for name, weight in sae.named_parameters():
            weight.copy_(torch.eye(4) if name.startswith("W_") else torch.zeros_like(weight))
    return autoencoder(sae)


def embedding_only():
    """A Llama whose blocks add nothing: the residual stream is the embedding of the token."""
    model = LlamaForCausalLM(
        LlamaConfig(vocab_size=6, hidden_size=4, intermediate_size=4, num_hidden_layers=2, num_attention_heads=1)
    )
    rows = {"a": [1.0, -5.0, 0.0, 2.0], "b": [0.0, 3.0, -1.0, 0.5], "c": [9.0, 9.0, 9.0, 9.0]}
    with torch.no_grad():
        for block in model.model.layers:
            block.self_attn.o_proj.weight.zero_()
            block.mlp.down_proj.weight.zero_()
        for word, row in rows.items():
            model.model.embed_tokens.weight[WORDS.index(word)] = torch.tensor(row)
    return model


def position_only():
    """A GPT-2 in which feature 0 of what enters block 0 is the position, and all else is zero."""
    model = GPT2LMHeadModel(GPT2Config(vocab_size=6, n_embd=4, n_layer=1, n_head=1, n_positions=64))
    with torch.no_grad():
        model.transformer.wte.weight.zero_()
        model.transformer.wpe.weight.zero_()
        model.transformer.wpe.weight[:, 0] = torch.arange(64.0)
    return model
