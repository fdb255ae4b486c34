"""The look of the page and of its figures."""

import gradio as gr
import plotly.graph_objects as go

THEME = gr.themes.Soft(
    primary_hue="sky", neutral_hue="slate", font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]
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
    link_text_color="*primary_700",
    link_text_color_hover="*primary_800",
    link_text_color_visited="*primary_700",
    link_text_color_dark="*primary_300",
    link_text_color_hover_dark="*primary_200",
    link_text_color_visited_dark="*primary_300",
)

GREY = "#8a8f98"
# Fourteen colours that can be told apart, and read, on both grounds; each has a symbol, for those who see no colours.
PALETTE = (
    *("#2f7fb8", "#e07b1a", "#2e9e5b", "#d1344f", "#8e63c7", "#9c6b3f", "#e377c2"),
    *("#7f8790", "#b5a21f", "#17b5c4", "#5566e0", "#f2a093", "#7bc043", "#b0287f"),
)
SYMBOLS = (
    *("circle", "square", "diamond", "triangle-up", "cross", "x", "star"),
    *("pentagon", "hexagon2", "triangle-down", "bowtie", "hourglass", "star-diamond", "triangle-right"),
)

EMPTY_STORE = "The store is empty. Hand in a run under **Submit**, or with `sts-eval store submit RUN --to STORE`."


def style_figure(figure: go.Figure, *, height: int) -> go.Figure:
    """Give a figure the common look, and return it. It has no ground of its own: pages are light or dark."""
    figure.update_layout(
        template="none",
        height=height,
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": GREY, "size": 13},
        margin={"l": 20, "r": 15, "t": 40, "b": 20},
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0},
        hoverlabel={"align": "left"},
        hovermode="closest",
        modebar={"remove": ["select2d", "lasso2d", "autoScale2d"]},
    )
    axis = {"gridcolor": "rgba(138,143,152,0.22)", "zeroline": False, "automargin": True}
    figure.update_xaxes(axis, title_font_size=13)  # a larger one does not fit on a phone
    return figure.update_yaxes(axis, title_font_size=13)


def empty_figure(sentence: str) -> go.Figure:
    """A figure that says why there is nothing to see. The sentence is our own."""
    figure = go.Figure()
    figure.add_annotation(text=sentence, x=0.5, y=0.5, xref="paper", yref="paper", showarrow=False, font={"size": 15})
    return style_figure(figure.update_xaxes(visible=False).update_yaxes(visible=False), height=260)
