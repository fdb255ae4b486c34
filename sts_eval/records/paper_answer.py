"""The record of what runs say about one table or figure of the paper."""

from typing import Literal

from pydantic import Field

from sts_eval.records.record import Part, Record, absent, is_empty

Verdict = Literal["confirmed", "not confirmed", "cannot tell"]


class Published(Part):
    """A figure of the paper."""

    what: str
    value: float
    unit: str
    sd: float | None = Field(default=None, exclude_if=absent, description="over the paper's seeds")


class Measured(Part):
    """A figure of ours, larger where the paper's claim holds better."""

    value: float
    low: float | None = Field(default=None, description="of the interval; None where no error is known")
    high: float | None = None
    level: float = 0.95
    basis: str = Field(description="the runs behind it")


class Rule(Part):
    """When an interval confirms a claim, and when it excludes it."""

    least: float = Field(default=0.0, description="what the paper claims, at least")
    beyond: float = Field(default=0.0, description="what the interval must lie above to confirm it")

    def judge(self, found: Measured | None) -> Verdict:
        """Confirmed, not confirmed, or cannot tell, which it is without an interval."""
        if found is None or found.low is None or found.high is None:
            return "cannot tell"
        if found.value >= self.least and found.low > self.beyond:
            return "confirmed"
        return "not confirmed" if found.high < self.least else "cannot tell"

    @property
    def sentence(self) -> str:
        """The rule in words."""
        reached = (
            f"the figure is {self.least:g} or more and its interval" if self.least > self.beyond else "the interval"
        )
        return (
            f"confirmed where {reached} is above {self.beyond:g}, not confirmed where the interval is below "
            f"{self.least:g}"
        )


class CheckAnswer(Part):
    """One statement that an interval decides."""

    name: str
    statement: str
    unit: str
    rule: Rule
    control: bool = Field(
        default=False,
        exclude_if=is_empty,
        description="a comparison that the paper does not make",
    )
    found: Measured | None = Field(description="None where no record has it")

    @property
    def verdict(self) -> Verdict:
        """What the rule says of what was found."""
        return self.rule.judge(self.found)


class PaperAnswer(Record):
    """One table or figure of the paper beside what was measured."""

    schema_version: Literal[1] = 1
    created: str = Field(description="UTC, ISO 8601")
    id: str
    source: str = Field(description="where it stands in the paper")
    title: str
    claim: str
    published: tuple[Published, ...]
    checks: tuple[CheckAnswer, ...]
    needs: str = Field(description="the records that answer it")
    command: str = Field(description="what makes them at the smallest scale")
    note: str = Field(default="", exclude_if=is_empty)

    @property
    def verdict(self) -> Verdict:
        """Of the paper's own statements: confirmed where all are, not confirmed where one is not."""
        found = {one.verdict for one in self.checks if not one.control}
        if "not confirmed" in found:
            return "not confirmed"
        return "confirmed" if found == {"confirmed"} else "cannot tell"

    @property
    def answered(self) -> int:
        """Checks that a record has a figure for."""
        return sum(one.found is not None for one in self.checks)
