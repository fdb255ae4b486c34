"""One run and all its evidence: what was used, what happened in each domain, and which features were shifted."""

import itertools
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from statistics import fmean
from typing import Any, Self

import gradio as gr
import pandas as pd

from sts_eval.errors import UserError
from sts_eval.records.submission import Submission
from sts_eval.reporting.meanings import excerpt_line, sources_text
from sts_eval.store.board import Board
from sts_leaderboard import asked as ask
from sts_leaderboard.badges import heading, word
from sts_leaderboard.board_cache import BEGINNING, BoardCache
from sts_leaderboard.cells import Figure, figure_table, number
from sts_leaderboard.downloads import save_buttons
from sts_leaderboard.escaping import markdown, neuronpedia, plain, text_table
from sts_leaderboard.page import UNLABELLED, Contents, Control, Page, make_row
from sts_leaderboard.pages import explore
from sts_leaderboard.pages.runs import Row, size, tier
from sts_leaderboard.points import points_of, scatter, summary_text
from sts_leaderboard.profiles import profile_link
from sts_leaderboard.reproduce import command, experiment_file, file_name
from sts_leaderboard.style import EMPTY_STORE
from sts_leaderboard.url_state import State

CONTROLS = {
    "run": Control(
        gr.Textbox,
        "Run",
        "",
        options={"placeholder": "first digits of its hash", "elem_id": "run-name", "max_length": 64},
    ),
    "predictor": ask.PREDICTOR,
    "question": ask.QUESTION,
    "measure": ask.MEASURE,
}

ASK = "Select a run in the table under **Runs**, or give the first digits of its name above."
MOST_FEATURES = 100


@dataclass(frozen=True)
class Evidence:
    """What is shown of a run below its name: warnings, points, and what it was made from."""

    badge: gr.HTML
    warnings: gr.Markdown
    figure: gr.Plot
    domains: gr.Dataframe
    shell: gr.Code
    file: gr.Accordion
    experiment: gr.Code
    features: gr.Dataframe
    facts: gr.Dataframe

    @classmethod
    def make(cls) -> Self:
        """The components, inside the blocks that are open."""
        badge = gr.HTML()
        warnings = gr.Markdown(latex_delimiters=[])
        figure = gr.Plot(show_label=False)
        domains = gr.Dataframe(label="Domains", interactive=False, pinned_columns=1, max_height=560)
        gr.Markdown("#### What reproduces it")
        shell = gr.Code(language="shell", lines=1, elem_id="run-command", **UNLABELLED)
        with gr.Accordion("The experiment file", open=False, elem_id="run-file") as file:
            experiment = gr.Code(language="yaml", lines=3, max_lines=24, **UNLABELLED)
        with gr.Accordion("Shifted features", open=False):
            features = gr.Dataframe(
                datatype=["str", "str", "str", "str", "str", "markdown"], max_height=420, **UNLABELLED
            )
        with gr.Accordion("Settings and hashes", open=True):
            facts = gr.Dataframe(
                wrap=True,
                max_height=1200,
                column_widths=["30%", "70%"],
                elem_id="run-facts",
                elem_classes="facts",
                **UNLABELLED,
            )
        return cls(badge, warnings, figure, domains, shell, file, experiment, features, facts)

    def contents(self, run: Submission, row: Row, points: pd.DataFrame, board: Board, shown: State) -> Contents:
        """What they show of a run: its row and points of the board, with the score and question of a state."""
        measured = run.origin == "measured"
        return {
            self.badge: heading(run.origin, len(points), "domain"),
            self.warnings: warnings_text(row),
            self.figure: scatter(points, shown),
            self.domains: domains_table(points, board.seed_changes),
            self.shell: command(run, row["sha256"]),
            self.file: gr.update(visible=measured),
            self.experiment: experiment_file(run, row["sha256"]) if measured else "",
            self.features: features_table(run),
            self.facts: facts_table(run, row),
        }


