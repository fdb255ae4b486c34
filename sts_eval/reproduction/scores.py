"""The tables and figures about how scores go with the size of a change."""

from sts_eval.records.paper_answer import Rule
from sts_eval.records.prediction import Prediction
from sts_eval.reproduction import correlations as r
from sts_eval.reproduction import interventions as done
from sts_eval.reproduction import published
from sts_eval.reproduction.entry import MOST, RELATED, Check, Entry
from sts_eval.reproduction.evidence import SUPERVISED

EIGHT_DOMAINS = "The paper computes r over 8 of 14 domains, the four largest and four smallest changes; here all count."


def _sae(prediction: Prediction) -> str:
    sae = prediction.sae
    return sae.id or (sae.path or sae.weights_sha256[:8]).rstrip("/").rsplit("/", 1)[-1]


def _hook(prediction: Prediction) -> str:
    return prediction.sae.hook_name


def _width_at_hook(prediction: Prediction) -> str:
    return f"{prediction.sae.hook_name} {prediction.sae.d_sae}"


SCORES: tuple[Entry, ...] = (
    Entry(
        id="tables-2-4",
        source="Tables 2 to 4",
        title="What fine-tuning on LIMO changes",
        claim="Fine-tuning on one set changes some domains more than others, and most of them fall.",
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
        claim="Both scores correlate with |Δ|, the size of the change in accuracy.",
        published=published.TABLE_6,
        checks=(
            Check("sts_icl", "r of STS_ICL with |Δ| is .5 or more", r.r_with_size("sts_icl"), "r", RELATED),
            Check("sts_act", "r of STS_act with |Δ| is .5 or more", r.r_with_size("sts_act"), "r", RELATED),
        ),
        recipe="runs",
        note=EIGHT_DOMAINS,
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
                f"R² of {label} with |Δ| is .25 or more",
                r.r_with_size(name, squared=True),
                "R², negative where r is",
                Rule(least=0.25),
            )
            for name, label in (("sts_icl", "STS_ICL"), ("sts_act", "STS_act"))
        ),
        recipe="runs",
        note=f"R² is the square of Table 6's r, in the paper and here. {EIGHT_DOMAINS}",
    ),
    Entry(
        id="table-1",
        source="Table 1",
        title="Other training sets",
        claim="STS_ICL also correlates with |Δ| for sets of code and of health, and demonstrations find the features "
        "that tuning moves.",
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
                "more of the 100 predicted features than of 100 equally active ones are among the 100 most changed",
                done.overlap_excess(*SUPERVISED),
                "share of 100",
            ),
        ),
        recipe="runs",
        note="A set counts as code or health by the first domain in training_set.home. The paper does not say how "
        "large the overlap is by chance; a count alone says nothing.",
    ),
    Entry(
        id="table-5",
        source="Tables 5 and 13",
        title="Other predictors",
        claim="STS correlates with |Δ|, and simpler predictors do not.",
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
                    (
                        "frequency_jaccard",
                        "the similarity of all features, not only the shifted ones (frequency_jaccard)",
                    ),
                    ("history_same_set", "the mean change of other models on the same set (history_same_set)"),
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
        claim="STS does not depend on N = 100.",
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
        note="No figure of the paper on N is known here, so the claim is the least that must hold if one N is to "
        "serve for all. "
        "The scores are those of settings.predictors: [sts_sizes].",
    ),
    Entry(
        id="table-12",
        source="Table 12",
        title="SAEs of other sparsity",
        claim="STS_ICL correlates with |Δ| whatever the SAE's sparsity.",
        published=published.TABLE_12,
        checks=(
            Check(
                "weakest",
                "the lowest r of STS_ICL with |Δ| over the SAEs is .5 or more",
                r.weakest_sae(_width_at_hook, _sae),
                "r",
                RELATED,
            ),
        ),
        recipe="saes",
        note=EIGHT_DOMAINS,
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
                r.weakest_sae(lambda prediction: prediction.model.id, _hook),
                "r",
                RELATED,
            ),
        ),
        recipe="layers",
        note="The figure is a plot; the paper gives no numbers.",
    ),
)
