"""The registry: every table and figure of the paper that is known here, with its claim and the checks that decide it.

A check is a statement, a measure of it and a rule on its interval. A control is a comparison that the paper does not
make; it is shown, and has no part in the verdict. To add an entry, add it to `ENTRIES`.
"""

import difflib
from dataclasses import dataclass
from typing import Literal

from sts_eval.errors import UserError
from sts_eval.records.paper_answer import Published, Rule
from sts_eval.records.prediction import Prediction
from sts_eval.reproduction import correlations as r
from sts_eval.reproduction import interventions as done
from sts_eval.reproduction import published
from sts_eval.reproduction.evidence import SUPERVISED

Recipe = Literal["runs", "saes", "layers", "ablation", "meanings", "mixture", "selective", "reinforcement"]
"""Which experiment makes the records (`sts_eval.reproduction.plans`)."""

RELATED = Rule(least=r.CLAIMED)
"""A score goes with |Δ|."""

MORE = Rule()
"""A difference is above 0."""

MOST = Rule(least=0.5, beyond=0.5)
"""More than half."""


@dataclass(frozen=True)
class Check:
    """A statement that an interval decides."""

    name: str  # unique in its entry
    statement: str
    measure: r.Measure
    unit: str
    rule: Rule = MORE
    control: bool = False


@dataclass(frozen=True)
class Entry:
    """A table, figure or section."""

    id: str
    source: str
    title: str
    claim: str
    published: tuple[Published, ...]
    checks: tuple[Check, ...]
    recipe: Recipe
    note: str = ""
    also: tuple[str, ...] = ()  # further ids that mean it


NEEDS: dict[Recipe, str] = {
    "runs": "folders of sts-eval run or sts-eval sweep (for correlations also a .jsonl file of outcomes)",
    "saes": "folders of a sweep with several SAEs of one layer and width",
    "layers": "folders of a sweep with SAEs of several layers",
    "ablation": "folders of sts-eval ablate",
    "meanings": "predictions made with their meanings",
    "mixture": "the folder of sts-eval mix --verify after sts-eval mix --compare",
    "selective": "folders of sts-eval run with the methods lora (or full) and features",
    "reinforcement": "folders of sts-eval run with the methods lora (or full) and grpo",
}

SMALLER_CLAIM = "The paper computes r over 8 of 14 domains, the four largest and four smallest changes; here all count."


def _sae(prediction: Prediction) -> str:
    sae = prediction.sae
    return sae.id or (sae.path or sae.weights_sha256[:8]).rstrip("/").rsplit("/", 1)[-1]


def _hook(prediction: Prediction) -> str:
    return prediction.sae.hook_name


def _width_at_hook(prediction: Prediction) -> str:
    return f"{prediction.sae.hook_name} {prediction.sae.d_sae}"


