"""What models, SAEs, training sets and predictors of a store are, and where else they are described."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import pandas as pd

from sts_eval.store.board import Board
from sts_leaderboard.escaping import markdown, neuronpedia_source, plain
from sts_leaderboard.url_state import TAB

KINDS = {"model": "model", "sae": "SAE", "training_set": "training set", "predictor": "predictor"}
"""Kinds of items, and what the page calls them."""

HUB = "https://huggingface.co/"
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)


def items(board: Board) -> list[str]:
    """Every predictor, model, SAE and training set, as `kind: name`; predictors come first."""
    runs = board.runs
    saes = sae_names(runs)
    found = {
        "predictor": board.predictors.index,
        "model": runs["model"],
        "sae": saes[saes != ""],
        "training_set": runs["training_set"],
    }
    return [item(kind, name) for kind, names in found.items() for name in sorted(set(map(str, names)))]


def item(kind: str, name: str) -> str:
    """How an item is called in controls and addresses."""
    return f"{KINDS[kind]}: {name}"


def kind_and_name(item: str) -> tuple[str, str]:
    """The kind and the name of an item; two empty texts where it is none."""
    said, _, name = item.partition(": ")
    return next(((kind, name) for kind, called in KINDS.items() if called == said and name), ("", ""))


def sae_names(runs: pd.DataFrame) -> pd.Series:
    """Release and id of each run's SAE; empty where it is not published."""
    names = runs["sae_release"].astype(object).fillna("") + " " + runs["sae_id"].astype(object).fillna("")
    return names.where(runs["sae_release"].notna() & runs["sae_id"].notna(), "")


def runs_of(runs: pd.DataFrame, kind: str, name: str) -> pd.DataFrame:
    """The runs of an item; all of them for a predictor."""
    if kind == "predictor":
        return runs
    return runs[(sae_names(runs) if kind == "sae" else runs[kind]) == name]


def profile_link(kind: str, name: str) -> str:
    """A Markdown link to an item's page."""
    address = "?" + urlencode({TAB: "profile", "item": item(kind, name)})
    return f"[{KINDS[kind]} {markdown(name)}]({address})"


def facts(board: Board, runs: pd.DataFrame, kind: str, name: str) -> dict[str, object]:
    """What an item is, as its runs say; where these differ, the newest."""
    if kind == "predictor":
        known = board.predictors.loc[name]
        flags = ", ".join(map(str, known["flags"])) or "none"
        return {"what it is": known["summary"], "group": known["group"], "flags": flags, "runs with it": known["runs"]}
    row: Mapping[Any, Any] = runs.iloc[-1].to_dict()
    rows, size = row["training_rows"], row["parameters"]
    told: dict[str, dict[str, object]] = {
        "model": {
            "id": row["model_id"],
            "commit": row["model_revision"],
            "family": row["family"],
            "parameters": "" if pd.isna(size) else f"{size:,}",
            "kind": "the lab's: no real model" if row["lab"] else "",
        },
        "sae": {
            "architecture": row["sae_architecture"],
            "features": "" if pd.isna(row["d_sae"]) else f"{row['d_sae']:,}",
            "where it reads": row["hook_name"],
        },
        "training_set": {
            "id": row["training_set_id"],
            "commit": row["training_set_revision"],
            "rows": "" if pd.isna(rows) else f"{rows:,}",
        },
    }
    return {what: value for what, value in told[kind].items() if plain(value)}


def links(runs: pd.DataFrame, kind: str) -> str:
    """Where else an item is described, as Markdown: addresses are made of ids that a hub's commit stands behind."""
    if kind == "predictor":
        return ""
    row = runs.iloc[-1]
    found = []
    if kind == "model" and (address := hub_address(row["model_id"], row["model_revision"])):
        found.append(f"[on the hub]({address})")
    if kind == "training_set" and (
        address := hub_address(row["training_set_id"], row["training_set_revision"], "datasets/")
    ):
        found.append(f"[on the hub]({address})")
    if kind == "sae" and (address := neuronpedia_source(row["neuronpedia_id"])):
        found.append(f"[on Neuronpedia]({address})")
    return " · ".join(found)


def hub_address(identity: object, revision: object, folder: str = "") -> str | None:
    """The page of a repository; None where no commit is given, or the id is none of a hub."""
    known = isinstance(identity, str) and isinstance(revision, str) and ".." not in identity
    return f"{HUB}{folder}{identity}" if known and _HUB_ID.fullmatch(str(identity)) else None
