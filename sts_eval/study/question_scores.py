"""Step 2 of STS: how much does a domain lean on the shifted features?

    STS_act(T) = E_x  Σ_{j∈D_N} h_j(x)                                                  (equation 4)
    STS_ICL(T) = E_x  Σ_{j∈D_N} ‖ h_j(x_0, y_0, …, x_m, y_m, x) − h_j(x) ‖²              (equation 5)

x are questions of domain T, (x_i, y_i) its own demonstrations. The authors' notebook computes
another quantity under the name of the first, the mean over tokens and D_N of h_j²; it is the third
column here. A question counts once, with the mean over its tokens, so that the spread over
questions gives the standard error.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sts_eval.data.benchmark import Domain
from sts_eval.data.prompt import Turn
from sts_eval.data.sampling import shuffled, within_budget
from sts_eval.data.tables import fingerprint
from sts_eval.progress import Progress, silent
from sts_eval.study.activations import Meter
from sts_eval.study.extractor import Extractor, Shown
from sts_eval.study.shifted_features import Shift
from sts_eval.study.top_tokens import Evidence


class QuestionScore(NamedTuple):
    """The three scores of one question: means over its tokens."""

    sts_act: float
    sts_icl: float
    sts_notebook: float


@dataclass(frozen=True)
class Estimate:
    """A domain's score.

    Attributes:
        value: Mean over questions (each the mean over the seeds that drew it).
        se: Standard error over questions, NaN for a single one.
        seed_sd: Standard deviation over seeds of the per-seed means, None for one seed.
    """

    value: float
    se: float
    seed_sd: float | None


@dataclass(frozen=True)
class DomainReading:
    """What step 2 found in one domain.

    Attributes:
        domain: Its name.
        questions: Scores by seed, then by position in the domain's questions.
        act_by_feature: Mean activation of each feature of the first seed's D_N, in its order.
        icl_by_feature: The same for the squared change under demonstrations.
        n_tokens: Question tokens read.
        fewer_shots: How many readings saw fewer demonstrations because of the context.
        prompts_sha256: Fingerprint of the token ids of the demonstrations, by seed, and the questions.
    """

    domain: str
    questions: Mapping[int, Mapping[int, QuestionScore]]
    act_by_feature: NDArray[np.float64]
    icl_by_feature: NDArray[np.float64]
    n_tokens: int
    fewer_shots: int
    prompts_sha256: str


def estimate(values: Mapping[int, Mapping[int, float]]) -> Estimate:
    """Mean, standard error and spread over seeds of one score.

    Args:
        values: Score by seed, then by question.
    """
    per_question: dict[int, list[float]] = {}
    for scores in values.values():
        for question, value in scores.items():
            per_question.setdefault(question, []).append(value)
    means = np.array([np.mean(scores) for _, scores in sorted(per_question.items())])
    se = float(means.std(ddof=1) / math.sqrt(len(means))) if len(means) > 1 else math.nan
    over_seeds = [float(np.mean(list(scores.values()))) for scores in values.values()]
    seed_sd = float(np.std(over_seeds, ddof=1)) if len(over_seeds) > 1 else None
    return Estimate(float(means.mean()), se, seed_sd)


def choose_questions(domain: Domain, seed: int, budget: int, length: Callable[[str], int]) -> list[int]:
    """Positions of the questions that a seed reads in a domain, in its order, up to a budget of tokens.

    Args:
        domain: The domain.
        seed: The seed.
        budget: Question tokens.
        length: Tokens in a text.
    """
    order = shuffled(len(domain.questions), seed, "questions", domain.name)
    return within_budget(domain.questions, order, budget, lambda question: length(question.text))


def read_domain(
    extractor: Extractor,
    domain: Domain,
    shifts: Sequence[Shift],
    chosen: Mapping[int, Sequence[int]],
    evidence: Evidence | None = None,
    progress: Progress = silent,
    listen: Callable[[Sequence[Turn]], Meter] | None = None,
) -> DomainReading:
    """Score the chosen questions of a domain on the shifted features.

    A question without demonstrations is read once, whatever the number of seeds.

    Args:
        extractor: Model, SAE and dials.
        domain: Questions and the pool of demonstrations.
        shifts: One per seed.
        chosen: By seed, positions of the questions to score.
        evidence: Collects the tokens that fire the top features; None to leave that out.
        progress: Told of every row.
        listen: Given the first seed's questions, makes a meter that hears what that seed reads, for predictors
            beside STS.

    Raises:
        UserError: A question exceeds the context.
    """
    prompter = extractor.prompter
    features = sorted({feature for shift in shifts for feature in shift.features})
    place = {feature: column for column, feature in enumerate(features)}
    columns = extractor.autoencoder.columns(features)
    own = {shift.seed: torch.tensor([place[feature] for feature in shift.features]) for shift in shifts}
    shown = {shift.seed: _demonstrations(extractor, domain, shift.seed) for shift in shifts}
    positions = sorted({position for taken in chosen.values() for position in taken})
    turns = {position: prompter.turn(domain.questions[position].text) for position in positions}
    counts = {
        seed: {p: shown[seed].demonstrations.fitting(turns[p], extractor.context) for p in taken}
        for seed, taken in chosen.items()
    }
    tally = _Tally(own, shifts[0])
    first = shifts[0].seed
    numbers = {position: number for number, position in enumerate(chosen[first])}
    meter = listen([turns[position] for position in chosen[first]]) if listen is not None else None
    done = 0
    for indices in extractor.rows([turns[p] for p in positions], [0] * len(positions)):
        taken = [positions[index] for index in indices]
        hidden = extractor.read(shown[shifts[0].seed], [turns[p] for p in taken], [0] * len(taken))
        alone = dict(zip(taken, _by_turn(columns.encode(hidden), [turns[p] for p in taken]), strict=True))
        if evidence is not None:
            for position in taken:
                evidence.see(domain.name, turns[position], alone[position], place)
        for seed, seed_counts in counts.items():
            mine = [position for position in taken if position in seed_counts]
            if not mine:
                continue
            row = [turns[position] for position in mine]
            hidden_after = extractor.read(shown[seed], row, [seed_counts[position] for position in mine])
            after = dict(zip(mine, _by_turn(columns.encode(hidden_after), row), strict=True))
            tally.add(seed, mine, alone, after)
            if meter is not None and seed == first:
                parts = dict(zip(taken, torch.split(hidden, [len(turns[p].span) for p in taken]), strict=True))
                before = torch.cat([parts[position] for position in mine])
                meter.both([numbers[position] for position in mine], row, before, hidden_after)
        done += len(taken)
        progress(f"step 2: {domain.name}", done, len(positions))
    return DomainReading(
        domain=domain.name,
        questions=tally.scores,
        act_by_feature=tally.mean(tally.act),
        icl_by_feature=tally.mean(tally.icl),
        n_tokens=sum(len(turns[position].span) for position in positions),
        fewer_shots=sum(
            count < len(shown[seed].prefixes) - 1 for seed, taken in counts.items() for count in taken.values()
        ),
        prompts_sha256=fingerprint(
            [[context.demonstrations.prefixes for context in shown.values()], [turns[p] for p in positions]]
        ),
    )


def _demonstrations(extractor: Extractor, domain: Domain, seed: int) -> Shown:
    order = shuffled(len(domain.demonstrations), seed, "demonstrations", domain.name)
    drawn = [domain.demonstrations[index] for index in order[: extractor.settings.domain_shots]]
    if len(drawn) < extractor.settings.domain_shots:
        extractor.prompter.warnings[f"{domain.name} has only {len(drawn)} demonstrations to show"] = None
    extractor.prompter.check_joint(drawn, domain.questions[0].text)
    return Shown.of(extractor.prompter.demonstrations(drawn))


def _by_turn(activations: Tensor, turns: Sequence[Turn]) -> tuple[Tensor, ...]:
    parts: tuple[Tensor, ...] = torch.split(activations.double().cpu(), [len(turn.span) for turn in turns])
    return parts


class _Tally:
    """Scores by seed and question, and sums by feature of the first seed."""

    def __init__(self, own: Mapping[int, Tensor], first: Shift) -> None:
        self._own = own
        self._first = first.seed
        self.scores: dict[int, dict[int, QuestionScore]] = {seed: {} for seed in own}
        self.act = torch.zeros(len(first.features), dtype=torch.float64)
        self.icl = torch.zeros(len(first.features), dtype=torch.float64)

    def add(
        self, seed: int, positions: Sequence[int], alone: Mapping[int, Tensor], after: Mapping[int, Tensor]
    ) -> None:
        own = self._own[seed]
        for position in positions:
            before = alone[position][:, own]
            act = before.mean(dim=0)
            icl = (after[position][:, own] - before).square().mean(dim=0)
            squares = float(before.square().mean())
            self.scores[seed][position] = QuestionScore(float(act.sum()), float(icl.sum()), squares)
            if seed == self._first:
                self.act += act
                self.icl += icl

    def mean(self, sums: Tensor) -> NDArray[np.float64]:
        return np.asarray((sums / len(self.scores[self._first])).numpy(), dtype=np.float64)
