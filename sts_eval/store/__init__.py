"""The store behind the leaderboard: submissions that never change, and what became of them.

- `validating`: the one function that the command line, the web form and continuous integration ask
- `reading`, `figures`, `possible`, `recomputing`: its parts, from bytes to evidence
- `describing`: a run on disk as a submission
- `store`, `files`, `ledger`: the folder, on a disk or behind any fsspec address
- `board`, `snapshot`, `correlating`: everything as tables, and the file that makes them load quickly
- `rerun`: whether a maintainer's run agrees with a submission
- `queue`, `requesting`, `worker`: runs that somebody asked for
"""
