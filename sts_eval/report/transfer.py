"""A transfer record for people: the change of every domain, and its form."""

from __future__ import annotations

from rich.markup import escape
from rich.table import Table

from sts_eval.records.transfer import Transfer


def transfer_table(transfer: Transfer) -> Table:
    """Domains by falling change: accuracy before and after, Δ ± SE, and unreadable answers."""
    table = Table(title=f"{transfer.model_before} → {transfer.model_after}", title_justify="left")
    for header in ("domain", "n", "before", "after", "Δ points ± SE", "McNemar p", "unparsed before → after"):
        table.add_column(header, justify="left" if header == "domain" else "right", no_wrap=True)
    for change in sorted(transfer.domains, key=lambda change: -change.delta):
        table.add_row(
            escape(change.domain),
            str(change.n),
            f"{change.accuracy_before:.1%}",
            f"{change.accuracy_after:.1%}",
            f"{change.delta:+.1f} ± {change.se:.1f}",
            f"{change.p_mcnemar:.2g}",
            f"{change.form_before.unparsed:.0%} → {change.form_after.unparsed:.0%}",
        )
    return table
