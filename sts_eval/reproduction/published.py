"""The figures of arXiv 2603.02908, each where it stands in the paper. Nothing here is measured by this tool."""

from collections.abc import Mapping

from sts_eval.records.paper_answer import Published

LLAMA, QWEN, GEMMA = "Llama-3-8B-Instruct", "Qwen2.5-7B-Instruct", "Gemma-2-9B-it"

CHANGES: Mapping[str, Mapping[str, float]] = {
    LLAMA: {
        "engineering": -11.97,
        "physics": -5.7,
        "chemistry": -5.39,
        "law": -3.72,
        "philosophy": -2.61,
        "other": -2.49,
        "health": -1.1,
        "computer science": -0.97,
        "economics": -0.95,
        "math": -0.89,
        "psychology": -0.63,
        "biology": -0.42,
        "history": -0.26,
        "business": -0.12,
    },
    QWEN: {
        "engineering": -9.8,
        "chemistry": -6.36,
        "physics": -5.24,
        "computer science": -4.88,
        "business": -4.43,
        "health": -2.93,
        "math": -2.89,
        "economics": -2.61,
        "philosophy": -2.4,
        "biology": 1.53,
        "other": -1.3,
        "psychology": -0.37,
        "history": 0.26,
        "law": -0.19,
    },
    GEMMA: {
        "engineering": -9.29,
        "computer science": -3.66,
        "other": -2.05,
        "law": -1.73,
        "health": -1.47,
        "math": 1.41,
        "business": -1.27,
        "history": -0.79,
        "economics": -0.71,
        "chemistry": -0.62,
        "biology": -0.56,
        "physics": -0.54,
        "psychology": -0.05,
        "philosophy": 0.0,
    },
}
"""Tables 2 to 4: change of accuracy on MMLU-Pro after full fine-tuning on LIMO, points, by model and domain."""


def _by_model(score: str, unit: str, figures: Mapping[str, tuple[float, float]]) -> tuple[Published, ...]:
    return tuple(
        Published(what=f"{score}, {model}", value=value, unit=unit, sd=sd) for model, (value, sd) in figures.items()
    )


TABLES_2_TO_4 = (
    *(
        Published(what=f"{domain}, the largest fall, {model}", value=change, unit="points")
        for model, table in CHANGES.items()
        for domain, change in [min(table.items(), key=lambda item: item[1])]
    ),
    Published(
        what="domains that fall, of all 42",
        value=float(sum(change < 0 for table in CHANGES.values() for change in table.values())),
        unit="domains",
    ),
)

TABLE_6 = (
    *_by_model("STS_act", "r", {LLAMA: (0.71, 0.01), QWEN: (0.90, 0.02), GEMMA: (0.60, 0.03)}),
    *_by_model("STS_ICL", "r", {LLAMA: (0.81, 0.01), QWEN: (0.78, 0.01), GEMMA: (0.77, 0.01)}),
)
"""Pearson's r with |Δ| over 8 of 14 domains: the four largest and the four smallest changes. Three seeds."""

TABLE_9 = (
    *_by_model("STS_act", "R²", {LLAMA: (0.50, 0.01), QWEN: (0.80, 0.04), GEMMA: (0.36, 0.03)}),
    *_by_model("STS_ICL", "R²", {LLAMA: (0.66, 0.01), QWEN: (0.61, 0.02), GEMMA: (0.60, 0.02)}),
)

TABLE_1 = (
    Published(what="STS_ICL, code problems", value=0.77, unit="r", sd=0.01),
    Published(what="STS_ICL, health", value=0.71, unit="r", sd=0.02),
    Published(what="predicted among the 100 most changed, code problems", value=62, unit="of 100"),
    Published(what="predicted among the 100 most changed, health", value=57, unit="of 100"),
    Published(what="predicted among the 100 most changed, LIMO", value=57, unit="of 100"),
)

TABLE_5 = (
    Published(what="STS", value=0.79, unit="r"),
    Published(what="mean raw activation", value=0.03, unit="r"),
    Published(what="probe on raw activations", value=0.03, unit="r"),
    Published(what="probe on SAE activations", value=0.08, unit="r"),
    Published(what="similarity of representations, domain and training set", value=0.11, unit="r"),
    Published(what="similarity of representations, before and after tuning", value=0.61, unit="r"),
)

TABLE_7 = tuple(
    Published(what=f"mathematics among the top {n}", value=share, unit="share")
    for n, share in ((50, 0.89), (100, 0.93), (200, 0.92))
)

TABLE_8 = (
    Published(what="of 100 features labelled mathematics, among the top 500", value=0.63, unit="share"),
    Published(what="of 100 features labelled code, among the top 500", value=0.07, unit="share"),
)

TABLE_10 = (
    Published(what="Math-LightEval before", value=74.7, unit="per cent"),
    Published(what="Math-LightEval, LIMO", value=81.3, unit="per cent"),
    Published(what="Math-LightEval, LIMO and rows by STS", value=80.1, unit="per cent"),
)

TABLE_11 = (
    Published(what="Math-LightEval before", value=74.7, unit="per cent"),
    Published(what="1,000 random features", value=74.2, unit="per cent"),
    Published(what="1,000 predicted features", value=75.6, unit="per cent"),
    Published(what="3,000 random features", value=74.0, unit="per cent"),
    Published(what="3,000 predicted features", value=76.9, unit="per cent"),
    Published(what="full fine-tuning", value=81.3, unit="per cent"),
)

TABLE_12 = tuple(
    Published(what=f"SAE with L0 {l0}", value=r, unit="r")
    for l0, r in ((13, 0.78), (22, 0.77), (37, 0.72), (63, 0.75), (109, 0.65))
)

SECTION_3_1 = (Published(what="share of the change in the 100 most changed features", value=0.25, unit="share"),)
