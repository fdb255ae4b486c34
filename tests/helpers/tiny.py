"""Models, tokenizers, SAEs and data small enough to check by other means, in the real formats.

Weights are random with a large spread, so that attention, masks and positions all show in the
residual stream; numbers mean nothing beyond that.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import torch
from sae_lens import (
    SAE,
    GatedSAE,
    GatedSAEConfig,
    JumpReLUSAE,
    JumpReLUSAEConfig,
    StandardSAE,
    StandardSAEConfig,
    TopKSAE,
    TopKSAEConfig,
)
from sae_lens.saes.sae import SAEMetadata
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from sts_eval.data.benchmark import Domain, Question
from sts_eval.data.training_set import Example, TrainingSet
from sts_eval.experiment import PredictSettings
from sts_eval.model.sae import SparseAutoencoder
from sts_eval.study.draws import choose_questions
from sts_eval.study.extractor import Extractor, assemble

HIDDEN = 32
LAYERS = 3
D_SAE = 48

VOCABULARY = 400

_COMMON = {
    "vocab_size": VOCABULARY,
    "hidden_size": HIDDEN,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 4,
    "initializer_range": 0.3,
    "max_position_embeddings": 512,
    "bos_token_id": 0,
    "eos_token_id": 1,
    "pad_token_id": 1,
}
_GROUPED = {**_COMMON, "intermediate_size": 48, "num_key_value_heads": 2, "head_dim": 8}

# A window much shorter than the prompts, so that a wrong mask cannot pass.
WINDOW = 16
_MIXED = {
    **_GROUPED,
    "sliding_window": WINDOW,
    "layer_types": ["sliding_attention", "full_attention", "sliding_attention"],
    "query_pre_attn_scalar": 8,
}

CONFIGS: dict[str, dict[str, Any]] = {
    "llama": _GROUPED,
    "qwen2": _GROUPED,
    "qwen3": _GROUPED,
    "mistral": {**_GROUPED, "sliding_window": WINDOW},
    "gemma2": {**_MIXED, "attn_logit_softcapping": 2.0, "final_logit_softcapping": 5.0},
    "gemma3_text": _MIXED,
    "gemma3": {
        "text_config": _MIXED,
        "vision_config": {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 28},
        "image_token_index": VOCABULARY - 1,
        "mm_tokens_per_image": 4,
    },
    "phi3": {**_COMMON, "intermediate_size": 48, "num_key_value_heads": 2, "sliding_window": WINDOW},
    "phi": {**_COMMON, "intermediate_size": 48},
    "gpt_neox": {**_COMMON, "intermediate_size": 48},
    "gpt2": {**_COMMON, "n_inner": 48},
}

LLAMA_3 = (
    "{{ bos_token }}{% for message in messages %}"
    "{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' + message['content'] | trim + '<|eot_id|>' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"
)
GEMMA = (
    "{{ bos_token }}{% for message in messages %}"
    "{% set role = 'model' if message['role'] == 'assistant' else message['role'] %}"
    "{{ '<start_of_turn>' + role + '\n' + message['content'] | trim + '<end_of_turn>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
)
CHATML = (
    "{% if messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n' }}{% endif %}"
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
MISTRAL = (
    "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'user' %}"
    "{{ '[INST] ' + message['content'] + '[/INST]' }}{% else %}"
    "{{ ' ' + message['content'] + eos_token }}{% endif %}{% endfor %}"
)
TEMPLATES = {"llama-3": LLAMA_3, "gemma": GEMMA, "chatml": CHATML, "mistral": MISTRAL}

SPECIAL = (
    "<bos>",
    "<eos>",
    *("<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"),
    *("<start_of_turn>", "<end_of_turn>"),
    *("<|im_start|>", "<|im_end|>"),
    *("[INST]", "[/INST]"),
)

TRAINING = (
    Example("Tom has 3 apples and buys 4 more. How many has he?", "He has 3 + 4 = 7."),
    Example("What is 12 times 5?", "12 * 5 = 60."),
    Example("A train goes 60 km in an hour. How far in three?", "3 * 60 = 180 km."),
    Example("Halve 90.", "90 / 2 = 45."),
    Example("Which is more, a third or a quarter of the cake?", "A third, since 1/3 > 1/4."),
    Example("Add 7, 8 and 9, then take away 4.", "24 - 4 = 20."),
    Example("Ist 17 prim? Überlege — naïve Antwort genügt.", "Ja: 17 hat keine Teiler."),
)
DOMAINS = (
    Domain(
        "math",
        tuple(
            Question(str(number), "math", text)
            for number, text in enumerate(
                ["What is 2 + 2?", "How many sides has a hexagon, and how many has a square?", "Double 21."]
            )
        ),
        (
            Example("What is 1 + 1?", "It is 2."),
            Example("Triple 5.", "3 * 5 = 15."),
            Example("How many sides has a triangle?", "Three."),
        ),
    ),
    Domain(
        "law",
        tuple(
            Question(str(number), "law", text)
            for number, text in enumerate(
                ["Who may sign a contract?", "May a court overrule a statute that it finds void?"]
            )
        ),
        (Example("What is a tort?", "A civil wrong."), Example("Who makes statutes?", "The parliament.")),
    ),
)


@cache
def _bpe(merges: tuple[str, ...]) -> str:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=not merges)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=list(SPECIAL),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    text = [f"Question: {question}\nAnswer: {solution}" for question, solution in TRAINING]
    tokenizer.train_from_iterator(list(merges) * 50 or text, trainer)
    serialised: str = tokenizer.to_str()
    return serialised


def tokenizer(*, bos: bool = True, template: str | None = None, merges: Sequence[str] = ()) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer.

    Args:
        bos: Whether it opens every sequence with <bos>.
        template: Its chat template.
        merges: Texts to learn merges from, without regard to words; the training set by words if empty.
    """
    backend = Tokenizer.from_str(_bpe(tuple(merges)))
    if bos:
        backend.post_processor = processors.TemplateProcessing(
            single="<bos> $A", special_tokens=[("<bos>", backend.token_to_id("<bos>"))]
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, bos_token="<bos>", eos_token="<eos>", chat_template=template
    )


