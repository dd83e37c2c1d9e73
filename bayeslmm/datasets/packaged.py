"""Find a packaged data set by its name, and read it."""

from importlib.resources import files

import pandas as pd

from bayeslmm.datasets.registry import DATASETS, Dataset
from bayeslmm.errors import ArgumentError, did_you_mean


def names() -> list[str]:
    """Return the names of all data sets."""
    return list(DATASETS)


def describe(name: str) -> Dataset:
    """Return what a data set is: rows, columns with units, source. It prints as its documentation.

    Parameters
    ----------
    name
        Its name; case does not matter.

    Raises
    ------
    ArgumentError
        There is no such data set.

    Examples
    --------
    >>> describe("dyestuff")
    dyestuff: Yield of dyestuff by batch (30 rows)
    <BLANKLINE>
    Five preparations of a dyestuff (Naphthalene Black 12B) from each of six batches of an
    intermediate product (H-acid): a balanced one-way layout.
    <BLANKLINE>
      Batch: batch of the intermediate product (factor: A, B, C, D, E, F)
      Yield: yield, grams of standard colour
    <BLANKLINE>
      Source: Davies, O. L., & Goldsmith, P. L. (Eds.) (1972). Statistical Methods in
          Research and Production (4th ed.). Oliver and Boyd. Section 6.4. As `Dyestuff` in
          the R package lme4.
    <BLANKLINE>
    Try: Yield ~ 1 + (1 | Batch)
    """
    key = str(name).lower()
    if key not in DATASETS:
        raise ArgumentError(f"there is no data set `{name}`{did_you_mean(key, DATASETS)}")
    return DATASETS[key]


def load(name: str) -> pd.DataFrame:
    """Read a packaged data set: a new data frame on each call, factors as categoricals in R's order of levels.

    Parameters
    ----------
    name
        Its name, see `names()`; case does not matter.

    Raises
    ------
    ArgumentError
        There is no such data set.

    Examples
    --------
    >>> load("sleepstudy").head(3)
       Reaction  Days Subject
    0  249.5600     0     308
    1  258.7047     1     308
    2  250.8006     2     308
    """
    dataset = describe(name)
    dtypes = {
        column: pd.CategoricalDtype(list(about.levels), about.ordered)
        for column, about in dataset.columns.items()
        if about.levels is not None
    }
    path = files("bayeslmm.datasets").joinpath("data", f"{dataset.name}.csv")
    with path.open(encoding="utf-8") as file:
        # categories such as 308 must be read as text, or they do not match the levels
        frame = pd.read_csv(file, dtype=dict.fromkeys(dtypes, "str"), keep_default_na=False)
    return frame.astype(dtypes)
