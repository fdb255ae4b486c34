"""What would be uploaded, told by a stand-in for the hub."""

import httpx
import huggingface_hub
import pytest
from huggingface_hub.errors import HfHubHTTPError

from sts_eval.errors import UserError
from sts_eval.experiment import ModelSpec
from sts_eval.tuning.push import push_to_hub


class Hub:
    """Keeps what it is given."""

    def __init__(self):
        self.given = {}

    def create_repo(self, repo_id, *, private, exist_ok):
        self.given["private"] = private
        return f"https://huggingface.co/{repo_id}"

    def upload_folder(self, *, repo_id, folder_path, path_in_repo):
        self.given[path_in_repo] = {path.name for path in folder_path.iterdir()}

    def upload_file(self, *, repo_id, path_or_fileobj, path_in_repo):
        self.given[path_in_repo] = path_or_fileobj


@pytest.fixture
def hub(monkeypatch):
    hub = Hub()
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: hub)
    return hub


@pytest.fixture
def public(tuned):
    """The record, as if the model were on the hub."""
    record, folder = tuned
    return record.model_copy(update={"model": ModelSpec(id="owner/model")}), folder


def test_every_seed_and_the_record(hub, public):
    assert push_to_hub(*public, "me/adapters") == "https://huggingface.co/me/adapters"
    assert {"adapter_model.safetensors", "README.md"} <= hub.given["seed-0"] & hub.given["seed-1"]
    assert hub.given["tuning.json"] == public[0].canonical().encode()
    assert hub.given["private"] is True


def test_a_local_model_stays_here(hub, tuned):
    with pytest.raises(UserError, match="is a local folder"):
        push_to_hub(*tuned, "me/adapters")
    assert hub.given == {}


def test_the_hub_refuses(hub, public, monkeypatch):
    def refuse(*_, **__):
        answer = httpx.Response(401, request=httpx.Request("POST", "https://huggingface.co"))
        raise HfHubHTTPError("401 Unauthorized", response=answer)

    monkeypatch.setattr(hub, "create_repo", refuse)
    with pytest.raises(UserError, match="the hub refuses to store me/adapters"):
        push_to_hub(*public, "me/adapters")
