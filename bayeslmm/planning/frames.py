"""Designs as pandas frames, whatever they were given as."""

from typing import Any

import pandas as pd

from bayeslmm.design.columns import table


def as_pandas(design: Any) -> pd.DataFrame:
    """A copy of any frame as a pandas one."""
    if isinstance(design, pd.DataFrame):
        return design.copy()
    found = table(design)
    if isinstance(found.frame, pd.DataFrame):
        return found.frame.copy()
    return found.frame.to_pandas() if hasattr(found.frame, "to_pandas") else found.frame.collect().to_pandas()
