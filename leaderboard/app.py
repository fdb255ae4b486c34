"""The Space: serves the store that STORE names, or the one that the page comes with."""

import os

from sts_eval.store.store import Store
from sts_leaderboard.app import launch, seeded_store

if __name__ == "__main__":
    url = os.environ.get("STORE")
    launch(Store(url) if url else seeded_store(), allow_writes=os.environ.get("ALLOW_WRITES") == "1")
