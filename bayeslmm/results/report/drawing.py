"""Pictures as text that a page holds: SVG, with many points as pixels in it; or PNG where SVG would still be large."""

from base64 import b64encode
from io import BytesIO
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from bayeslmm.results.style import lay_out

WIDE, NARROW = 7.0, 3.5
LARGEST_SVG, DPI = 400_000, 200
SETTINGS: Any = {"svg.hashsalt": "bayeslmm", "svg.fonttype": "path"}


def picture_sources(draw: Any) -> tuple[str, str | None]:
    """Return addresses that hold the picture: 7 inches wide, and 3.5 where it can be drawn so."""
    if not callable(draw):
        return _address(_figure(draw)), None
    return _drawn(draw, WIDE), _drawn(draw, NARROW)


def _drawn(draw: Any, width: float) -> str:
    """Draw in matplotlib's own style, whatever that of the caller is, and close the figure."""
    with mpl.rc_context():
        mpl.rcdefaults()
        figure = _figure(draw(width))
        lay_out(figure)
        figure.set_layout_engine("none")  # else it would be laid out once more, with the slow letters of SVG
        try:
            return _address(figure)
        finally:
            plt.close(figure)


def _figure(drawn: Any) -> Figure:
    if isinstance(drawn, Figure):
        return drawn
    figure = np.ravel(np.asarray(drawn, dtype=object))[0].figure
    assert isinstance(figure, Figure)
    return figure


def _address(figure: Figure) -> str:
    with mpl.rc_context(SETTINGS):
        svg = BytesIO()
        figure.savefig(svg, format="svg", facecolor="white", dpi=DPI, metadata={"Date": None})
    content = svg.getvalue()
    if len(content) <= LARGEST_SVG:
        return f"data:image/svg+xml;base64,{b64encode(content).decode()}"
    png = BytesIO()
    figure.savefig(png, format="png", facecolor="white", dpi=DPI)
    return f"data:image/png;base64,{b64encode(png.getvalue()).decode()}"
