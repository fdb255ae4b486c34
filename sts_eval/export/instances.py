"""Single answers as lines of Every Eval Ever's instance-level schema.

A run keeps which questions were asked and how each was answered, not the texts. The schema wants texts; they are empty
here, and each line says so. `sample_id` is the benchmark's own id, by which the question can be looked up.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from sts_eval.export.accuracy import State
from sts_eval.records.answers import RIGHT, UNPARSED, Replies
from sts_eval.records.transfer import Transfer

_VERDICTS = {RIGHT: "right", UNPARSED: "unparsed"}


def instance_lines(
    transfer: Transfer,
    state: State,
    schema_version: str,
    evaluation_id: str,
    model_id: str,
    result_name: Callable[[str], str],
) -> list[bytes]:
    """One line per question of each domain, and for tuned models per seed.

    The mean of a domain's scores is the score of its result in the record.

    Args:
        transfer: The record with the answers.
        state: Which side of it.
        schema_version: Of the schema.
        evaluation_id: Of the record that these lines belong to.
        model_id: Likewise.
        result_name: Name of the result of a domain in that record.
    """
    lines = []
    for table in transfer.answers:
        name = result_name(table.domain) if table.question_ids else ""
        sides: list[tuple[int | None, Replies]] = (
            [(None, table.before)] if state == "before" else list(zip(transfer.seeds, table.after, strict=True))
        )
        for seed, replies in sides:
            for place, question in enumerate(table.question_ids):
                row = {
                    "schema_version": schema_version,
                    "evaluation_id": evaluation_id,
                    "model_id": model_id,
                    "evaluation_name": name,
                    "evaluation_result_id": name,
                    "sample_id": question,
                    "interaction_type": "single_turn",
                    "input": {"raw": "", "reference": []},
                    "output": {"raw": []},
                    "answer_attribution": [],
                    "evaluation": _evaluation(replies, place),
                    "metadata": {"domain": table.domain, **_metadata(transfer, replies, place, seed)},
                }
                # Escaped throughout: some readers take U+2028 and U+0085 for the end of a line.
                lines.append(json.dumps(row, allow_nan=False).encode() + b"\n")
    return lines


def _evaluation(replies: Replies, place: int) -> dict[str, Any]:
    right = replies.verdicts[place] == RIGHT
    return {"score": float(right), "is_correct": right}


def _metadata(transfer: Transfer, replies: Replies, place: int, seed: int | None) -> dict[str, str]:
    known = {"texts": "not recorded", "verdict": _VERDICTS.get(replies.verdicts[place], "wrong")}
    if seed is not None:
        known["tuning_seed"] = str(seed)
    if replies.logprob is not None:
        known["logprob_of_right_option"] = repr(replies.logprob[place])
    if replies.lengths is not None:
        known["answer_length"] = str(replies.lengths[place])
        known["answer_length_unit"] = transfer.length_unit
    if replies.truncated is not None:
        known["truncated"] = "true" if replies.truncated[place] == "1" else "false"
    return known