def build(cache: BoardCache) -> Page:
    """The page, inside the tabs that are open."""
    with gr.Tab("Run", id="run") as tab:
        which = gr.Markdown(ASK)
        title = gr.Markdown(latex_delimiters=[], elem_id="run-title")
        words = gr.Markdown(latex_delimiters=[])
        components = make_row(CONTROLS, "run", "predictor", "question", "measure")
        with gr.Column(visible=False) as whole:
            evidence = Evidence.make()

        def show(state: State) -> Contents:
            board = cache.tables()
            if not state["run"]:
                asked = gr.update(value=ASK if len(board) else EMPTY_STORE, visible=True)
                return {which: asked, whole: gr.update(visible=False), title: "", words: ""}
            sha256 = cache.find(state["run"])
            run, row = cache.store.read(sha256), board.runs.loc[[sha256]].to_dict("records")[0]
            points = points_of(board.runs.loc[[sha256]], board.points)
            shown = {**explore.DEFAULTS, **{name: state[name] for name in ("predictor", "question", "measure")}}
            return {
                which: gr.update(visible=False),
                whole: gr.update(visible=True),
                title: title_text(row),
                words: summary_text(points, shown),
                **evidence.contents(run, row, points, board, shown),
            }

        outputs = [which, whole, title, words, *vars(evidence).values()]
        page = Page("run", tab, CONTROLS, components, cache.tables, cache.remembered(show), outputs)
        save_buttons(page, partial(saved_file, cache), {"json": "Raw file (JSON)", "yaml": "Experiment file (YAML)"})
    return page


def saved_file(cache: BoardCache, kind: str, state: State) -> tuple[bytes, str]:
    """Content and name of a file: the submission as it is, or the experiment that makes the run again.

    Raises:
        UserError: There is no such run, or no experiment made it.
    """
    sha256 = cache.find(state["run"])
    run = cache.store.read(sha256)
    if kind == "json":
        return run.canonical().encode(), f"{sha256[:BEGINNING]}.json"
    if run.origin != "measured":
        raise UserError("this run was not made by an experiment file", "Save its raw file")
    return experiment_file(run, sha256).encode(), file_name(sha256)


def title_text(row: Row) -> str:
    """The run's name, how far it was checked, and ways to what it is of, as Markdown."""
    links = [profile_link("model", row["model"]), profile_link("training_set", row["training_set"])]
    if isinstance(row["sae_release"], str) and isinstance(row["sae_id"], str):
        links.append(profile_link("sae", f"{row['sae_release']} {row['sae_id']}"))
    return (
        f"### {markdown(row['model'])} on {markdown(row['training_set'])} · {markdown(tier(row))}\n"
        f"More of {', '.join(links)}."
    )


def warnings_text(row: Row) -> str:
    """What a reader must know first, as Markdown; empty if there is nothing."""
    lines = []
    if row["withdrawn"]:
        lines.append(f"This run was **taken down**: {markdown(row['why'])}.")
    if isinstance(row["flagged"], str):
        lines.append(f"This run is **flagged**: {markdown(row['flagged'])}.")
    if row["post_hoc"]:
        lines.append("The prediction was **made after fine-tuning started** (post hoc); the run does not rank.")
    if isinstance(row["duplicate_of"], str):
        original = markdown(row["duplicate_of"][:BEGINNING])
        lines.append(f"It rests on the same answers as run {original}, which came first, and does not rank.")
    if isinstance(row["not_reproduced"], str):
        lines.append(f"It was run again and **not reproduced**: {markdown(row['not_reproduced'], 1000)}.")
    lines += [f"**In doubt**: {markdown(one, 1000)}." for one in row["warnings"]]
    if row["origin"] == "measured" and row["tier"] == "self_reported":
        lines.append("**Self-reported**: no per-question results are attached, so nothing could be recomputed.")
    if row["tier"] == "recomputed" and not row["checked"]:
        lines.append(
            "**Recomputed**: the figures follow from the submitted answers. That the answers are those of this model, "
            "nobody but the submitter has checked."
        )
    return "\n\n".join(f"⚠ {line}" for line in lines)


