"""The paper's claims about STS's own dials, one by one, on the runs of the lab matrix.

    python benchmarks/lab_claims.py FOLDER --saes        trains further SAEs for one model: layer, sparsity, width
    python benchmarks/lab_claims.py FOLDER [-o FILE]     scores by further SAEs, and writes the table as Markdown
    python benchmarks/lab_claims.py FOLDER --few-shot    evaluates tuned models behind demonstrations too

FOLDER is that of `lab_matrix.py`, whose models are read; what tuning did is in the committed short form of its runs
(benchmarks/results/lab_matrix.jsonl). The size of a change is |Δ|, and intervals draw models, sets and domains, as in
`sts-eval compare`. Scores by the models' own SAEs are the matrix's. Nothing here is chosen by its result: every
configuration is a line of the table.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from lab_evidence import MATRIX
from lab_matrix import MODELS, describe, finished, place

from sts_eval.experiment import MeasureSettings, SAESpec
from sts_eval.records.outcome import Outcome, read_outcomes
from sts_eval.statistics import pool_correlations
from sts_eval.statistics.resampling import Units

SIZES = {
    **{str(n): (f"sts_act_n{n}", f"sts_icl_n{n}") for n in (10, 25, 50)},
    "100": ("sts_act", "sts_icl"),
    **{str(n): (f"sts_act_n{n}", f"sts_icl_n{n}") for n in (200, 400)},
    "residual 100": ("act_residual", "icl_residual"),
}
"""Values of N, and STS of that size in the matrix. The paper's figure has 20 to 500 of 16,384 to 131,072 features."""

VARIED = "less"
"""The model that further SAEs are trained for."""

SAES = {
    "block 0": {"layer": 0},
    "block 1": {"layer": 1},
    "block 3": {"layer": 3},
    "12 active": {"k": 12},
    "48 active": {"k": 48},
    "512 wide": {"d_sae": 512},
    "2048 wide": {"d_sae": 2048},
}
"""What differs from the model's own SAE: after block 2, 24 of 1,024 features active."""

COLUMNS = ("r with signed Δ", "r with \\|Δ\\|", "r with signed Δ log-probability")

FEW_SHOT = 3


def main() -> None:
    """Train, score or evaluate."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--saes", nargs="*", choices=list(SAES), help="train these, or all")
    parser.add_argument("--few-shot", action="store_true")
    parser.add_argument("-o", "--output", type=Path)
    arguments = parser.parse_args()
    if arguments.saes is not None:
        for name in arguments.saes or SAES:
            train(arguments.folder, name)
    elif arguments.few_shot:
        few_shot(arguments.folder)
    else:
        text = table(arguments.folder)
        print(text)
        if arguments.output:
            arguments.output.write_text(text, encoding="utf-8")


def sae_folder(folder: Path, name: str) -> Path:
    """Where a further SAE is kept."""
    return folder / "models" / VARIED / f"sae-{name.replace(' ', '-')}"


def train(folder: Path, name: str) -> None:
    """Train one SAE, unless it is there."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from sts_eval.lab.corpus import documents
    from sts_eval.lab.sae import residual_stream, save_sae, train_sae
    from sts_eval.lab.world import World

    target = sae_folder(folder, name)
    if target.is_dir():
        return
    network, _ = place(folder, VARIED)
    model, tokenizer = AutoModelForCausalLM.from_pretrained(network), AutoTokenizer.from_pretrained(network)
    recipe = replace(MODELS[VARIED].sae, **SAES[name])
    text = documents(World.generate(0), stream=2 * MODELS[VARIED].seed + 1)
    activations = residual_stream(model, text, tokenizer, recipe.n_activations, layer=recipe.layer, progress=True)
    sae = train_sae(activations, recipe, seed=MODELS[VARIED].seed, progress=True)
    temporary = target.with_name(f".{target.name}")
    temporary.mkdir(exist_ok=True)
    save_sae(sae, temporary)
    temporary.rename(target)


def further_scores(folder: Path, label: str, name: str) -> dict[str, dict[str, float]]:
    """STS by a further SAE for one training set: values by domain, by predictor. Made unless they are there."""
    from sts_eval.pipeline import make_prediction
    from sts_eval.records.run_folder import RunFolder

    run = describe(folder, VARIED, name)
    sae = SAESpec(path=str(sae_folder(folder, label)))
    run = run.model_copy(update={"sae": sae, "settings": run.settings.model_copy(update={"predictors": ()})})
    files = RunFolder.of(folder / "further" / f"{sae_folder(folder, label).name}-{name}")
    return make_prediction(run, files).by_predictor()


