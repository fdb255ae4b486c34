"""Selective tuning in the lab: how much does every other domain move, per gain on the training set, against LoRA?

    python benchmarks/lab_selective.py FOLDER [--sets code health] [--seeds 0 1]

Arms train the same map on as many features: predicted, matched random, random and most active ones. LoRA is trained for
several numbers of steps, which gives its movement at any gain between them by linear interpolation. The gain is that
of the held-out log-probability per token of the training set. Model and settings are those of benchmarks/lab_matrix.py
with fewer steps. It can be killed and started again: finished seeds and evaluations are not made again. Writes
benchmarks/results/lab_selective.md, of what is done so far.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from lab_matrix import SHIPPED, describe
from scipy import stats

from sts_eval.experiment import FeatureTuningSettings, Run, TuneSettings
from sts_eval.lab import SFT_SETS
from sts_eval.lab.sets import RECIPES
from sts_eval.pipeline import make_tuning
from sts_eval.records.answers import Evaluation
from sts_eval.records.run_folder import RunFolder
from sts_eval.reporting.markdown import pipe_table
from sts_eval.reproduction import equal_gain
from sts_eval.transfer.evaluate import Evaluator
from sts_eval.transfer.measure import tuned_models

DOCUMENT = Path(__file__).resolve().parent / "results" / "lab_selective.md"
LORA_STEPS = (4, 12, 24)
STEPS = 24  # of an arm that trains features
RATE = 2e-3  # of these arms; LoRA has the matrix's
ARMS = ("predicted", "matched", "random", "most_active")
FEATURES = 100


@dataclass(frozen=True)
class Moved:
    """What one tuned seed did."""

    gain: float  # on held-out rows of the training set, nats per token
    home: float  # change of the log-probability of the right option in the set's home domains, nats
    others: float  # mean over the other domains of |change of the log-probability|, nats
    signed: float  # the same, signed
    accuracy: float  # mean over the other domains of the change of accuracy, points


def main() -> None:
    """Run what is missing, and write the document after every arm."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sets", nargs="+", default=["code", "health"], choices=SFT_SETS)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1])
    arguments = parser.parse_args()
    done: dict[tuple[str, str, int], Moved] = {}
    for name in arguments.sets:
        for seed in arguments.seeds:
            for arm, run in arms(arguments.folder, name, seed).items():
                done[name, arm, seed] = go(arguments.folder, name, run)
                print(name, arm, seed, done[name, arm, seed], flush=True)
                DOCUMENT.write_text(document(done), encoding="utf-8")


def arms(folder: Path, name: str, seed: int) -> dict[str, Run]:
    """The runs of one seed, LoRA first."""
    whole = describe(folder, SHIPPED, name)
    tune = whole.tune.model_copy(update={"seeds": (seed,)})
    tunes: dict[str, TuneSettings] = {
        f"LoRA, {steps} steps": tune.model_copy(update={"max_steps": steps}) for steps in LORA_STEPS
    }
    for choose in ARMS:
        features = FeatureTuningSettings(top_n=FEATURES, choose=choose)
        update = {"method": "features", "features": features, "max_steps": STEPS, "learning_rate": RATE}
        tunes[choose] = tune.model_copy(update=update)
    settings = whole.settings.model_copy(update={"seeds": (0,), "shift_tokens": 2000, "predictors": ()})
    measured = whole.measure.model_copy(update={"max_questions": 20})
    return {
        arm: whole.model_copy(update={"tune": one, "settings": settings, "measure": measured})
        for arm, one in tunes.items()
    }


def go(folder: Path, name: str, run: Run) -> Moved:
    """Tune and measure, or read what was."""
    from sts_eval.reporting.progress import progress_bars

    files = RunFolder.of(folder / "selective" / name)
    with progress_bars() as progress:
        tuning = make_tuning(run, None, files, progress)
        (tuned,) = tuned_models(tuning, files.tuning)
        evaluator = Evaluator(run.measure, files.evaluations, None, run.benchmark)
        before, after = (by_domain(evaluator.evaluate(run.model, one, progress)) for one in (None, tuned))
    changes = {domain: after[domain] - before[domain] for domain in before}
    home = [changes[domain] for domain in RECIPES[name]]
    others = np.array([change for domain, change in changes.items() if domain not in RECIPES[name]])
    (training,) = tuning.runs
    return Moved(
        gain=training.loss_before - training.loss_after,
        home=float(np.mean([one[0] for one in home])),
        others=float(np.abs(others[:, 0]).mean()),
        signed=float(others[:, 0].mean()),
        accuracy=float(others[:, 1].mean()),
    )