def model(kind: str, *, attention: str = "eager", **changes: Any) -> PreTrainedModel:
    """A randomly initialised causal language model of an architecture, float32, the same every time."""
    config = AutoConfig.for_model(kind, **{**CONFIGS[kind], **changes})
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made = AutoModelForCausalLM.from_config(config, attn_implementation=attention)
    made.eval()
    return made


def sae(kind: str, *, hook_name: str = "blocks.1.hook_resid_post", d_in: int = HIDDEN, d_sae: int = D_SAE) -> Any:
    """A random SAE of an architecture, in which about half of the features fire on a token."""
    shape = {"d_in": d_in, "d_sae": d_sae, "metadata": SAEMetadata(hook_name=hook_name)}
    made: SAE[Any]
    if kind == "standard":
        made = StandardSAE(StandardSAEConfig(**shape))
    elif kind == "jumprelu":
        made = JumpReLUSAE(JumpReLUSAEConfig(**shape))
    elif kind == "gated":
        made = GatedSAE(GatedSAEConfig(**shape))
    else:
        made = TopKSAE(TopKSAEConfig(k=6, rescale_acts_by_decoder_norm=True, **shape))
    noise = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, weight in made.named_parameters():
            drawn = torch.randn(weight.shape, generator=noise) * (0.3 if weight.ndim == 2 else 0.1)
            weight.copy_(drawn.abs() if name == "threshold" else drawn)
    return made


def autoencoder(made: Any) -> SparseAutoencoder:
    """An SAE as the loader returns it."""
    return SparseAutoencoder(made, made.cfg.metadata.hook_name, None, None, "folder", None)


def training_set(examples: Sequence[Example] = TRAINING, *, suffix: str = "") -> TrainingSet:
    """A training set as the loader returns it."""
    return TrainingSet("training.jsonl", None, suffix, tuple(examples), "0" * 64)


def extractor(
    kind: str = "llama",
    architecture: str = "standard",
    *,
    hook_name: str = "blocks.1.hook_resid_post",
    attention: str = "eager",
    bos: bool = True,
    template: str | None = None,
    **settings: Any,
) -> Extractor:
    """Everything put together: 12 shifted dimensions, and as many tokens as there are."""
    chosen = PredictSettings(**{"top_n": 12, "domain_shots": 2, **settings})
    made = autoencoder(sae(architecture, hook_name=hook_name))
    return assemble(model(kind, attention=attention), tokenizer(bos=bos, template=template), made, chosen)


def write_jsonl(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    """Write rows as JSON lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def write_training_set(path: Path, examples: Sequence[Example] = TRAINING) -> Path:
    """Write a training set as JSON lines."""
    return write_jsonl(path, [example._asdict() for example in examples])


def write_benchmark(folder: Path, domains: Sequence[Domain] = DOMAINS) -> Path:
    """Write domains in MMLU-Pro's schema, as JSON lines."""
    questions = [
        {"question_id": question.id, "question": question.text, "options": [], "category": domain.name}
        for domain in domains
        for question in domain.questions
    ]
    demonstrations = [
        {"question": asked, "options": [], "cot_content": f"A: {solution}", "category": domain.name}
        for domain in domains
        for asked, solution in domain.demonstrations
    ]
    write_jsonl(folder / "test.jsonl", questions)
    write_jsonl(folder / "validation.jsonl", demonstrations)
    return folder


def write_model(folder: Path, kind: str = "llama", *, template: str | None = None) -> Path:
    """Write a model and its tokenizer as a checkpoint."""
    model(kind).save_pretrained(folder)
    tokenizer(template=template).save_pretrained(folder)
    return folder


def silent(_stage: str, _done: int, _total: int) -> None:
    """A progress callback that tells nobody."""


def draw(extractor: Extractor, domain: Domain, seed: int) -> list[int]:
    """The questions of a domain that a seed reads."""
    return choose_questions(domain, seed, extractor.settings.domain_tokens, extractor.prompter.length)