def table(folder: Path) -> str:
    """All configurations against what happened, as Markdown."""
    outcomes = {(run.model, run.training_set): run for run in read_outcomes(MATRIX)}
    of_one = {run: outcome for run, outcome in outcomes.items() if outcome.model == VARIED}
    found: dict[tuple[str, str, str], dict[tuple[str, str], Mapping[str, float]]] = {}
    for label, runs in (("its own", outcomes), (f"`{VARIED}`: its own", of_one)):
        for dims, names in (SIZES if runs is outcomes else {"100": SIZES["100"]}).items():
            for score, name in zip(("STS_act", "STS_ICL"), names, strict=True):
                found[label, score, dims] = {run: outcome.scores(name) for run, outcome in runs.items()}
    for label in [one for one in SAES if sae_folder(folder, one).is_dir()]:
        for run in of_one:
            made = further_scores(folder, label, run[1])
            for score, name in (("STS_act", "sts_act"), ("STS_ICL", "sts_icl")):
                found.setdefault((label, score, "100"), {})[run] = made[name]
    lines = [
        f"| SAE | score | dims | runs | {' | '.join(COLUMNS)} |",
        "|---|---|---|---|---|---|---|",
    ]
    for (label, score, dims), by_run in found.items():
        lines.append(f"| {label} | {score} | {dims} | {len(by_run)} | {' | '.join(cells(by_run, outcomes))} |")
    return "\n".join(lines) + "\n"


def cells(
    by_run: Mapping[tuple[str, str], Mapping[str, float]], outcomes: Mapping[tuple[str, str], Outcome]
) -> list[str]:
    """Pooled r of scores, by model and set and then by domain, with what tuning changed; one cell for each column."""
    runs = [outcomes[key] for key in by_run]
    domains = [one.domain for one in runs[0].domains]
    x = np.array([[scores[domain] for domain in domains] for scores in by_run.values()])
    changed = [{one.domain: one for one in run.domains} for run in runs]
    delta = np.array([[run[domain].accuracy.delta for domain in domains] for run in changed])
    logprob = np.array(
        [[change.delta if (change := run[one].logprob) else np.nan for one in domains] for run in changed]
    )
    models, sets = zip(*by_run, strict=True)
    units = Units(*(tuple(map(labels.index, labels)) for labels in (models, sets)))
    found = []
    for outcome in (delta, np.abs(delta), logprob):
        pooled = pool_correlations(x, outcome, units=units)
        ends = pooled.bootstrap
        found.append(f"{pooled.r:+.2f} [{ends.low:+.2f}, {ends.high:+.2f}]" if pooled.r is not None and ends else "–")
    return found


def few_shot(folder: Path) -> None:
    """The first seed's changes with and without demonstrations: forgetting survives them, form does not."""
    from sts_eval.records.prediction import Prediction
    from sts_eval.records.transfer import Transfer
    from sts_eval.transfer.measure import measure, tuned_models

    print("| model | set | mean Δ, zero-shot | mean Δ, 3-shot | r between them over domains |\n|---|---|---|---|---|")
    for model, name, where in finished(folder):
        record = next(where.glob("transfer-*.json"))
        tuning = Transfer.read(record).tuning
        if model != VARIED or tuning is None:
            continue
        prediction = Prediction.read(next(where.glob("prediction-*.json")))
        changes = []
        for shots in (0, FEW_SHOT):
            settings = MeasureSettings(
                task="lab_mmlupro", backend="hf-packed", batch_size="128", max_questions=150, num_fewshot=shots
            )
            models = tuned_models(tuning, where / "tuning")[:1]
            run = describe(folder, model, name)
            done = measure(run.model, models, settings, folder / "runs" / "evaluations", prediction=prediction)
            changes.append(np.array([change.delta for change in done.domains]))
        r = np.corrcoef(*changes)[0, 1]
        print(f"| {model} | {name} | {changes[0].mean():+.1f} | {changes[1].mean():+.1f} | {r:+.2f} |", flush=True)


if __name__ == "__main__":
    main()
