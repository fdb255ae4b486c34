"""What is sent to a leaderboard: one run in short, who ran it and with what, and the evidence if it is attached.

Whatever is shown as a name is held to a pattern: it starts with a letter or digit and has no markup, quotes, braces,
backslash or double dot in it, so it can be neither a path, nor markup, nor a template, nor a spreadsheet's formula.
Free text (`hardware`, `command`, a predictor's summary) may be anything that fits on one line, and every string of the
attached records may be anything at all: views escape them.

There is no correlation in a submission: correlations are made from its figures by whoever shows them.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from sts_eval.records.outcome import Outcome
from sts_eval.records.prediction import Prediction
from sts_eval.records.record import Part, Record, absent
from sts_eval.records.transfer import Transfer

Origin = Literal["measured", "imported", "published"]
"""`measured`: by this tool, prediction first. `imported`: before and after were evaluated elsewhere. `published`:
figures of a paper. The three never rank together."""

_SEGMENT = r"[A-Za-z0-9_][A-Za-z0-9_+:-]*(\.[A-Za-z0-9_+:-]+)*"
NAME = rf"^{_SEGMENT}(/{_SEGMENT})*$"  # an id as hubs write it
LABEL = r"^\w[\w .,()&+-]*$"  # a name that people gave, in letters of any script
LINE = r"^[^\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]*$"
"""Free text: no control characters and none that turn the reading direction."""

SHA256 = r"^[0-9a-f]{64}$"
OWNER = r"^([0-9a-f]{64}|account:[A-Za-z0-9_][A-Za-z0-9_.-]{0,95})$"
"""Who owns a record: the SHA-256 of a secret that only they have, or the account that they signed in to a board with.
"""

HTTPS = r"^https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~:/?#@!$&()*+,;=%-]*)?$"

ALLOWED: Mapping[str, str] = {
    NAME: "letters, digits, _ + : - and single dots, in segments parted by slashes",
    LABEL: "letters, digits, spaces and . , ( ) & + -, a letter or digit first",
    LINE: "one line without control characters",
    HTTPS: "an https address without quotes, brackets, braces or a user's name",
    OWNER: "the 64 digits that `sts-eval store key` prints, or account:NAME",
}
"""What each pattern allows, for messages."""

Name = Annotated[str, Field(pattern=NAME, max_length=128)]
Label = Annotated[str, Field(pattern=LABEL, max_length=96)]
Line = Annotated[str, Field(pattern=LINE, max_length=1000)]
Address = Annotated[str, Field(pattern=HTTPS, max_length=500)]


class ModelDescription(Part):
    """The untuned model, as people look for it."""

    id: Name = Field(description="hub id, or the name of a model that is nowhere published")
    revision: Name | None = Field(description="hub commit")
    family: Label | None = Field(description="Llama, Qwen, Gemma, ...")
    parameters: int | None = Field(ge=0, description="how many; nominal where they were read off the name")


class SAEDescription(Part):
    """The SAE, as people look for it."""

    release: Name | None
    id: Name | None
    architecture: Label | None
    d_sae: int | None = Field(ge=1)
    layer: int | None = Field(ge=0)
    hook_name: Name | None
    neuronpedia_id: Name | None


class SetDescription(Part):
    """The training set."""

    id: Name = Field(description="hub id, or a name")
    revision: Name | None = Field(description="hub commit")
    rows: int | None = Field(ge=1)


class Provenance(Part):
    """With what it was made."""

    versions: dict[Name, Name] = Field(max_length=64, description="package: version")
    hardware: Line | None
    command: Line | None = Field(description="what reproduces the run")
    url: Address | None = Field(description="where it is described, https only")


class Submission(Record):
    """A run for the leaderboard. Its name is the hash of its content; it never changes."""

    schema_version: Literal[2] = Field(description="of this form")
    origin: Origin = Field(description="measured by this tool, imported from elsewhere, or a paper's figures")
    submitter: Label = Field(description="who answers for it")
    created: str = Field(max_length=40, description="UTC, ISO 8601")
    model: ModelDescription
    sae: SAEDescription | None = Field(description="None where no SAE was involved")
    training_set: SetDescription
    benchmark: Name = Field(description="what was asked: mmlu_pro, lab_mmlupro, ...")
    provenance: Provenance
    outcome: Outcome
    owner: str | None = Field(
        default=None,
        pattern=OWNER,
        exclude_if=absent,
        description="SHA-256 of the secret of who owns it; the store asks for the secret",
    )
    prediction: Prediction | None = Field(description="the record, attached as evidence")
    transfer: Transfer | None = Field(description="the record with its answers, from which changes are recomputed")
