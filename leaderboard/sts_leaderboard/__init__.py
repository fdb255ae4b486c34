"""The leaderboard's pages, deployable as a Space and served locally by `sts-eval board`.

- `app`: the pages put together, and how they are served
- `pages`: a file each, by the names of their tabs
- `page`: what every page is made of; `url_state`: its state as a web address; `clicks`: from a click to an address
- `board_cache`, `comparison_cache`: what is kept of the store between two clicks
- `compared_runs`, `points`, `point_figures`, `reproduce`: which runs and points are shown, and how
- `escaping`, `badges`, `downloads`: foreign text made harmless, where a run comes from, and files
- `write_access`: who may write, and how much; `style`: colours, widths, focus
- `api`: the same data as named endpoints, for programs
"""
