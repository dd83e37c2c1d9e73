"""Write pictures to files."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

DPI = 150


def save_picture(axes: Axes | np.ndarray, path: Path) -> Path:
    """Write the figure of these axes to a file, whose name says the format, and close it."""
    figure = np.ravel(np.asarray(axes, dtype=object))[0].figure
    figure.savefig(path, dpi=DPI)
    plt.close(figure)
    return path
