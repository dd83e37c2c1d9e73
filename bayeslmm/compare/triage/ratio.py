"""The likelihood ratio of a simpler random part, against the distribution that holds there.

Known distributions are those of `fit.ranova`: the exact one of one variance against none, the one given the other
random effects of one uncorrelated effect beside others, mixtures of chi-squares for one more correlated effect of
independent groups. Where there is none (several variances at once, correlated effects of groups that cross, a smaller
model that is singular itself), the plain chi-square gives a p that is too large. If that leaves the matter open, p
between 0.05 and 0.5, and refits are cheap, the parametric bootstrap decides: 199 refits, and more of them in steps, up
to 1,999, while the interval of p (Clopper & Pearson 1934, 95%) includes 0.05.
"""

from typing import Literal

import numpy as np

from bayeslmm.errors import ArgumentError
from bayeslmm.likelihood.runner import plain_seconds
from bayeslmm.results.fit import Fit
from bayeslmm.results.variance_test import How, RatioTest, likelihood_ratio_test

type Bootstrap = int | Literal["auto"]
REFITS, MOST_REFITS = 199, 1999
CHEAP = 0.001  # seconds for an evaluation, of which a pair of refits needs about ten
OPEN = (0.05, 0.5)


def check_bootstrap(bootstrap: object) -> Bootstrap:
    """Return "auto" or the number of refits.

    Raises
    ------
    ArgumentError
        It is neither.
    """
    if isinstance(bootstrap, str) and bootstrap == "auto":
        return "auto"
    if isinstance(bootstrap, bool) or not isinstance(bootstrap, int | np.integer) or bootstrap < 0:
        raise ArgumentError(
            f'reanalyse(bootstrap={bootstrap!r}): bootstrap is "auto", 0 for none, or a number of refits such as 999'
        )
    return int(bootstrap)


def ratio_test(smaller: Fit, larger: Fit, bootstrap: Bootstrap, seed: int | None) -> RatioTest:
    """Test the smaller of two nested models, both fitted by the same criterion.

    Parameters
    ----------
    smaller, larger
        The fits.
    bootstrap
        Number of refits, for every test but those with an exact distribution; 0 for none; "auto" where it matters.
    seed
        Of all simulation.
    """
    found = likelihood_ratio_test(smaller, larger, How("chisq", 1000, seed))
    refits, most = _refits(found, larger, bootstrap)
    return likelihood_ratio_test(smaller, larger, How("boot", refits, seed, most)) if refits else found


def _refits(found: RatioTest, larger: Fit, bootstrap: Bootstrap) -> tuple[int, int]:
    """How many, and up to how many; 0 where the distribution is known well enough."""
    if found.reference_boundary.startswith("exact"):
        return 0, 0
    if bootstrap != "auto":
        return bootstrap, 0
    unknown = np.isnan(found.p_boundary) and found.reference_boundary != ""
    cheap = plain_seconds(larger.likelihood.structure, larger.design.p) <= CHEAP
    return (REFITS, MOST_REFITS) if unknown and cheap and OPEN[0] <= found.p <= OPEN[1] else (0, 0)


def reference(row: dict) -> str:
    """The distribution behind the p that decides, in a few letters; "" where nothing is tested.

    "< chi2(3)" is a plain chi-square where p is smaller than it says.
    """
    if np.isnan(row["p_boundary"]) and row["reference_boundary"]:
        return f"< {row['reference']}"
    words = str(row["reference_boundary"] if np.isfinite(row["p_boundary"]) else row["reference"])
    if words.startswith("parametric bootstrap"):
        return f"boot {words.split()[2]}"
    if "given the other" in words:
        return "given"
    return "exact" if words.startswith("exact") else "mixture" if "+" in words else words