ENTRIES: tuple[Entry, ...] = (
    Entry(
        id="tables-2-4",
        source="Tables 2 to 4",
        title="What fine-tuning on LIMO changes",
        claim="Fine-tuning on one set changes domains by unlike amounts, and most of them fall.",
        published=published.TABLES_2_TO_4,
        checks=(
            Check("sizes", "domains differ in |Δ| by more than noise", r.sizes_differ, "highest r"),
            Check("falls", "more than half of the domains fall", r.share_of_falls, "share", MOST),
        ),
        recipe="runs",
        also=("table-2", "table-3", "table-4"),
    ),
    Entry(
        id="table-6",
        source="Table 6, Figure 3",
        title="STS and the size of the change",
        claim="Both scores go with the size of the change, |Δ| of accuracy.",
        published=published.TABLE_6,
        checks=(
            Check("sts_icl", "r of STS_ICL with |Δ| is .5 or more", r.r_with_size("sts_icl"), "r", RELATED),
            Check("sts_act", "r of STS_act with |Δ| is .5 or more", r.r_with_size("sts_act"), "r", RELATED),
        ),
        recipe="runs",
        note=SMALLER_CLAIM,
        also=("figure-3",),
    ),
    Entry(
        id="table-9",
        source="Table 9",
        title="Variance of |Δ| that STS explains",
        claim="The scores explain a good part of the variance of |Δ|: R² is .36 to .80.",
        published=published.TABLE_9,
        checks=tuple(
            Check(
                name,
                f"R² of {label} is .25 or more",
                r.r_with_size(name, squared=True),
                "R², negative where r is",
                Rule(least=0.25),
            )
            for name, label in (("sts_icl", "STS_ICL"), ("sts_act", "STS_act"))
        ),
        recipe="runs",
        note=f"R² is the square of Table 6's r, in the paper as here. {SMALLER_CLAIM}",
    ),
    Entry(
        id="table-1",
        source="Table 1",
        title="Other training sets",
        claim="It holds for sets of code and of health, and demonstrations find the features that tuning moves.",
        published=published.TABLE_1,
        checks=(
            Check(
                "code",
                "r of STS_ICL with |Δ| is .5 or more on code",
                r.r_with_size("sts_icl", r.made_for("computer science")),
                "r",
                RELATED,
            ),
            Check(
                "health",
                "r of STS_ICL with |Δ| is .5 or more on health",
                r.r_with_size("sts_icl", r.made_for("health")),
                "r",
                RELATED,
            ),
            Check(
                "overlap",
                "more of the 100 predicted features are among the 100 most changed than of equally active ones",
                done.overlap_excess(*SUPERVISED),
                "share of 100",
            ),
        ),
        recipe="runs",
        note="A set counts as code or health by the first domain in training_set.home. The paper gives no null for the "
        "overlap; a count alone says nothing.",
    ),
    Entry(
        id="table-5",
        source="Tables 5 and 13",
        title="Other predictors",
        claim="STS goes with |Δ|, and simpler predictors do not.",
        published=published.TABLE_5,
        checks=(
            *(
                Check(name, f"r of STS_ICL is above that of {label}", r.advantage("sts_icl", name), "difference of r")
                for name, label in (
                    ("residual_l1", "the mean raw activation (residual_l1)"),
                    ("probe_auc", "a linear probe on the residual (probe_auc, the nearest to the paper's)"),
                    ("residual_cosine", "the similarity of domain and training set (residual_cosine)"),
                    ("oracle_cka", "the similarity of the model before and after tuning (oracle_cka)"),
                )
            ),
            *(
                Check(
                    name,
                    f"r of STS_ICL is above that of {label}",
                    r.advantage("sts_icl", name),
                    "difference of r",
                    control=True,
                )
                for name, label in (
                    ("tfidf_cosine", "the similarity of words (tfidf_cosine)"),
                    ("frequency_jaccard", "the similarity of all features, without a choice (frequency_jaccard)"),
                    ("history_same_set", "other models on the same set (history_same_set)"),
                )
            ),
        ),
        recipe="runs",
        note="The paper's probe on SAE activations has no counterpart here. The paper does not say which score its STS "
        "is; here it is STS_ICL.",
        also=("table-13",),
    ),
    Entry(
        id="n-features",
        source="N, the number of shifted features",
        title="STS at other N",
        claim="STS does not hang on N = 100.",
        published=(),
        checks=(
            Check(
                "weakest",
                "the lowest r of STS_ICL with |Δ| over N is .5 or more",
                r.weakest(("sts_icl", *(f"sts_icl_n{n}" for n in (10, 25, 50, 200, 400)))),
                "r",
                RELATED,
            ),
        ),
        recipe="runs",
        note="No figure of the paper on N is known here, so the claim is the least that its use of one N needs. "
        "The scores are those of settings.predictors: [sts_sizes].",
    ),
    Entry(
        id="table-12",
        source="Table 12",
        title="SAEs of other sparsity",
        claim="STS_ICL goes with |Δ| whatever the SAE's sparsity.",
        published=published.TABLE_12,
        checks=(
            Check(
                "weakest",
                "the lowest r of STS_ICL with |Δ| over the SAEs is .5 or more",
                r.weakest_sae(_width_at_hook, _sae, "sts_icl"),
                "r",
                RELATED,
            ),
        ),
        recipe="saes",
        note=SMALLER_CLAIM,
    ),
    Entry(
        id="figure-4b",
        source="Figure 4b",
        title="SAEs of other layers",
        claim="STS is stable over layers 15, 20 and 25.",
        published=(),
        checks=(
            Check(
                "weakest",
                "the lowest r of STS_ICL with |Δ| over the layers is .5 or more",
                r.weakest_sae(lambda prediction: prediction.model.id, _hook, "sts_icl"),
                "r",
                RELATED,
            ),
        ),
        recipe="layers",
        note="The figure is a plot; the paper gives no numbers.",
    ),
    Entry(
        id="section-3.1",
        source="Section 3.1",
        title="The change lies in few features",
        claim="The 100 most changed features hold a quarter of the change.",
        published=published.SECTION_3_1,
        checks=(
            Check(
                "share",
                "the 100 most changed features hold a quarter of the change or more",
                done.concentration,
                "share",
                Rule(least=0.25),
            ),
        ),
        recipe="runs",
        note="100 of the paper's 28,672 features are .35%. Where 100 are more than 1%, the share says little and no "
        "interval is given.",
    ),
    Entry(
        id="figure-1b",
        source="Figure 1b",
        title="Zero-ablation",
        claim="The model needs the shifted features: set to zero they cost much, random ones cost nothing.",
        published=(),
        checks=(
            Check(
                "moved",
                "the tuned model loses more without the features that tuning moved than without random live ones",
                done.moved_hurt_more("random"),
                "nats per token",
            ),
            Check(
                "moved-matched",
                "it loses more without them than without features as active as the predicted ones",
                done.moved_hurt_more("matched"),
                "nats per token",
                control=True,
            ),
            Check(
                "random",
                "the untuned model loses more without predicted features than without random live ones",
                done.predicted_hurt_more("random"),
                "nats per token",
                control=True,
            ),
            Check(
                "matched",
                "the untuned model loses more without predicted features than without equally active ones",
                done.predicted_hurt_more("matched"),
                "nats per token",
                control=True,
            ),
        ),
        recipe="ablation",
        note="The paper gives no accuracies. Random features hardly ever fire, so the controls with equally "
        "active ones are the fair comparison. Losses are of held-out answers of the training set.",
    ),
    Entry(
        id="table-7",
        source="Table 7",
        title="What the shifted features mean",
        claim="Shifted features are about the training set.",
        published=published.TABLE_7,
        checks=(
            Check(
                "share",
                "they are more often labelled with the training set than all live features",
                done.share_above_base_rate,
                "difference of shares",
            ),
        ),
        recipe="meanings",
        note="The paper chooses among three sources and gives no base rate. Here a feature may be of the training "
        "set, of any domain or of neutral text, so the share itself is not comparable; that above the base rate is.",
    ),
    Entry(
        id="table-8",
        source="Table 8",
        title="Are features about the training set shifted?",
        claim="Features about the training set are among the shifted ones, others are not.",
        published=published.TABLE_8,
        checks=(
            Check(
                "recall",
                "features of the training set are shifted more often than others",
                done.recall_of_label,
                "difference of shares",
            ),
        ),
        recipe="meanings",
    ),
    Entry(
        id="table-10",
        source="Section 5, Table 10",
        title="Data mixture",
        claim="Rows added in the ratio of STS keep other domains from falling, and the target keeps most of its gain.",
        published=published.TABLE_10,
        checks=(
            Check("target", "the target gains with rows added by STS", done.target_gain, "points"),
            Check("protected", "protected domains do better than without added rows", done.protection, "points"),
            Check("equal", "and better than with rows split equally", done.over_equal_split, "points", control=True),
        ),
        recipe="mixture",
        note="The paper has no equal split, and one seed.",
        also=("section-5",),
    ),
    Entry(
        id="table-11",
        source="Table 11, Figure 7",
        title="Selective tuning",
        claim="Tuning predicted features alone helps more than tuning random ones, and less than full fine-tuning.",
        published=published.TABLE_11,
        checks=(
            Check(
                "random", "predicted features gain more than random ones", done.gain_over("random"), "nats per token"
            ),
            Check("full", "full or LoRA fine-tuning gains more", done.full_gain_over, "nats per token"),
            Check(
                "matched",
                "predicted features gain more than equally active ones",
                done.gain_over("matched"),
                "nats per token",
                control=True,
            ),
        ),
        recipe="selective",
        note="Gains are of the log-probability of held-out rows of the training set. The paper has one run, no errors.",
        also=("figure-7",),
    ),
    Entry(
        id="section-6",
        source="Section 6",
        title="Reinforcement learning",
        claim="For GRPO demonstrations find the moved features less well than for fine-tuning; STS works with the "
        "features that really moved, and less well with the predicted ones.",
        published=(),
        checks=(
            Check(
                "overlap",
                "predicted and moved features overlap less for GRPO than for fine-tuning, each beyond its null",
                done.less_overlap_than_supervised,
                "share of 100",
            ),
            Check(
                "actual",
                "r of STS_ICL on the moved features with |Δ| is .5 or more",
                r.r_with_size("oracle_icl", r.reinforced),
                "r",
                RELATED,
            ),
            Check(
                "advantage",
                "that r is above the one with predicted features",
                r.advantage("oracle_icl", "sts_icl", r.reinforced),
                "difference of r",
            ),
            Check("reward", "GRPO raised the reward of held-out rows", done.reward_gain, "reward", control=True),
            Check(
                "on-policy",
                "the model's own accepted answers find more of the moved features than ground truth",
                done.on_policy_overlap,
                "share of 100",
                control=True,
            ),
        ),
        recipe="reinforcement",
        note="The paper gives no figures and no hyperparameters.",
    ),
)

IDS = tuple(entry.id for entry in ENTRIES)


def entry_named(name: str) -> Entry:
    """The entry with this id.

    Raises:
        UserError: There is none.
    """
    by_name = {known: entry for entry in ENTRIES for known in (entry.id, *entry.also)}
    wanted = name.strip().lower().replace(" ", "-").replace("_", "-")
    if wanted not in by_name:
        near = difflib.get_close_matches(wanted, by_name, n=1)
        remedy = f"Did you mean {near[0]}? " if near else ""
        raise UserError(
            f"the paper's tables and figures have no {name!r}", f"{remedy}`sts-eval reproduce list` shows all"
        )
    return by_name[wanted]
