"""From records to the answer on one table or figure."""

from sts_eval.records.paper_answer import CheckAnswer, Measured, PaperAnswer
from sts_eval.records.record import now
from sts_eval.reproduction.entry import NEEDS, Check, Entry
from sts_eval.reproduction.evidence import Evidence


def answer(entry: Entry, evidence: Evidence) -> PaperAnswer:
    """What the records say of one entry; earlier answers among them stand in where no other record has a figure.

    Raises:
        UserError: Runs cannot be compared.
    """
    return PaperAnswer(
        created=now(),
        id=entry.id,
        source=entry.source,
        title=entry.title,
        claim=entry.claim,
        published=entry.published,
        checks=tuple(
            CheckAnswer(
                name=check.name,
                statement=check.statement,
                unit=check.unit,
                rule=check.rule,
                control=check.control,
                found=check.measure(evidence) or _earlier(entry, check, evidence),
            )
            for check in entry.checks
        ),
        needs=NEEDS[entry.recipe],
        command=f"sts-eval reproduce {entry.id} {_scale(entry)}",
        note=entry.note,
    )


def _scale(entry: Entry) -> str:
    """The smallest scale that has what the entry needs; the lab has one SAE."""
    if entry.recipe in ("saes", "layers"):
        return "--scale real --model MODEL --sft SET --sae SAE --sae OTHER_SAE"
    return "--scale lab"


def _earlier(entry: Entry, check: Check, evidence: Evidence) -> Measured | None:
    """The figure of an earlier answer: the rule of today judges it, not that of then."""
    for earlier in evidence.answers:
        if earlier.id == entry.id:
            for one in earlier.checks:
                if one.name == check.name and one.found is not None:
                    return one.found
    return None