def by_domain(evaluation: Evaluation) -> dict[str, np.ndarray]:
    """Mean log-probability of the right option in nats, and accuracy in per cent, by domain."""
    return {
        one.domain: np.array([np.mean(one.replies.logprob), 100 * np.mean(one.replies.right)])
        for one in evaluation.domains
    }


def mean_of(values: list[float], digits: int = 3) -> str:
    """Mean over seeds ± standard error."""
    if not values:
        return "–"
    error = f" ± {stats.sem(values):.{digits}f}" if len(values) > 1 else ""
    return f"{np.mean(values):+.{digits}f}{error}"


def verdict(arm: str, differences: list[float]) -> str:
    """Whether an arm moves the other domains less than LoRA at equal gain, by a t interval over seeds."""
    start = f"- {arm.replace('_', ' ')} features against LoRA at equal gain:"
    if len(differences) < 2:  # noqa: PLR2004 -- without two there is no error
        return f"{start} cannot tell, {len(differences)} seed."
    mean = float(np.mean(differences))
    half = float(stats.t.ppf(0.975, len(differences) - 1) * stats.sem(differences))
    low, high = mean - half, mean + half
    said = "less" if high < 0 else "more" if low > 0 else "cannot tell"
    return f"{start} {said} ({mean:+.3f} nats, 95% interval {low:+.3f} to {high:+.3f} over {len(differences)} seeds)."


def document(done: dict[tuple[str, str, int], Moved]) -> str:
    """The tables as Markdown."""
    sets = dict.fromkeys(name for name, _, _ in done)
    drawn = " ".join(map(str, sorted({seed for _, _, seed in done})))
    lines = [
        "# Selective tuning in the lab",
        "",
        f"Written by `python benchmarks/lab_selective.py FOLDER --sets {' '.join(sets)} --seeds {drawn}`; every figure "
        "is measured. The shipped model, LoRA "
        f"for {', '.join(map(str, LORA_STEPS))} steps, a map from {FEATURES} features at the SAE's layer for {STEPS} "
        f"steps; batches of 16; peak rates of 4e-3 for LoRA and {RATE:g} for the map, neither of them "
        "searched for. Figures are means over seeds ± standard error over seeds, which is rough with two. "
        "What a tuning by features is: [docs/experiments.md](../../docs/experiments.md#tuning-by-features).",
        "",
        "Gain: of the log-probability of held-out answers of the training set, nats per token. Home: change of the "
        "log-probability of the right option in the domains that the set is made for, nats. Others: mean over all "
        "other domains of the size of that change. LoRA at equal gain: others of LoRA where it has gained as much, "
        "interpolated linearly between its numbers of steps and no training, seed by seed; – where it has not gained "
        "so much.",
        "",
    ]
    for name in sets:
        seeds = sorted({seed for one, _, seed in done if one == name})
        rows, verdicts = [], []
        for arm in dict.fromkeys(arm for one, arm, _ in done if one == name):
            own = {seed: done[name, arm, seed] for seed in seeds if (name, arm, seed) in done}
            equal: dict[int, float] = {}
            for seed, moved in own.items():
                curve = [one for (a, b, c), one in done.items() if a == name and b.startswith("LoRA") and c == seed]
                at = None if arm.startswith("LoRA") else equal_gain.at_gain(moved.gain, curve)
                if at is not None:
                    equal[seed] = at
            ratios = [one.others / one.gain for one in own.values() if one.gain > 0]
            rows.append(
                [
                    arm,
                    str(len(own)),
                    mean_of([one.gain for one in own.values()]),
                    mean_of([one.home for one in own.values()]),
                    mean_of([one.others for one in own.values()]),
                    mean_of([one.signed for one in own.values()]),
                    mean_of([one.accuracy for one in own.values()], 1),
                    mean_of(ratios, 2),
                    mean_of(list(equal.values())),
                    mean_of([own[seed].others - at for seed, at in equal.items()]),
                ]
            )
            if arm in ARMS:
                verdicts.append(verdict(arm, [own[seed].others - at for seed, at in equal.items()]))
        header = ["arm", "seeds", "gain", "home", "others", "others, signed", "others, points", "others per gain"]
        lines += [f"## {name}", *pipe_table([*header, "LoRA at equal gain", "less LoRA"], rows), *verdicts, ""]
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    main()
