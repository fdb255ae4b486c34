"""What an entry of the registry is: a table or figure of the paper, its claim, and the checks that decide it."""

from dataclasses import dataclass
from typing import Literal

from sts_eval.records.paper_answer import Published, Rule
from sts_eval.reproduction.correlations import CLAIMED, Measure

Recipe = Literal["runs", "saes", "layers", "ablation", "meanings", "mixture", "selective", "reinforcement"]
"""Which experiment makes the records (`sts_eval.reproduction.plans`)."""

RELATED = Rule(least=CLAIMED)
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
    measure: Measure
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
    "selective": "folders of sts-eval run with the methods lora (or full) and features, with training_set.home for "
    "what becomes of other domains",
    "reinforcement": "folders of sts-eval run with the methods lora (or full) and grpo",
}
