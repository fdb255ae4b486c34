"""What is measured, how far it can be trusted, and how to cite it."""

import json
from pathlib import Path

import gradio as gr

import sts_eval
from sts_eval.submission.validate import schema
from sts_leaderboard.badges import BADGES
from sts_leaderboard.downloads import as_file
from sts_leaderboard.page import UNLABELLED, set_address

CITATION = """@software{sts_eval,
  title  = {sts-eval: predicting the transferability of fine-tuning from sparse-autoencoder features},
  author = {{The sts-eval authors}},
  note   = {version %s}
}

@inproceedings{sts2026,
  title     = {SAE as a Crystal Ball: Interpretable Features Predict Cross-domain Transferability of LLMs
               without Training},
  booktitle = {ICLR},
  year      = {2026},
  note      = {arXiv:2603.02908}
}
"""

COPY = "Copy citation"
COPY_SCRIPT = "async () => await copyText(%s) ? 'Copied' : 'The browser refused: select the text above'"


def changelog() -> str | None:
    """The tool's changelog, where it is shipped with the package or this is a checkout; without its title."""
    folders = Path(__file__).resolve().parents
    for path in (folders[1] / "CHANGELOG.md", folders[3] / "CHANGELOG.md"):
        if path.is_file():
            text = path.read_text(encoding="utf-8").partition("\n")[2]
            return text.replace("\n## ", "\n#### ").replace("\n### ", "\n##### ")
    return None


def build() -> None:
    """The page, inside the tabs that are open."""
    with gr.Tab("About", id="about") as tab:
        origins = "\n".join(f"- **{badge.sign} {name}**: {badge.meaning}" for name, badge in BADGES.items())
        method = Path(__file__).with_suffix(".md").read_text(encoding="utf-8")
        gr.Markdown(method + f"\n### Where runs come from\n{origins}\n\nThe three are never ranked together.\n")
        gr.Markdown("### Cite")
        citation = CITATION % sts_eval.__version__
        gr.Code(citation, elem_id="citation", lines=3, **UNLABELLED)
        copy = gr.Button(COPY, size="sm", elem_id="copy-citation")
        copied = copy.click(None, None, copy, js=COPY_SCRIPT % json.dumps(citation), api_visibility="private")
        copied.then(None, None, copy, js=f"() => later(2500, () => '{COPY}')", api_visibility="private")
        gr.Markdown("### Form of a submission\n- Version 2. Files of version 1 are still taken.")
        form = as_file(json.dumps(schema(), indent=2).encode(), "submission.schema.json")
        gr.DownloadButton("JSON schema", value=form, size="sm", elem_id="schema")
        gr.Markdown(f"### Changes\nThis page is that of sts-eval {sts_eval.__version__}.")
        if changes := changelog():
            with gr.Accordion("Changelog", open=False, elem_id="changelog"):
                gr.Markdown(changes, latex_delimiters=[])
        set_address(tab, "about")