def facts_table(run: Submission, row: Row) -> pd.DataFrame:
    """Settings, identities and hashes, as text."""
    outcome, sae, made = run.outcome, run.sae, run.prediction
    facts = {
        "run": row["sha256"],
        "origin": word(run.origin),
        "tier": tier(row),
        "model": " @ ".join(filter(None, (run.model.id, run.model.revision))),
        "family and size": f"{run.model.family or 'family not stated'}, {size(run.model.parameters)}",
        "SAE": " ".join(filter(None, (sae.release, sae.id))) or "not published" if sae else "none",
        "SAE's kind": sae and f"{sae.architecture}, {sae.d_sae or '?'} features, {sae.hook_name or 'hook not stated'}",
        "training set": " @ ".join(filter(None, (run.training_set.id, run.training_set.revision))),
        "benchmark": run.benchmark,
        "tuning seeds": ", ".join(map(str, outcome.seeds)) or "not stated",
        "owner": plain(row["owner"]) or "not known",
        "registered, by the store's clock": plain(row["registered"]) or "no",
        "predicted, by the submitter's clock": outcome.created,
        "tuning started, by the submitter's clock": row["tuning_started"],
        "measured, by the submitter's clock": row["measured"],
        "received, by the store's clock": row["accepted"],
        "pre-registered": "yes, before the tuning as the submitter dates it" if row["pre_registered"] else "no",
        "reproduced, by the store's clock": row["reproduced"],
        "tuning took": outcome.tuning_seconds and f"{outcome.tuning_seconds:,.0f} s over all seeds",
        "prediction": outcome.prediction_sha256,
        "transfer": outcome.transfer_sha256,
        "hardware": run.provenance.hardware,
        "versions": ", ".join(f"{name} {version}" for name, version in sorted(run.provenance.versions.items())),
        "submitted": f"{run.submitter}, {run.created}",
        "described at": run.provenance.url,
        "weights of the SAE": made and made.sae.weights_sha256,
        "rows of the training set": made and made.training_set.sha256,
        "rows of the benchmark": made and made.benchmark.sha256,
        "settings": made and json.dumps(made.experiment.model_dump(mode="json"), sort_keys=True),
    }
    given = [(name, value) for name, value in facts.items() if plain(value)]
    return text_table(given, {"what": lambda fact: fact[0], "value": lambda fact: fact[1]}, longest=2000)


def domains_table(points: pd.DataFrame, seed_changes: pd.DataFrame) -> dict[str, Any]:
    """The points of one run: before, change by accuracy and log-probability, STS, and every seed."""
    here = seed_changes[seed_changes["sha256"].isin(points["sha256"])]
    by_seed = here.groupby("domain", observed=True)["delta"].agg(list).to_dict()

    def change(value: float, error: float, decimals: int) -> Figure:
        ends = "" if math.isnan(error) else f" ± {error:.{decimals}f}"
        return number(value, f"{value:+.{decimals}f}{ends}")

    def seeds(changes: Sequence[float]) -> Figure:
        return Figure(fmean(changes) if changes else None, ", ".join(f"{one:+.1f}" for one in changes))

    def score(value: float) -> Figure:
        return number(value, f"{value:.4g}")

    columns = {
        "domain": lambda point: point["domain"],
        "change, points": lambda point: change(point["delta"], point["se"], 2),
        "sts_icl": lambda point: score(point.get("sts_icl", math.nan)),
        "sts_act": lambda point: score(point.get("sts_act", math.nan)),
        "before": lambda point: number(point["accuracy_before"], f"{point['accuracy_before']:.1%}"),
        "questions": lambda point: number(point["n"], f"{point['n']:,.0f}"),
        "by seed": lambda point: seeds(by_seed.get(point["domain"], [])),
        "log-probability, nats": lambda point: change(point["logprob_delta"], point["logprob_se"], 3),
    }
    return figure_table(points.to_dict("records"), columns)


def features_table(run: Submission) -> pd.DataFrame:
    """The most shifted features, the page of each as a Markdown link that we make; empty without a prediction."""
    made = run.prediction
    rows = []
    if made is not None and made.shifts:
        reasons = {reason.feature: reason for reason in made.reasons}
        meant = {one.feature: one for one in made.meanings.features} if made.meanings else {}
        shifted = zip(made.shifts[0].features, made.shifts[0].shift, strict=False)
        for feature, shift in itertools.islice(shifted, MOST_FEATURES):
            reason = reasons.get(feature)
            shares = reason.share_of_icl if reason else {}
            meaning, firings = meant.get(feature), reason.firings[:3] if reason else ()
            fires = ", ".join(repr(plain(one.token, 20)) for one in firings)
            if meaning:
                fires = " / ".join(plain(excerpt_line(one), 80) for one in meaning.excerpts[:3])
            strongest = plain(sources_text(meaning), 80) if meaning else "–"
            leading = max(shares, key=shares.__getitem__, default="–")
            # The last column is Markdown, so the address is of our own making; all other columns are text.
            address = neuronpedia(made.sae.neuronpedia_id, feature)
            link = f"[open]({address})" if address else "–"
            rows.append((feature, float(f"{shift:.4g}"), leading, fires or "–", strongest, link))
    columns = ["feature", "shift", "mostly in", "fires on", "strongest samples", "Neuronpedia"]
    return text_table(rows, {name: itemgetter(place) for place, name in enumerate(columns)})
