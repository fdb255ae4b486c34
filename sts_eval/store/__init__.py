"""The store behind the leaderboard: submissions that never change, and what happened to them.

- `store`: the folder, and all that is done with it
- `files`: whole files, on a disk or behind any fsspec address
- `ledger`, `registrations`: what happened to submissions, and predictions that were registered
- `snapshot`, `rebuild`: everything in one file that loads quickly, and how it follows the store
- `board`, `correlations`: everything as tables
- `comparisons`: comparisons that were made before
"""
