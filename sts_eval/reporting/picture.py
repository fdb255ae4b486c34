"""Figures that notebooks show."""

import io

from matplotlib.figure import Figure


class Picture(Figure):
    """A figure made without pyplot, which would keep it in memory. Notebooks show such figures only by this method."""

    def _repr_png_(self) -> bytes:
        written = io.BytesIO()
        self.savefig(written, format="png")
        return written.getvalue()
