"""The leaderboard's pages, deployable as a Space and served locally by `sts-eval board`.

- `app`: the pages put together, and how they are served
- `predictors`, `runs`, `explore`, `run_page`, `submit`, `queue`, `about`: a page each, thin
- `views`: the tables and figures behind them, pure functions without gradio
- `shelf`: what is kept of the store between two clicks
- `links`, `clicking`: a page's state as a web address and back, and from a click to an address
- `writing`: who may write, and how much; `styling`: colours, widths, focus
- `inert`, `badges`, `downloads`: foreign text made harmless, where a run comes from, and files
"""
