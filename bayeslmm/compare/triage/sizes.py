"""Whether the size of an effect depends on the analysis.

It does where an analysis that counts (see `verdict`) gives an estimate more than one standard error of the fit away
from that of the fit: the choice of the analysis then matters more than what its standard error tells.
"""

import numpy as np
import pandas as pd

from bayeslmm.compare.triage.alternatives import Alternatives, why_not
from bayeslmm.results import rformat


def of_other_size(tried: Alternatives, own: pd.DataFrame) -> pd.DataFrame:
    """The rows of one effect that count and lie more than one standard error of the first from it."""
    counts = np.array([not why_not(tried, str(a)) for a in own["analysis"]])
    return own[counts & (own["shift"].abs() > 1)]


def about_sizes(tried: Alternatives, effects: pd.DataFrame) -> list[str]:
    """One sentence for each effect whose size depends on the analysis."""
    found = []
    for name, own in effects.groupby("effect", sort=False):
        others = of_other_size(tried, own).to_dict("records")
        if others:
            first = own.iloc[0]
            listed = [f"{sized(r['estimate'], first['se'])} by {r['analysis']}" for r in others]
            found.append(
                f"The size of {name} depends on the analysis: {sized(first['estimate'], first['se'])} by the model as "
                f"fitted, {', '.join(listed)}; its standard error is {sized(first['se'], first['se'])}."
            )
    return found


def sized(value: float, se: float) -> str:
    """A number with the decimals that its standard error deserves, of which three digits are shown."""
    return rformat.short(value, rformat.decimals_for([se]))
