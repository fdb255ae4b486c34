"""A mixture as a training set on disk, and the record that says which rows it holds and why."""

import json
from collections.abc import Sequence
from pathlib import Path

from sts_eval.analysis.wording import counted
from sts_eval.data.example import Example
from sts_eval.data.training_set import TrainingSet, load_training_set
from sts_eval.errors import UserError
from sts_eval.experiment import TrainingSetSpec
from sts_eval.mixture.allocation import Quota
from sts_eval.mixture.choose import Chosen, Sources
from sts_eval.records.mixture import Mixture, MixtureDomain
from sts_eval.records.output import check_output
from sts_eval.records.record import check_writable, now, write_atomically
from sts_eval.records.versions import versions

ENDING = ".jsonl"


def written(sources: Sources, chosen: Chosen, path: Path) -> Mixture:
    """Write a mixture as JSON lines, and its record beside it.

    A row has question and solution as they are trained on, where it comes from, and its domain. The training set's rows
    come first, in their order.

    Raises:
        UserError: The path does not end in .jsonl, or cannot be written.
    """
    record = record_path(path)
    check_writable(path)
    lines = [training_set_alone(sources)]
    for domain, rows in chosen.rows.items():
        for row in rows:
            example = row.example if sources.targets is None else sources.targets.target(row)
            answered = "source" if sources.targets is None else "untuned model"
            lines.append(_line(example, "pool", row.number, domain, assigned=row.assigned, answered=answered))
    write_atomically(path, "".join(lines))
    mixture = recorded(sources, chosen, load_training_set(TrainingSetSpec(source=str(path))))
    mixture.write(record)
    return mixture


def training_set_alone(sources: Sources) -> str:
    """The training set as JSON lines of the same form, its instruction written into the questions."""
    rows = zip(sources.training_set.numbers, sources.training_set.examples, strict=True)
    suffix = sources.training_set.suffix
    return "".join(_line(Example(row.question + suffix, row.solution), "training set", number) for number, row in rows)


def check_mixture(path: Path, read: Sequence[object]) -> None:
    """Find out before any row is chosen whether a mixture can be written, and that it replaces an earlier one at most.

    Raises:
        UserError: The path does not end in .jsonl or cannot be written, or it or its record is one of those in `read`,
            or is there already and is no mixture.
    """
    record = record_path(path)
    there = record.is_file()
    check_output(record, read, kind=Mixture)
    check_output(path, read, force=True)
    if path.is_file() and not there:
        raise UserError(f"{path} is there already, without the record of a mixture", "Give another name with -o")


def record_path(path: Path) -> Path:
    """Where the record of a mixture's file is.

    Raises:
        UserError: The file does not end in .jsonl.
    """
    if path.suffix != ENDING:
        raise UserError(f"{path} does not end in {ENDING}", f"Give a name such as mixture{ENDING} with -o")
    return path.with_suffix(".json")


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


def _domain(sources: Sources, chosen: Chosen, name: str) -> MixtureDomain:
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
        expected=sources.expected.get(name),
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


def recorded(sources: Sources, chosen: Chosen, read_back: TrainingSet | None = None) -> Mixture:
    """The record of a mixture. `read_back` is the training set with the added rows, where it was written."""
    prediction = sources.evidence.prediction
    domains = [_domain(sources, chosen, name) for name in sources.protected]
    distilled = None if sources.targets is None else sources.targets.record([*chosen.all_rows(), *chosen.dropped])
    return Mixture(
        created=now(),
        prediction_sha256=prediction.sha256(),
        model=prediction.model.id,
        training_set=prediction.training_set,
        pool=sources.pool.identity,
        benchmark=prediction.benchmark,
        by=chosen.weights.by,
        meaning=chosen.weights.meaning,
        oracle=chosen.weights.oracle,
        budget=chosen.added,
        unlike_equal=chosen.unlike_equal,
        protected=sources.protected,
        seed=sources.seed,
        use=sources.pool.use,
        self_distillation=distilled,
        domains=tuple(sorted(domains, key=lambda one: -one.weight)),
        mixture=None if read_back is None else read_back.identity(),
        notes=(*chosen.weights.notes, *sources.pool.notes),
        versions=versions(),
    )
