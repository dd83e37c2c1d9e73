"""One visual language for all pictures: colours that are told apart without colour vision, little ink."""

from textwrap import fill
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

# Okabe & Ito (2008)
REML = "#0072B2"
BAYES = "#D55E00"
NO_POOLING = "#7F7F7F"
COMPLETE = "#009E73"
DATA = "#333333"

MARKS = {"no pooling": NO_POOLING, "complete pooling": COMPLETE, "REML": REML, "Bayes": BAYES}


def new_axes(ax: Axes | None, width: float, height: float) -> Axes:
    """Return the axes given, or new ones of this size in inches."""
    if ax is not None:
        return ax
    return plt.subplots(figsize=(width, height), layout="constrained")[1]


def tidy(ax: Axes, title: str, **labels: Any) -> Axes:
    """Title at the left that says what to see; no frame; light grid."""
    ax.set_title(title, loc="left", fontsize=10)
    ax.set(**labels)
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(color="#DDDDDD", linewidth=0.6)
    ax.set_axisbelow(True)
    return ax


def fold(text: str, inches: float) -> str:
    """Break a title of 10 points into lines that fit into a width."""
    return fill(text, max(20, int(13 * inches)))
