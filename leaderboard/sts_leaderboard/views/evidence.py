"""One run's evidence as tables: what was used, what happened in each domain, and which features were shifted."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pandas as pd

from sts_eval.records.prediction import FeatureReason
from sts_eval.records.submission import Submission
from sts_leaderboard.badges import TIERS, word
from sts_leaderboard.inert import markdown, neuronpedia, plain
from sts_leaderboard.views.run_table import correlation, marks, size

MOST_FEATURES = 100


def title(row: Mapping[str, object]) -> str:
    """The run's name as Markdown."""
    return f"### {markdown(row['model'])} on {markdown(row['training_set'])}"


def warnings(row: Mapping[str, object]) -> str:
    """What a reader must know first, as Markdown; empty if there is nothing."""
    lines = []
    if row["withdrawn"]:
        lines.append(f"This run was **taken down**: {markdown(row['why'])}.")
    if isinstance(row["flagged"], str):
        lines.append(f"This run is **flagged**: {markdown(row['flagged'])}.")
    if row["post_hoc"]:
        lines.append("The prediction is **younger than the tuning** (post hoc); the run does not rank.")
    if isinstance(row["duplicate_of"], str):
        lines.append(f"It repeats run {markdown(str(row['duplicate_of'])[:12])} and does not rank.")
    if row["origin"] == "measured" and row["tier"] == "self_reported":
        lines.append("**Self-reported**: no per-question results are attached, so nothing could be recomputed.")
    return "\n\n".join(f"⚠ {line}" for line in lines)


def facts(run: Submission, row: Mapping[str, object]) -> pd.DataFrame:
    """Settings, identities and hashes, as text."""
    outcome, sae = run.outcome, run.sae
    said: dict[str, object] = {
        "run": row["sha256"],
        "origin": word(run.origin),
        "tier": TIERS.get(str(row["tier"]), "") + marks(row),
        "r of STS_ICL with the size of change": correlation(row, "sts_icl_magnitude"),
        "r of STS_act with the size of change": correlation(row, "sts_act_magnitude"),
        "model": _at(run.model.id, run.model.revision),
        "family and size": f"{run.model.family or 'family not stated'}, {size(run.model.parameters)}",
        "SAE": " ".join(filter(None, (sae.release, sae.id))) or "not published" if sae else "none",
        "SAE's kind": f"{sae.architecture}, {sae.d_sae or '?'} features, {sae.hook_name or 'hook not stated'}"
        if sae
        else None,
        "training set": _at(run.training_set.id, run.training_set.revision),
        "benchmark": run.benchmark,
        "tuning seeds": ", ".join(map(str, outcome.seeds)) or "not stated",
        "predicted": outcome.created,
        "pre-registered": row["registered"] if row["pre_registered"] else "no",
        "tuning took": f"{outcome.tuning_seconds:,.0f} s over all seeds" if outcome.tuning_seconds else None,
        "prediction": outcome.prediction_sha256,
        "transfer": outcome.transfer_sha256,
        "hardware": run.provenance.hardware,
        "versions": ", ".join(f"{name} {version}" for name, version in sorted(run.provenance.versions.items())),
        "submitted": f"{run.submitter}, {run.created}",
        "described at": run.provenance.url,
    }
    if run.prediction is not None:
        made = run.prediction
        said |= {
            "weights of the SAE": made.sae.weights_sha256,
            "rows of the training set": made.training_set.sha256,
            "rows of the benchmark": made.benchmark.sha256,
            "settings": json.dumps(made.experiment.model_dump(mode="json"), sort_keys=True),
        }
    kept = {name: plain(value, 2000) for name, value in said.items() if value}
    return pd.DataFrame({"what": list(kept), "value": list(kept.values())}, dtype=object)


def points(run: Submission) -> pd.DataFrame:
    """A row per domain, as text: before, change by accuracy and log-probability, STS, and every seed."""
    scores = {one.name: one.values for one in run.outcome.predictors}
    rows = []
    for one in run.outcome.domains:
        logprob = one.logprob
        rows.append(
            {
                "domain": plain(one.domain),
                "questions": f"{one.n:,}",
                "before": "" if one.accuracy_before is None else f"{one.accuracy_before:.1%}",
                "change, points": f"{one.accuracy.delta:+.2f} ± {one.accuracy.se:.2f}",
                "by seed": ", ".join(f"{value:+.1f}" for value in one.accuracy.by_seed),
                "log-probability, nats": f"{logprob.delta:+.3f} ± {logprob.se:.3f}" if logprob else "–",
                **{
                    name: f"{scores[name][one.domain]:.4g}" if one.domain in scores.get(name, {}) else "–"
                    for name in ("sts_icl", "sts_act")
                },
            }
        )
    return pd.DataFrame(rows, dtype=object)


def features(run: Submission) -> pd.DataFrame:
    """The most shifted features, the page of each as a Markdown link that we make; empty without a prediction."""
    header = ["feature", "shift", "mostly in", "fires on", "Neuronpedia"]
    made = run.prediction
    if made is None or not made.shifts:
        return pd.DataFrame(columns=header, dtype=object)
    known = {reason.feature: reason for reason in made.reasons}
    first = made.shifts[0]
    rows = []
    for feature, shift in list(zip(first.features, first.shift, strict=False))[:MOST_FEATURES]:
        address = neuronpedia(made.sae.neuronpedia_id, feature)
        # The link's column is Markdown, so the address is of our own making; all other columns are text.
        link = f"[open]({address})" if address else "–"
        rows.append([str(feature), f"{shift:.4g}", *_reason(known.get(feature)), link])
    return pd.DataFrame(rows, columns=header, dtype=object)


def _reason(reason: FeatureReason | None) -> tuple[str, str]:
    if reason is None:
        return "–", "–"
    leading = max(reason.share_of_icl, key=reason.share_of_icl.__getitem__, default="–")
    fires = ", ".join(repr(plain(one.token, 20)) for one in reason.firings[:3])
    return plain(leading), fires or "–"


def _at(name: str, revision: str | None) -> str:
    return f"{name} @ {revision}" if revision else name
