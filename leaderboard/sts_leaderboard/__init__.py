"""The leaderboard's pages, deployable as a Space and served locally by `sts-eval board`.

- `app`: the pages put together, and how they are served; `api`: the same data as named endpoints, for programs
- `pages`: a file each, by the names of their tabs
- `page`, `url_state`: what every page is made of and what can be set on it, and its state as a web address
- `asked`: the question, and of which runs, one for all pages
- `board_cache`: what is kept of the store between two clicks
- `run_selection`, `points`, `maps`, `reproduce`: which runs and points are shown, and how
- `front`, `ranking`, `cells`, `profiles`: the answers, every predictor, figures in tables, and what things are
- `escaping`, `badges`, `downloads`: foreign text made harmless, where a run comes from, and files
- `write_access`: who may write, and how much; `style`: colours, widths, focus
"""
