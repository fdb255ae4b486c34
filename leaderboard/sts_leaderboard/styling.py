"""Colours, widths and focus of the whole page."""

from __future__ import annotations

import gradio as gr

# It stands in the page's head: of what gradio's `css` is given it makes rules for what lies inside the container only,
# and puts its own class before each.
STYLE = """<style>
.gradio-container { width: 100% !important; max-width: 1280px !important; margin: auto; }
.gradio-container .main, .gradio-container .wrap, .gradio-container .column { min-width: 0 !important; }
.badge { display: inline-block; padding: 1px 10px; border-radius: 999px; color: #fff !important; font-weight: 600; }
.badge-measured { background: #23648f; }
.badge-imported { background: #9a5614; }
.badge-published { background: #5f4d94; }
.origin { margin: 2px 0 !important; }
.small, .small p, .small li { font-size: 0.86em !important; opacity: 0.85; }
.lead p { font-size: 1.08em !important; }
.saving { justify-content: flex-start; gap: 8px !important; }
.saving button { flex: 0 0 auto !important; }
.controls, .controls .form { gap: 0 !important; }
.controls .form > .block { padding-block: 6px !important; }
.pager { align-items: end !important; }
#send, #clear, #ask, #copy-citation, #schema { max-width: 260px; }
#trouble, #empty { border-left: 4px solid #c2752d; padding-left: 12px; }
.gradio-container :is(button, input, textarea, a, summary, [tabindex]):focus-visible {
  outline: 2px solid #0ea5e9 !important;
  outline-offset: 1px;
}
.gradio-container :is(label:has(input[type=radio]:focus-visible), .wrap-inner:has(input:focus-visible)) {
  outline: 2px solid #0ea5e9 !important;
  outline-offset: 2px;
}
@media (max-width: 640px) {
  .gradio-container main { padding: 8px !important; }
  h1 { font-size: 1.3em !important; }
  .gradio-container .row > .form, .gradio-container .form > .block { min-width: 100% !important; }
  .gradio-container .prose code { white-space: pre-wrap; overflow-wrap: anywhere; }
}
</style>"""

THEME = gr.themes.Soft(
    primary_hue="sky",
    neutral_hue="slate",
    font=["system-ui", "sans-serif"],
    font_mono=["ui-monospace", "monospace"],
).set(
    block_title_background_fill="transparent",
    block_title_background_fill_dark="transparent",
    block_title_text_color="*neutral_600",
    block_title_text_color_dark="*neutral_300",
    block_title_padding="0",
    block_label_background_fill="transparent",
    block_label_background_fill_dark="transparent",
    block_label_text_color="*neutral_600",
    block_label_text_color_dark="*neutral_300",
)
