"""Pictures of several panels: in a new figure, or in axes that the caller gives."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bayeslmm.errors import ArgumentError
from bayeslmm.results import style


def new_panels(
    axes: Any, count: int, shape: tuple[int, int], size: tuple[float, float], caller: str, **options: Any
) -> tuple[np.ndarray, Figure | None]:
    """Return axes (count,), one for each panel: those given, or the first of a new figure, whose others are hidden.

    Parameters
    ----------
    axes
        Given by the caller: axes or any nesting of them; None makes a figure.
    count
        Of the panels.
    shape, size
        Rows and columns of a new figure, and its size in inches.
    caller
        What the message calls the picture.
    **options
        For `plt.subplots`.

    Returns
    -------
    panels
        (count,)
    figure
        The new one; None where axes were given: then what belongs to a whole figure is not ours to set.

    Raises
    ------
    ArgumentError
        Other than `count` axes are given, or something else than axes.
    """
    if axes is not None:
        return _given(axes, count, caller), None
    figure, grid = plt.subplots(*shape, figsize=size, layout="constrained", squeeze=False, **options)
    flat = grid.ravel()
    for ax in flat[count:]:
        ax.set_visible(False)
    return flat[:count], figure


def _given(axes: Any, count: int, caller: str) -> np.ndarray:
    found = np.ravel(np.asarray(list(axes.values()) if isinstance(axes, dict) else axes, dtype=object))
    other = next((a for a in found if not isinstance(a, Axes)), None)
    got = f"{found.size}" if other is None else f"something that is no Axes ({type(other).__name__})"
    if other is not None or found.size != count:
        panels = "1 panel: give axes= one Axes" if count == 1 else f"{count} panels: give axes= {count} Axes"
        raise ArgumentError(f"{caller} has {panels}; got {got}")
    return found


def headline(figure: Figure | None, panels: np.ndarray, text: str, width: float) -> None:
    """Title of all panels: of the figure; or, where that is not ours, above the title of the first panel."""
    if figure is not None:
        figure.suptitle(style.fold(text, width), x=0.01, ha="left", fontsize=10)
        return
    first: Any = panels[0]
    room = style.inches(first)
    own = first.get_title("left")
    first.set_title("\n".join([style.fold(text, room, 9), *([own] if own else [])]), loc="left", fontsize=9)


def same_limits(panels: np.ndarray, y: bool = True, x: bool = True) -> None:
    """Give axes that do not share their limits the same ones."""
    for wanted, get, set_ in ((x, "get_xlim", "set_xlim"), (y, "get_ylim", "set_ylim")):
        if wanted:
            ends = np.array([getattr(ax, get)() for ax in panels])
            for ax in panels:
                getattr(ax, set_)(ends.min(), ends.max())
