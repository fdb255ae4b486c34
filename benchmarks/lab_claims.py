"""The paper's claims about STS's own dials, one by one, on the runs of the lab matrix.

    python benchmarks/lab_claims.py FOLDER --saes        trains further SAEs for one model: layer, sparsity, width
    python benchmarks/lab_claims.py FOLDER [-o FILE]     scores all N and SAEs, and writes the table as Markdown
    python benchmarks/lab_claims.py FOLDER --few-shot    evaluates tuned models behind demonstrations too

FOLDER is that of `lab_matrix.py`, whose models are read; what tuning did is in the committed short form of its runs
(benchmarks/results/lab_matrix.jsonl). The size of a change is |Δ|, and intervals draw models, sets and domains, as in
`sts-eval compare`. One pass over a model and a set gives the scores of every N. Nothing here is chosen by its result:
every configuration is a line of the table.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from lab_evidence import MATRIX
from lab_matrix import MODELS, describe, finished, place

from sts_eval.experiment import MeasureSettings, SAESpec
from sts_eval.records.outcome import Outcome, read_outcomes
from sts_eval.statistics import pool_correlations
from sts_eval.statistics.resampling import Units

SIZES = (10, 25, 50, 100, 200, 400)
"""Values of N; the paper's figure has 20 to 500 of 16,384 to 131,072 features."""

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


def scores(folder: Path, model: str, name: str, sae: Path) -> Iterator[tuple[str, str, dict[str, float]]]:
    """One pass: (score, dims, value by domain) for every N, and for dims of the residual stream itself."""
    from sts_eval.data.benchmark import load_benchmark
    from sts_eval.data.training_set import load_training_set
    from sts_eval.progress import silent
    from sts_eval.study.activations import ActivationMoments
    from sts_eval.study.draws import choose_questions
    from sts_eval.study.extractor import load_extractor
    from sts_eval.study.question_scores import read_domain
    from sts_eval.study.shifted_features import measure_shift

    run = describe(folder, model, name)
    extractor = load_extractor(run.model, SAESpec(path=str(sae)), run.settings)
    benchmark, data = load_benchmark(run.benchmark), load_training_set(run.training_set)
    heard: dict[str, ActivationMoments] = {}

    def listen(body: str):
        return lambda turns: [heard.setdefault(body, ActivationMoments(turns, body))]

    seed = run.settings.seeds[0]
    shift = measure_shift(extractor, data, seed, silent, listen(""))
    for domain in benchmark.domains.values():
        chosen = choose_questions(domain, seed, run.settings.domain_tokens, extractor.prompter.length)
        read_domain(extractor, domain, {shift.seed: shift.features}, {seed: chosen}, listen=listen(domain.name))
    moments = {body: one.moments() for body, one in heard.items()}
    training = moments.pop("")
    orders = {"": np.argsort(-shift.score), "residual ": np.argsort(-training.residual_shift)}
    for kind, order in orders.items():
        for size in [n for n in SIZES if n <= len(order)]:
            top = order[:size]
            act = {d: float((m.residual_size if kind else m.feature)[top].sum()) for d, m in moments.items()}
            icl = {d: float((m.residual_shift if kind else m.feature_shift)[top].sum()) for d, m in moments.items()}
            yield "STS_act", f"{kind}{size}", act
            yield "STS_ICL", f"{kind}{size}", icl


def table(folder: Path) -> str:
    """All configurations against what happened, as Markdown."""
    runs = list(finished(folder))
    outcomes = {(run.model, run.training_set): run for run in read_outcomes(MATRIX)}
    found: dict[tuple[str, str, str], dict[tuple[str, str], dict[str, float]]] = {}
    for model, name, _ in runs:
        for score, dims, values in scores(folder, model, name, place(folder, model)[1]):
            found.setdefault(("its own", score, dims), {})[model, name] = values
    for label, sae in _varied(folder).items():
        for model, name, _ in runs:
            if model == VARIED:
                for score, dims, values in scores(folder, model, name, sae):
                    if dims == "100":
                        found.setdefault((label, score, dims), {})[model, name] = values
    lines = [
        f"| SAE | score | dims | runs | {' | '.join(COLUMNS)} |",
        "|---|---|---|---|---|---|---|",
    ]
    for (label, score, dims), by_run in found.items():
        lines.append(f"| {label} | {score} | {dims} | {len(by_run)} | {' | '.join(cells(by_run, outcomes))} |")
    return "\n".join(lines) + "\n"


def _varied(folder: Path) -> dict[str, Path]:
    """The SAEs of one model, its own first; none where no further one was trained."""
    further = {label: sae_folder(folder, label) for label in SAES if sae_folder(folder, label).is_dir()}
    return {f"`{VARIED}`: its own": place(folder, VARIED)[1], **further} if further else {}


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
