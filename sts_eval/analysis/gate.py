"""From a transfer to a gate: which domains fell by more than a margin, as far as the questions can show it."""

from statsmodels.stats.multitest import multipletests

from sts_eval.errors import UserError
from sts_eval.records.gate import Gate, GatedDomain, Verdict
from sts_eval.records.transfer import DomainChange, Transfer
from sts_eval.statistics.margin import Side, p_fell
from sts_eval.statistics.paired import POINTS


def gate(transfer: Transfer, *, max_drop: float, level: float = 0.95, strict: bool = False) -> Gate:
    """Judge every domain against the largest drop that is allowed, in points.

    A domain fell if every seed shows it, at the level over all domains together (Holm 1979). It held if every seed
    rules a fall by `max_drop` out, at the level for each domain: a claim about all domains needs no correction where
    each has to pass. The gate passes if no domain fell; a strict one, if all held.

    Raises:
        UserError: The margin or the level makes no sense.
    """
    if not 0 <= max_drop < POINTS or not 0 < level < 1:
        raise UserError(
            f"a drop of {max_drop:g} points at a level of {level:g} cannot be tested",
            "Give --max-drop from 0 to below 100 and --level between 0 and 1",
        )
    if strict and max_drop == 0:
        raise UserError("no test can show that nothing fell at all", "Give --strict a --max-drop above 0")
    margin, alpha = max_drop / POINTS, 1 - level
    raw = [_every_seed(domain, margin, "more") for domain in transfer.domains]
    adjusted = multipletests(raw, alpha=alpha, method="holm")[1]
    judged = tuple(
        _judged(domain, float(p), margin, alpha) for domain, p in zip(transfer.domains, adjusted, strict=True)
    )
    allowed = {"held"} if strict else {"held", "unclear"}
    return Gate(
        transfer_sha256=transfer.sha256(),
        max_drop=max_drop,
        level=level,
        strict=strict,
        passed=all(one.verdict in allowed for one in judged),
        domains=tuple(sorted(judged, key=lambda one: one.delta)),
    )


def _every_seed(domain: DomainChange, margin: float, side: Side) -> float:
    """The largest p over seeds: each of them shows it at least as clearly."""
    return max(p_fell(one.lost, one.gained, domain.n, margin, side=side) for one in domain.by_seed)


def _judged(domain: DomainChange, fell: float, margin: float, alpha: float) -> GatedDomain:
    held = _every_seed(domain, margin, "less")
    verdict: Verdict = "fell" if fell < alpha else "held" if held < alpha else "unclear"
    return GatedDomain(
        domain=domain.domain,
        n=domain.n,
        delta=domain.delta,
        se=domain.se,
        p_fell=fell,
        p_held=held,
        verdict=verdict,
    )
