"""What `mix` and `compare_arms` return: the record, its tables, and a summary in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sts_eval.api.results import Result
from sts_eval.records.arm_comparison import ArmComparison, Estimate
from sts_eval.records.mixture import Arms, Mixture

if TYPE_CHECKING:
    import pandas as pd


class MixtureResult(Result[Mixture]):
    """Rows that are added to a training set, by domain; `arms` where an experiment was written that checks them."""

    def __init__(self, record: Mixture, arms: Arms | None = None) -> None:
        super().__init__(record)
        self.arms = arms

    def heading(self) -> str:
        """What is added to what, and by which weights."""
        from sts_eval.reporting.mixture import mixture_title

        return mixture_title(self.record)

    def to_frame(self) -> pd.DataFrame:
        """One row per domain, the largest share first: score, weight, share, counts of rows, why.

        `rounded` is the paper's count, `wanted` the largest-remainder count, `there` what the pool has, `taken` what is
        added.
        """
        import pandas as pd

        return pd.DataFrame([one.model_dump(exclude={"expected"}) for one in self.record.domains])

    def overview(self) -> pd.DataFrame:
        """Domains by falling share: score, share, and how many rows are there and taken."""
        return self.to_frame()[["domain", "score", "share", "there", "taken", "why"]]


class ArmComparisonResult(Result[ArmComparison]):
    """What each way of adding rows did to every domain, and whether one is better than equal shares."""

    def heading(self) -> str:
        """What follows from the comparison."""
        return "\n".join([f"{len(self.record.results)} arms compared", *self.record.conclusions])

    def to_frame(self) -> pd.DataFrame:
        """One row per arm and domain: the change, and how far it differs from that with equal shares.

        Changes are in points, or in nats by `logprob`; each with its standard error and the ends of its 95% interval.
        """
        import pandas as pd

        return pd.DataFrame(
            [
                {"arm": arm.name, "domain": one.domain, "n": one.n}
                | _estimated("change", one.change)
                | _estimated("from_equal", one.from_equal)
                for arm in self.record.results
                for one in arm.domains
            ]
        )

    def overview(self) -> pd.DataFrame:
        """One row per arm: rows added, mean change of the protected domains, worst domain, target, cost of protection.

        `from_equal` is the difference of that mean from equal shares; its interval is corrected for the number of arms.
        """
        import pandas as pd

        return pd.DataFrame(
            [
                {"arm": arm.name, "added": arm.added, "mean": arm.mean.value, "standard_error": arm.mean.se}
                | _estimated("from_equal", arm.from_equal)
                | {
                    "worst": arm.worst,
                    "target": arm.target.value if arm.target else None,
                    "cost": arm.cost.value if arm.cost else None,
                }
                for arm in self.record.results
            ]
        )


def _estimated(name: str, found: Estimate | None) -> dict[str, float | None]:
    """Columns of an estimate: value, standard error, ends of its interval."""
    ends = {"": "value", "_se": "se", "_low": "low", "_high": "high"}
    return {name + column: getattr(found, field, None) for column, field in ends.items()}
