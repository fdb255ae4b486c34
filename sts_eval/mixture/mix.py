"""From a prediction and a pool to a training set with rows added, and the record that says which and why."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sts_eval.analysis.wording import counted
from sts_eval.data.benchmark import Benchmark, load_benchmark
from sts_eval.data.example import Example
from sts_eval.data.sampling import shuffled
from sts_eval.data.training_set import TrainingSet, load_training_set
from sts_eval.errors import UserError
from sts_eval.experiment import TrainingSetSpec
from sts_eval.mixture.allocation import Quota, allocate
from sts_eval.mixture.own_targets import OwnTargets
from sts_eval.mixture.pool import Pool, PoolRow, read_pool, unusable
from sts_eval.mixture.weights import EQUAL, Evidence, Weights
from sts_eval.records.calibration import ExpectedChange
from sts_eval.records.mixture import Mixture, MixtureDomain
from sts_eval.records.prediction import Prediction
from sts_eval.records.record import check_writable, now, write_atomically
from sts_eval.records.versions import versions

ENDING = ".jsonl"


@dataclass(frozen=True)
class Ground:
    """What mixtures are made from.

    Attributes:
        evidence: What weights are made from.
        training_set: The prediction's.
        benchmark: The prediction's.
        pool: The rows that may be added.
        protected: Domains that rows may be added for.
        seed: Draws the rows of a domain.
        targets: The untuned model's answers; None where the pool's own solutions are the targets.
    """

    evidence: Evidence
    training_set: TrainingSet
    benchmark: Benchmark
    pool: Pool
    protected: tuple[str, ...]
    seed: int
    targets: OwnTargets | None = None

    def there(self) -> dict[str, list[PoolRow]]:
        """The rows of each protected domain, in the order in which they are taken.

        The order depends on the seed and the domain alone, so mixtures of one pool share as many rows as they can.
        """
        found = {}
        for name in self.protected:
            rows = [row for row in self.pool.rows if row.domain == name]
            found[name] = [rows[place] for place in shuffled(len(rows), self.seed, "mixture", name)]
        return found


@dataclass(frozen=True)
class Chosen:
    """A mixture before it is written."""

    weights: Weights
    quotas: Mapping[str, Quota]
    rows: Mapping[str, Sequence[PoolRow]]  # taken, by domain
    there: Mapping[str, int]  # usable, by domain
    dropped: Collection[PoolRow]  # whose answer by the model cannot be trained on

    @property
    def unlike_equal(self) -> int:
        """Rows that would be of another domain if all weights were equal."""
        equal = allocate(dict.fromkeys(self.quotas, 1.0), self.added, self.there)
        return sum(abs(quota.taken - equal[name].taken) for name, quota in self.quotas.items()) // 2

    @property
    def added(self) -> int:
        """Rows that are added."""
        return sum(map(len, self.rows.values()))

    def all_rows(self) -> list[PoolRow]:
        """The rows that are added."""
        return [row for rows in self.rows.values() for row in rows]


def ground(
    evidence: Evidence,
    pool: TrainingSetSpec,
    *,
    column: str | None = None,
    protect: Sequence[str] = (),
    seed: int = 0,
    targets: OwnTargets | None = None,
) -> Ground:
    """Read what mixtures are made from: the prediction's training set and benchmark, and the pool.

    `column` names the domain in the pool. Rows are added for the domains in `protect`; for all if it is empty.

    Raises:
        UserError: Something cannot be read, is not what the prediction read, or a protected domain is not known.
    """
    prediction = evidence.prediction
    names = [one.domain for one in prediction.domains]
    unknown = [name for name in protect if name not in names]
    if unknown:
        raise UserError(
            f"the prediction has no domain {', '.join(map(repr, unknown))}",
            f"Name some of {', '.join(names)} with --protect",
        )
    training_set = load_training_set(prediction.experiment.training_set)
    benchmark = load_benchmark(prediction.experiment.benchmark)
    for what, now_read, then in (
        ("training set", training_set.sha256, prediction.training_set),
        ("benchmark", benchmark.sha256, prediction.benchmark),
    ):
        if now_read != then.sha256:
            raise UserError(f"the {what} {then.source} is no longer what the prediction read", "Predict again")
    found = read_pool(pool, benchmark, training_set, column=column)
    return Ground(evidence, training_set, benchmark, found, tuple(protect) or tuple(names), seed, targets)


def choose(base: Ground, by: str, budget: int) -> Chosen:
    """Choose the rows of a mixture.

    Raises:
        UserError: The budget is 0 or above the usable rows, all weights are 0, or there are no such weights.
    """
    if budget < 1:
        raise UserError(f"a budget of {budget} rows adds nothing", "Give --budget 1 or more")
    weights = base.evidence.weights(by)
    by_domain = {name: weights.of(name) for name in base.protected}
    if not any(by_domain.values()):
        told = ", ".join(base.protected) if len(base.protected) < len(base.benchmark.domains) else "every domain"
        raise UserError(f"the weight by {by} is 0 in {told}", f"Weigh by something else, for instance --by {EQUAL}")
    rows, dropped = base.there(), list[PoolRow]()
    while True:
        there = {name: len(own) for name, own in rows.items()}
        _check_budget(base, by, by_domain, budget, there, dropped)
        quotas = allocate(by_domain, budget, there)
        taken = {name: rows[name][: quota.taken] for name, quota in quotas.items()}
        if base.targets is None:
            return Chosen(weights, quotas, taken, there, dropped)
        base.targets.ask([row for own in taken.values() for row in own])
        lost = [row for own in taken.values() for row in own if not base.targets.usable(row)]
        if not lost:
            return Chosen(weights, quotas, taken, there, dropped)
        dropped += lost
        rows = {name: [row for row in own if row not in lost] for name, own in rows.items()}


def written(base: Ground, chosen: Chosen, path: Path) -> Mixture:
    """Write a mixture as JSON lines, and its record beside it.

    A row has question and solution as they are trained on, where it comes from, and its domain. The training set's rows
    come first, in their order.

    Raises:
        UserError: The path does not end in .jsonl, or cannot be written.
    """
    record = record_path(path)
    for one in (path, record):
        check_writable(one)
    lines = [training_set_alone(base)]
    for domain, rows in chosen.rows.items():
        for row in rows:
            example = row.example if base.targets is None else base.targets.target(row)
            answered = "source" if base.targets is None else "untuned model"
            lines.append(_line(example, "pool", row.number, domain, assigned=row.assigned, answered=answered))
    write_atomically(path, "".join(lines))
    mixture = _record(base, chosen, load_training_set(TrainingSetSpec(source=str(path))))
    mixture.write(record)
    return mixture


def training_set_alone(base: Ground) -> str:
    """The training set as JSON lines of the same form, its instruction written into the questions."""
    rows = zip(base.training_set.numbers, base.training_set.examples, strict=True)
    suffix = base.training_set.suffix
    return "".join(_line(Example(row.question + suffix, row.solution), "training set", number) for number, row in rows)


def record_path(path: Path) -> Path:
    """Where the record of a mixture's file is.

    Raises:
        UserError: The file does not end in .jsonl.
    """
    if path.suffix != ENDING:
        raise UserError(f"{path} does not end in {ENDING}", f"Give a name such as mixture{ENDING} with -o")
    return path.with_suffix(".json")


def described(base: Ground, chosen: Chosen) -> tuple[MixtureDomain, ...]:
    """The rows of every protected domain, the largest share first."""
    expected = base.evidence.expected()
    found = [_domain(base, chosen, name, expected.get(name)) for name in base.protected]
    return tuple(sorted(found, key=lambda one: -one.weight))


def _check_budget(
    base: Ground,
    by: str,
    weights: Mapping[str, float],
    budget: int,
    there: Mapping[str, int],
    dropped: Collection[PoolRow],
) -> None:
    rows = sum(there[name] for name, weight in weights.items() if weight > 0)
    if budget <= rows:
        return
    lower = f"Give --budget {rows} or less, or a larger pool" if rows else "Give a pool with rows of these domains"
    what = "domains with a weight" if len(base.protected) == len(base.benchmark.domains) else "protected domains"
    lost = f" after {len(dropped)} answers of the model that cannot be trained on were dropped" if dropped else ""
    raise UserError(
        f"the pool has {rows} usable rows of {what} by {by}{lost}, fewer than the budget of {budget} "
        f"({unusable(base.pool.use)})",
        lower,
    )


def _line(
    example: Example,
    origin: str,
    row: int,
    domain: str | None = None,
    *,
    assigned: bool = False,
    answered: str = "source",
) -> str:
    values = {
        "question": example.question,
        "solution": example.solution,
        "origin": origin,
        "row": row,
        "domain": domain,
        "domain_assigned": assigned,
        "answered_by": answered,
    }
    return json.dumps(values, ensure_ascii=False) + "\n"


def _domain(base: Ground, chosen: Chosen, name: str, expected: ExpectedChange | None) -> MixtureDomain:
    quota, score = chosen.quotas[name], chosen.weights.scores.get(name)
    return MixtureDomain(
        domain=name,
        score=score,
        weight=chosen.weights.of(name),
        share=quota.share,
        rounded=quota.rounded,
        wanted=quota.wanted,
        there=chosen.there[name],
        taken=quota.taken,
        assigned=sum(row.assigned for row in chosen.rows[name]),
        expected=expected,
        why=_why(quota, score, chosen.there[name]),
    )


def _why(quota: Quota, score: float | None, there: int) -> str:
    """Why a domain gets no rows, or other rows than wanted."""
    if score is None:
        return "has no score"
    if not quota.share:
        return "the weight is 0" if score == 0 else "a negative score weighs nothing"
    if quota.taken < quota.wanted:
        return f"the pool has only {counted(there, 'row')}"
    if quota.taken > quota.wanted:
        return f"{quota.taken - quota.wanted} more, which other domains lack"
    return ""


def _record(base: Ground, chosen: Chosen, read_back: TrainingSet) -> Mixture:
    prediction: Prediction = base.evidence.prediction
    distilled = None if base.targets is None else base.targets.record([*chosen.all_rows(), *chosen.dropped])
    return Mixture(
        created=now(),
        prediction_sha256=prediction.sha256(),
        model=prediction.model.id,
        training_set=prediction.training_set,
        pool=base.pool.identity,
        benchmark=prediction.benchmark,
        by=chosen.weights.by,
        meaning=chosen.weights.meaning,
        oracle=chosen.weights.oracle,
        budget=chosen.added,
        unlike_equal=chosen.unlike_equal,
        protected=base.protected,
        seed=base.seed,
        use=base.pool.use,
        self_distillation=distilled,
        domains=described(base, chosen),
        mixture=read_back.identity(),
        notes=(*chosen.weights.notes, *base.pool.notes),
        versions=versions(),
    )
