"""The card of a trained SAE, which the hub shows on its page."""

from sts_eval.records.sae_training import SAETraining


def card(record: SAETraining) -> str:
    """Markdown, with the front matter that the hub reads."""
    model, settings = record.recipe.model, record.recipe.settings
    rows = {
        "model": f"{model.id}" + (f" at {record.commit}" if record.commit else ""),
        "where it reads": record.hook_name,
        "kind": settings.architecture,
        "features": f"{record.d_sae:,} ({record.d_sae / record.d_in:.3g} × {record.d_in})",
        "tokens": f"{record.n_tokens:,}, {settings.epochs} times each",
        "fraction of variance unexplained": f"{record.fvu:.3f} on {record.n_held_out:,} held-out tokens",
        "features that fire on a token (L0)": f"{record.l0:.1f}",
        "dead features": f"{record.dead:,}",
    }
    lines = [
        "---",
        "library_name: saelens",
        *(() if record.commit is None else (f"base_model: {model.id}",)),
        "---",
        "",
        f"# A sparse autoencoder for {model.id}",
        "",
        "| | |",
        "|---|---|",
        *(f"| {name} | {value} |" for name, value in rows.items()),
        "",
        "Text that it was trained on:",
        "",
        *(f"- {text.source}, {text.rows:,} texts ({text.form or 'questions'})" for text in record.texts),
        "",
        *(f"> {line}\n" for line in record.warnings),
        "```python",
        "from sae_lens import SAE",
        'sae = SAE.load_from_disk("this folder")',
        "```",
        "",
        "```",
        f"sts-eval predict --model {model.id} --sae-path THIS_FOLDER --sft YOUR_DATA --domains mmlu_pro",
        "```",
        "",
        "The first token of a text (BOS) and tokens with very long activations were left out.",
        "The record of the training is `sae_training.json`.",
    ]
    return "\n".join(lines) + "\n"
