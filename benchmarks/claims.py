"""Every figure that README.md, docs/start.md and docs/evidence-lab.md state by hand, with what makes it again.

    python benchmarks/claims.py

Writes docs/claims.md. A claim is a piece of a sentence with places for its figures. Filled in from the committed
records, it must stand in the document word for word. tests/docs/test_claims.py does that, and looks for digits in
sentences that no claim covers. Generated blocks of the documents are made by lab_evidence.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from claim_facts import (
    EVIDENCE,
    README,
    START,
    Facts,
    Figures,
    at_ten,
    fisher,
    home_left_out,
    other_saes,
    read,
    root_of_debiased,
    shares,
    short,
)
from evidence_blocks import ROOT
from lab_matrix import MODELS

from sts_eval.experiment import PredictSettings
from sts_eval.lab.sae import SAETraining
from sts_eval.predictors.registry import PREDICTORS
from sts_eval.records.record import write_atomically
from sts_eval.study.short_training import QUESTIONS

DOCUMENT = ROOT / "docs" / "claims.md"

COMPARE = "`sts-eval compare benchmarks/results/lab_matrix.jsonl`"
CALIBRATE = "`sts-eval calibrate benchmarks/results/lab_matrix.jsonl`"
BY_N = "`benchmarks/lab_claims.py` (its committed table; the models are not in the repository)"
DEMO = "`make demo`"


@dataclass(frozen=True)
class Claim:
    """A piece of a sentence with figures."""

    document: str
    text: str  # with a place for each figure
    source: str  # the command or function behind the figures
    figures: Callable[[Facts], Figures] | None  # None where they cannot be made again here; `source` says why


CLAIMS = (
    Claim(README, "It took just over four minutes on two cores, installation included", f"{DEMO}, timed once", None),
    Claim(
        README,
        "with 200 questions a domain even a perfect\nscore would reach r = 0.69",
        f"{DEMO}; the ceiling that its transcript prints",
        None,
    ),
    Claim(
        README,
        "Which way it changes, STS_ICL: r = {:.2f} over {} domains, 95% interval {:.2f} to {:.2f}",
        f"{DEMO}; the correlation of the columns of its transcript",
        lambda facts: (
            r := float(np.corrcoef(facts.demo[:, 0], facts.demo[:, 2])[0, 1]),
            len(facts.demo),
            *fisher(r, len(facts.demo)),
        ),
    ),
    Claim(README, "One run over {} domains cannot show more", DEMO, lambda facts: (len(facts.demo),)),
    Claim(
        START,
        "**Compare** STS with {} other predictors",
        "`sts_eval.predictors.registry.PREDICTORS`, without those of the groups sts and sts_sizes",
        lambda _: (sum(one.group not in ("sts", "sts_sizes") for one in PREDICTORS),),
    ),
    Claim(
        EVIDENCE,
        "Correlations pooled over runs, with {:.0%} intervals",
        COMPARE,
        lambda facts: (facts.comparison.level,),
    ),
    Claim(
        README,
        "are alike: {} to {}, with lower ends of their intervals between {} and {}",
        COMPARE,
        home_left_out,
    ),
    Claim(
        START,
        "With 14 domains and one run, nearly anything can correlate: an r of .60 has the 95% interval [{}, {}]",
        "`sts_eval.statistics.correlation.fisher_interval(0.6, 14)`",
        lambda _: tuple(short(end) for end in fisher(0.6, 14)),
    ),
    Claim(
        EVIDENCE,
        "{:.0%} of the variation within runs lies in those {} cells of {}",
        "`benchmarks/claim_facts.py`, `share_at_home`",
        lambda facts: (facts.share_at_home(), int(facts.runs.home.sum()), facts.runs.home.size),
    ),
    Claim(
        EVIDENCE,
        "Intervals drew {} runs as if they were independent. Three models whose changes on a set correlate at {} "
        "(accuracy) "
        "or {} (log-probability)",
        "`benchmarks/claim_facts.py`, `agreement`",
        lambda facts: (
            len(facts.runs.outcomes),
            short(facts.agreement("accuracy")),
            short(facts.agreement("logprob")),
        ),
    ),
    Claim(
        EVIDENCE,
        "it is {:.2f} points for a line on history, and the plain mean of the other models on the set, which has no "
        "line, is "
        "at {:.2f}",
        COMPARE,
        lambda facts: (facts.added("sts_icl").rmse_without, facts.added("sts_icl").rmse_plain),
    ),
    Claim(EVIDENCE, "its RMSE of {:.2f} does not reach it", CALIBRATE, lambda facts: (facts.by_model.rmse,)),
    Claim(
        EVIDENCE,
        "STS_ICL's partial r falls from {} to {} and STS_act's from {} to {}; the interval of a partial r counted "
        "{} points",
        f"`benchmarks/claim_facts.py`, `beside_accuracy`; {COMPARE}",
        lambda facts: (
            *(
                short(value, sign=True)
                for name in ("sts_icl", "sts_act")
                for value in (facts.beside_accuracy(name), facts.added(name).partial_r)
            ),
            facts.added("sts_icl").n_points,
        ),
    ),
    Claim(
        EVIDENCE,
        "(a true change of one standard error reads {})",
        "`benchmarks/claim_facts.py`, `root_of_debiased`",
        lambda _: (short(root_of_debiased()),),
    ),
    Claim(
        EVIDENCE,
        "STS_act's p among all predictors is {}, on that root {}",
        COMPARE,
        lambda facts: tuple(
            f"{facts.table(question).row('sts_act').p_permutation:.3f}".removeprefix("0")
            for question in ("how_much", "how_much_debiased")
        ),
    ),
    Claim(
        EVIDENCE,
        'for size" and p = {:.0e} on the same rows',
        COMPARE,
        lambda facts: (facts.table("how_much").row("home_share").p_permutation,),
    ),
    Claim(
        EVIDENCE,
        "(`less`: {} wide, {} blocks, {:.1f}M tokens; `deep`: {} wide, {} blocks, {:.1f}M; `wide`: {} wide, {} "
        "blocks, {:.1f}M)",
        "`benchmarks/lab_matrix.py`, `MODELS`",
        lambda _: tuple(
            figure
            for name in ("less", "deep", "wide")
            for figure in (MODELS[name].shape.width, MODELS[name].shape.blocks, MODELS[name].base.n_tokens / 1e6)
        ),
    ),
    Claim(
        EVIDENCE,
        "(by accuracy up to {})",
        COMPARE,
        lambda facts: (short(facts.table("which_way").ceiling or 0.0),),
    ),
    Claim(
        EVIDENCE,
        "STS_ICL is {} behind TF-IDF, with an interval from {} to {}",
        COMPARE,
        lambda facts: (
            short((beyond := facts.table("which_way").row("tfidf_cosine").from_reference).difference),
            *map(short, beyond.interval),
        ),
    ),
    Claim(
        EVIDENCE,
        "(`act_residual`, {}, and `icl_residual`, {})",
        COMPARE,
        lambda facts: tuple(
            short(row.r or 0.0, sign=True) for row in facts.rows("which_way", ("act_residual", "icl_residual"))
        ),
    ),
    Claim(
        EVIDENCE,
        "reads {} questions a domain",
        "`sts_eval.study.short_training.QUESTIONS`",
        lambda _: (QUESTIONS,),
    ),
    Claim(
        EVIDENCE,
        "(permutation p among all {} for STS_act)",
        COMPARE,
        lambda facts: (f"{facts.table('how_much').row('sts_act').p_permutation:.3f}".removeprefix("0"),),
    ),
    Claim(
        EVIDENCE,
        "{:.0f} to {:.0f}% of pairs by TF-IDF, word sequences, STS_ICL and STS_act, and in {:.0f} to {:.0f}% "
        "without home "
        "domains; TF-IDF, which leads by r, is the last of the four in both",
        COMPARE,
        lambda facts: tuple(
            100 * end(shares(facts, question)) for question in ("which_set", "which_set_away") for end in (min, max)
        ),
    ),
    Claim(
        EVIDENCE,
        "The smallest design that tells a predictor with r = .7 from one with r = .6 in 80% of matrices has 288 runs: "
        "48 sets in 6 models. The matrix as it is tells them apart in 5%",
        "`sts-eval power`; `tests/analysis/test_power.py` holds its noise to the runs",
        None,
    ),
    Claim(
        EVIDENCE,
        "at N = 10 of {:,} features STS_ICL goes with the signed change nearly as STS_act does ({} and {})",
        BY_N,
        lambda facts: (SAETraining().d_sae, *at_ten(facts)),
    ),
    Claim(
        EVIDENCE,
        "the paper's N = {}, which is a tenth of the lab's SAEs",
        "`PredictSettings.top_n`",
        lambda _: (PredictSettings().top_n,),
    ),
    Claim(EVIDENCE, "They give an STS_act within {} of its own SAE's", BY_N, lambda facts: other_saes(facts)[:1]),
    Claim(EVIDENCE, "STS_ICL differs by up to {}", BY_N, lambda facts: other_saes(facts)[1:]),
)

NAMES = (
    *("ICLR 2026", "Apache-2.0", "4+4", "GSM8K", "Mistral-7B-v0.1", "Mathstral-7B"),
    *("which is 1 for these two and 0 for the others", "cut at 0", "clear of 0", "reach 0", "touching 0"),
)
"""Digits in sentences that are names, definitions or the zero of a correlation."""


def flowing(text: str) -> str:
    """A text whose lines are joined."""
    return " ".join(text.split())


def sentences(document: str) -> str:
    """What is written by hand: without generated blocks, transcripts and addresses of links."""
    text = re.sub(r"<!-- generated: [^>]+? -->\n.*?<!-- end -->", " ", read(document), flags=re.DOTALL)
    text = re.sub(r"```.*?```", " ", text, flags=re.DOTALL)
    return flowing(re.sub(r"\]\([^)]*\)", "]", text))


def stated(claim: Claim, facts: Facts) -> str:
    """The claim with its figures, made again where they can be."""
    return claim.text if claim.figures is None else claim.text.format(*claim.figures(facts))


def uncovered(document: str, facts: Facts) -> list[str]:
    """Places of a document's sentences with figures that no claim has."""
    text = sentences(document)
    covered = [flowing(stated(claim, facts)) for claim in CLAIMS if claim.document == document]
    for piece in sorted((*covered, *NAMES), key=len, reverse=True):
        text = text.replace(piece, " ")
    text = re.sub(r"`[^`]*`", "`", text)
    return [text[max(0, one.start() - 40) : one.end() + 40] for one in re.finditer(r"\d[\d.,]*", text)]


