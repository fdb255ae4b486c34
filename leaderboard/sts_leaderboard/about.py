"""What is measured, how far it can be trusted, and how to cite it."""

from __future__ import annotations

import json
from pathlib import Path

import gradio as gr

import sts_eval
from sts_eval.submission.validate import schema
from sts_leaderboard.badges import BADGES
from sts_leaderboard.downloads import as_file

METHOD = """
### The question
Which domains will get better and which worse if a model is fine-tuned on given data? Everything ranked here was said
**before** training, from the untuned model.

**STS** (SAE-based Transferability Score) shows the model a few examples of the training data, looks which features of a
sparse autoencoder they move, and asks how much each domain leans on those features. The other predictors get one score
per domain from the same questions: plain text statistics, norms, similarities, losses, gradients, short trainings.

### How to read the figures
- **r** is Pearson's, within a run over its domains, pooled over runs with Fisher's z. The interval is a bootstrap over
  runs *and* domains, because runs share their domains.
- **Three questions are kept apart**: how much a domain changes, which way, and which training set helps which domain.
- **Ranks** are shared by predictors whose difference could be chance. The **noise ceiling** is the r of a perfect
  predictor, given how noisy the measured changes are.
- **The size of a change** has the noise's share taken off: |Δ| alone is never 0, even if nothing happened.

- A figure's camera button, which appears over it, saves a PNG. An address restores what it shows.

### What to doubt
- With 14 domains r = .60 has the interval [.10, .86]. One run proves nothing; more runs do not make more domains.
- Choosing the four largest and four smallest changes, as the paper does, raises r by about .06 to .10. Here all domains
  lead, and the 4+4 view is marked.
- A domain's **history** in other runs foretells a good part of the change. A predictor is worth something if it adds to
  that; see *What predictors add to a domain's history*.
- Most published changes are falls, so "always down" is often right: read AUROC, not accuracy.
- After tuning on long chains of thought, part of a fall may be answers that were cut off.
- *Self-reported* runs may be wrong. *Recomputed* ones follow from their attached answers, which may be wrong too.
  *Rerun* ones were repeated by a maintainer. *Pre-registered*: the prediction's hash was in the store before tuning.

### Privacy
No analytics, no address of a visitor is written down. What you submit is public.
"""

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

FORMS = {1: "the first"}
"""What each version of the form of a submission changed."""

CHANGELOG = "CHANGELOG.md"

COPY, COPIED, REFUSED = "Copy citation", "Copied", "The browser refused: select the text above"

# Outside https and localhost browsers have no clipboard for scripts, and the old way stands in.
COPYING = """async () => {
  const text = %s;
  try {
    await navigator.clipboard.writeText(text);
    return %s;
  } catch {
    const area = document.createElement('textarea');
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand('copy');
    area.remove();
    return done ? %s : %s;
  }
}"""

AGAIN = "() => new Promise((done) => setTimeout(() => done(%s), 2500))"


def changelog() -> str | None:
    """The tool's changelog, where it is shipped with the package or this is a checkout; without its title."""
    here = Path(__file__).resolve()
    for path in (here.parent / CHANGELOG, here.parents[2] / CHANGELOG):
        if path.is_file():
            text = path.read_text(encoding="utf-8").partition("\n")[2]
            return text.replace("\n## ", "\n#### ").replace("\n### ", "\n##### ")
    return None


def build() -> gr.Tab:
    """The page, inside the tabs that are open."""
    with gr.Tab("About", id="about") as opened:
        origins = "\n".join(f"- **{badge.sign} {name}**: {badge.says}" for name, badge in BADGES.items())
        gr.Markdown(METHOD + f"\n### Where runs come from\n{origins}\n\nThe three are never ranked together.\n")
        gr.Markdown("### Cite")
        citation = CITATION % sts_eval.__version__
        gr.Code(citation, interactive=False, show_label=False, elem_id="citation", lines=3)
        copy = gr.Button(COPY, size="sm", elem_id="copy-citation")
        words = tuple(json.dumps(word) for word in (citation, COPIED, COPIED, REFUSED))
        told = copy.click(None, None, copy, js=COPYING % words, api_visibility="private")
        told.then(None, None, copy, js=AGAIN % json.dumps(COPY), api_visibility="private")
        gr.Markdown("### Form of a submission\n" + "\n".join(f"- Version {n}: {word}." for n, word in FORMS.items()))
        form = json.dumps(schema(), indent=2)
        gr.DownloadButton(
            "JSON schema", value=as_file(form.encode(), "submission.schema.json"), size="sm", elem_id="schema"
        )
        gr.Markdown(f"### Changes\nThis page is that of sts-eval {sts_eval.__version__}.")
        changes = changelog()
        if changes is not None:
            with gr.Accordion("Changelog", open=False, elem_id="changelog"):
                gr.Markdown(changes, latex_delimiters=[])
    tab: gr.Tab = opened
    return tab
