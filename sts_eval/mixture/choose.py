"""From a prediction and a pool to the rows that are added to a training set."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sts_eval.data.benchmark import Benchmark, load_benchmark
from sts_eval.data.sampling import shuffled
from sts_eval.data.training_set import TrainingSet, load_training_set
from sts_eval.errors import UserError
from sts_eval.experiment import TrainingSetSpec
from sts_eval.mixture.allocation import Quota, allocate
from sts_eval.mixture.own_targets import OwnTargets
from sts_eval.mixture.pool import Pool, PoolRow, read_pool
from sts_eval.mixture.weights import EQUAL, Evidence, Weights
from sts_eval.records.calibration import ExpectedChange


@dataclass(frozen=True)
class Sources:
    """What mixtures are made from.

    Attributes:
        evidence: What weights are made from.
        training_set: The prediction's.
        benchmark: The prediction's.
        pool: The rows that may be added.
        protected: Domains that rows may be added for.
        expected: Expected change in points by domain; empty without a calibration.
        seed: Draws the rows of a domain.
        targets: The untuned model's answers; None where the pool's own solutions are the targets.
    """

    evidence: Evidence
    training_set: TrainingSet
    benchmark: Benchmark
    pool: Pool
    protected: tuple[str, ...]
    expected: Mapping[str, ExpectedChange]
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


def read_sources(
    evidence: Evidence,
    pool: TrainingSetSpec,
    *,
    column: str | None = None,
    protect: Sequence[str] = (),
    seed: int = 0,
    targets: OwnTargets | None = None,
) -> Sources:
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
    expected, found = evidence.expected(), read_pool(pool, benchmark, training_set, column=column)
    return Sources(evidence, training_set, benchmark, found, tuple(protect) or tuple(names), expected, seed, targets)


def choose(sources: Sources, by: str, budget: int) -> Chosen:
    """Choose the rows of a mixture.

    Raises:
        UserError: The budget is 0 or above the usable rows, all weights are 0, there are no such weights, or hardly any
            answer of the model can be trained on.
    """
    if budget < 1:
        raise UserError(f"a budget of {budget} rows adds nothing", "Give --budget 1 or more")
    weights = sources.evidence.weights(by)
    by_domain = {name: weights.of(name) for name in sources.protected}
    if not any(by_domain.values()):
        told = (
            ", ".join(sources.protected) if len(sources.protected) < len(sources.benchmark.domains) else "every domain"
        )
        raise UserError(f"the weight by {by} is 0 in {told}", f"Weigh by something else, for instance --by {EQUAL}")
    rows, dropped = sources.there(), list[PoolRow]()
    while True:
        there = {name: len(own) for name, own in rows.items()}
        _check_budget(sources, by, by_domain, budget, there, dropped)
        quotas = allocate(by_domain, budget, there)
        taken = {name: rows[name][: quota.taken] for name, quota in quotas.items()}
        if sources.targets is None:
            return Chosen(weights, quotas, taken, there, dropped)
        ahead = Counter(row.domain for row in dropped)  # as many rows more as were lost, so that rounds are few
        asked = [row for name, own in taken.items() for row in rows[name][: len(own) + ahead[name]]]
        sources.targets.ask(asked)
        lost = [row for row in asked if not sources.targets.usable(row)]
        if not lost:
            return Chosen(weights, quotas, taken, there, dropped)
        dropped += lost
        sources.targets.check()
        numbers = {row.number for row in dropped}
        rows = {name: [row for row in own if row.number not in numbers] for name, own in rows.items()}


def _check_budget(
    sources: Sources,
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
    what = "domains with a weight" if len(sources.protected) == len(sources.benchmark.domains) else "protected domains"
    lost = f" after {len(dropped)} answers of the model that cannot be trained on were dropped" if dropped else ""
    left_out = f" (of {sources.pool.use.rows} rows {sources.pool.use.left_out})" if sources.pool.use.left_out else ""
    raise UserError(
        f"the pool has {rows} usable rows of {what} by {by}{lost}, fewer than the budget of {budget}{left_out}",
        lower,
    )
