"""Whether a maintainer's run agrees with a submission.

For every domain z = (Δ_theirs − Δ_ours)/√(SE² + SE²). The runs agree if

- each domain has |z| ≤ 2.5: one such excess among 14 domains comes by chance in 16 of 100 comparisons, and
- together they differ no more than chance: Σ z² is below the 99% point of χ² with a degree of freedom per domain.

Where both errors are 0 the changes must be equal. The errors are treated as independent. Runs on the same questions
share their luck, so true agreement is closer than this asks for.
"""

import math
from dataclasses import dataclass

from scipy import stats

from sts_eval.records.submission import Submission

FARTHEST = 2.5  # joint standard errors by which a domain may differ
LEVEL = 0.99
_EQUAL = 1e-9


@dataclass(frozen=True)
class RerunAgreement:
    """How two runs of one thing compare."""

    z: dict[str, float]  # by domain: difference of the changes over their joint standard error
    p: float | None  # probability of a Σ z² this large by chance
    obstacles: tuple[str, ...]  # why they do not agree, in clauses; none if they do

    @property
    def agrees(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.obstacles


def compare_runs(submission: Submission, rerun: Submission) -> RerunAgreement:
    """Hold a maintainer's rerun against the submission that it repeats; both must have the same domains."""
    obstacles = [
        f"they are of different {what}"
        for what, one, other in (
            ("models", submission.model.id, rerun.model.id),
            ("model revisions", submission.model.revision, rerun.model.revision),
            ("SAEs", submission.sae, rerun.sae),
            ("training sets", submission.training_set.id, rerun.training_set.id),
            ("benchmarks", submission.benchmark, rerun.benchmark),
        )
        if one != other
    ]
    if submission.outcome.transfer_sha256 == rerun.outcome.transfer_sha256:
        obstacles.append("they are of the same tuning, not of two")
    ours = {domain.domain: domain.accuracy for domain in rerun.outcome.domains}
    theirs = {domain.domain: domain.accuracy for domain in submission.outcome.domains}
    if ours.keys() != theirs.keys():
        obstacles.append("they have different domains")
    z: dict[str, float] = {}
    for name in sorted(theirs.keys() & ours.keys()):
        difference = theirs[name].delta - ours[name].delta
        error = math.hypot(theirs[name].se, ours[name].se)
        if error:
            z[name] = difference / error
        else:
            z[name] = 0.0 if abs(difference) <= _EQUAL else math.copysign(math.inf, difference)
    far = [name for name, value in z.items() if abs(value) > FARTHEST]
    if far:
        obstacles.append(f"{', '.join(far)} differ by more than {FARTHEST} joint standard errors")
    p = float(stats.chi2.sf(sum(value**2 for value in z.values()), len(z))) if z else None
    if p is not None and p < 1 - LEVEL:
        obstacles.append(f"all domains together differ more than chance explains (p = {p:.2g})")
    return RerunAgreement(z, p, tuple(obstacles))
