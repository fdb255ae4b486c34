"""Write the tables of settings into experiments.md, harness.md and ablation.md, from `sts_eval.experiment`.

Run it after a setting has changed: `python docs/settings_tables.py`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from sts_eval.experiment import AblationPlan, Experiment, Run, Spec
from sts_eval.experiment_file import as_yaml
from sts_eval.harness.plan import metadata_keys
from sts_eval.settings import Setting, settings_of

DOCS = Path(__file__).parent


def main() -> None:
    """Write all tables."""
    tables = {"experiments.md": experiment_table(), "harness.md": metadata_table(), "ablation.md": ablation_table()}
    for name, table in tables.items():
        document = DOCS / name
        document.write_text(filled(document.read_text(encoding="utf-8"), table), encoding="utf-8")


def experiment_table() -> str:
    """A row for each setting of an experiment file."""
    options = {(one.part, one.field): f"`{one.option}`" for one in settings_of(Experiment)}
    rows = [
        (f"`{one.part}.{one.field}`", options.get((one.part, one.field), ""), default(one), one.sentence)
        for setting in settings_of(Run)
        for one in (setting, *dials(setting))
    ]
    return markdown(("key in the file", "`sts-eval predict`", "default", "meaning"), rows)


def dials(setting: Setting) -> list[Setting]:
    """The settings inside one that has some of its own."""
    kinds = [one for one in get_args(setting.info.annotation) if isinstance(one, type) and issubclass(one, Spec)]
    place = f"{setting.part}.{setting.field}"
    return [Setting(place, name, name, (), info) for kind in kinds for name, info in kind.model_fields.items()]


def ablation_table() -> str:
    """A row for each option of `sts-eval ablate` that is a setting."""
    rows = [(f"`{one.option}`", default(one), one.sentence) for one in settings_of(AblationPlan)]
    return markdown(("option", "default", "meaning"), rows)


def metadata_table() -> str:
    """A row for each key of lm-eval's `--metadata`."""
    rows = [
        (" or ".join(f"`{name}`" for name in (one.name, *one.older)), default(one), one.sentence)
        for one in metadata_keys()
    ]
    return markdown(("key", "default", "meaning"), rows)


def default(setting: Setting) -> str:
    """The default as YAML; nothing where the meaning says what happens by default."""
    if setting.info.is_required():
        return "(required)"
    return "" if setting.info.default in (None, ()) else f"`{as_yaml(setting.info.default)}`"


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def filled(text: str, table: str) -> str:
    """A document with its table of settings renewed."""
    marks = r"(<!-- generated: settings -->\n).*?(<!-- end -->)"
    return re.sub(marks, lambda found: f"{found[1]}{table}\n{found[2]}", text, flags=re.DOTALL)


if __name__ == "__main__":
    main()
