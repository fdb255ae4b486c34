"""Tables and figures of the pages: pure functions from tables to tables and figures, without gradio."""
