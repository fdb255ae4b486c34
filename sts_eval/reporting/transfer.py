"""A transfer record on the terminal: the change of every domain, and the form of the answers."""

from rich.table import Table

from sts_eval.records.transfer import Transfer
from sts_eval.reporting.terminal import text_table


def transfer_table(transfer: Transfer) -> Table:
    """Domains by falling change: accuracy before and after, Δ ± SE, and unreadable answers."""
    rows = [
        [
            change.domain,
            str(change.n),
            f"{change.accuracy_before:.1%}",
            f"{change.accuracy_after:.1%}",
            f"{change.delta:+.1f} ± {change.se:.1f}",
            f"{change.p_mcnemar:.2g}",
            f"{change.form_before.unparsed:.0%} → {change.form_after.unparsed:.0%}",
        ]
        for change in sorted(transfer.domains, key=lambda change: -change.delta)
    ]
    header = ("domain", "n", "before", "after", "Δ points ± SE", "McNemar p", "unparsed before → after")
    return text_table(f"{transfer.model_before} → {transfer.model_after}", header, rows, left=("domain",))
