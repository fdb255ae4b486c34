"""Tuned weights on the Hugging Face hub: one folder per seed in one repository."""

from pathlib import Path

from sts_eval.errors import UserError
from sts_eval.records.run_folder import TUNING_RECORD, SeedFolder
from sts_eval.records.tuning import Tuning


def push_to_hub(tuning: Tuning, folder: Path, repo_id: str, *, private: bool = True) -> str:
    """Upload the weights of every seed, with the model card that peft wrote and the record of the tuning.

    `folder` is the one that `finetune` was given. The repository OWNER/NAME is made if it does not exist.

    Returns:
        The repository's address.

    Raises:
        UserError: The base model is a local folder, which nobody else could load, or the hub refuses.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    if Path(tuning.model.id).expanduser().exists():
        raise UserError(
            f"the model {tuning.model.id} is a local folder, so nobody could load its adapter from the hub",
            "Push the model first, and tune it by its hub id",
        )
    hub = HfApi()
    try:
        address = hub.create_repo(repo_id, private=private, exist_ok=True)
        for run in tuning.runs:
            weights = SeedFolder(folder / run.folder).weights
            hub.upload_folder(repo_id=repo_id, folder_path=weights, path_in_repo=f"seed-{run.seed}")
        hub.upload_file(repo_id=repo_id, path_or_fileobj=tuning.canonical().encode(), path_in_repo=TUNING_RECORD)
    except HfHubHTTPError as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"the hub refuses to store {repo_id} ({reason})", "Log in with `hf auth login`") from error
    return str(address)