HEAD = """# Every claim with a figure, and what is behind it

Written by `python benchmarks/claims.py`. It lists the figures that stand in sentences of README.md, docs/start.md and
docs/evidence-lab.md, each with the command or function that gives it. `tests/docs/test_claims.py` makes them again from
the committed records and fails where a sentence has another figure, or one that is not in this list. Numbers in words
(half, a dozen) are not looked for.

| document | claim | from | held to the committed records |
|---|---|---|---|
"""

FOOT = """
The tables of these documents that are marked as generated come from `python benchmarks/lab_evidence.py`, which takes
those named `lab_claims`, `lab_few_shot`, `lab_combination` and `real_lexical` from the files of that name in
benchmarks/results. `tests/docs/test_evidence.py` makes them again from the committed comparison, and, as slow tests,
the comparison and `lab_combination` from the committed runs, and `real_lexical` from the real data where these are at
hand. No test makes `lab_few_shot` and most of `lab_claims` again, whose models are not in the repository (its lines at
N = 100 are), or the transcript of `make demo`, whose training differs a little between processors.
"""


def page(facts: Facts) -> str:
    """docs/claims.md."""
    lines = []
    for claim in CLAIMS:
        cells = (
            f"[{Path(claim.document).name}]({'../' * (claim.document == README)}{Path(claim.document).name})",
            flowing(stated(claim, facts)).replace("|", "\\|"),
            claim.source,
            "no" if claim.figures is None else "yes",
        )
        lines.append(f"| {' | '.join(cells)} |\n")
    return HEAD + "".join(lines) + FOOT


def main() -> None:
    """Write the list."""
    write_atomically(DOCUMENT, page(Facts()))
    print(f"Written: {DOCUMENT}")


if __name__ == "__main__":
    main()
