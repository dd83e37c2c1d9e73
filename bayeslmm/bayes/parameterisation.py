"""Which random effects are sampled as they are, and which through standard normal ones.

    centred         b_l ~ N(0, C C'),                       C = diag(sd) L
    non-centred     b_l = C z_l,    z_l ~ N(0, I)

The posterior is the same; the geometry is not. Alternating draws of (beta, b) converge at the rate 1 - R when centred
and R when not, where R is the share of an effect's variance that its level's data explain (Papaspiliopoulos, Roberts &
Skold 2007, Statistical Science 22: 59-73, section 2.2). The worst direction decides, because one funnel holds up all:

    R = smallest eigenvalue of I - mean_l Var(z_l | y, theta)

for each grouping factor, at the REML estimate; "auto" centres where R > 0.7. A singular fit has a direction of which
the data say nothing: R = 0.
"""

from collections.abc import Callable, Mapping
from typing import Literal, get_args

import numpy as np

from bayeslmm.design import Design
from bayeslmm.errors import ArgumentError, check_choice, did_you_mean
from bayeslmm.likelihood.inverse import selected_inverse
from bayeslmm.likelihood.marginal import MarginalLikelihood

One = Literal["noncentred", "centred"]
Parameterisation = Literal["noncentred", "centred", "auto"] | Mapping[str, One]
Reliability = Callable[[], Mapping[str, float]]

INFORMED = 0.7  # measured: above it centred effects give more effective draws per second


def reliabilities(likelihood: MarginalLikelihood, theta: np.ndarray) -> dict[str, float]:
    """R of each grouping factor, from 0 (no information) to 1, at theta (m,)."""
    left = selected_inverse(likelihood.factor(theta), likelihood.structure, with_X=False).diag
    out = {}
    for term, V in zip(likelihood.covariance.terms, left, strict=True):
        out[term.group] = float(np.clip(1 - np.linalg.eigvalsh(V.mean(axis=2))[-1], 0, 1))
    return out


def centred_groups(
    design: Design, parameterisation: Parameterisation, reliability: Reliability = dict
) -> frozenset[str]:
    """The grouping factors whose effects are sampled as they are.

    Parameters
    ----------
    design
        The arrays of the model.
    parameterisation
        "noncentred", "centred", "auto", or one of the first two for each grouping factor by name; a factor that is not
        named is non-centred.
    reliability
        Gives R by grouping factor; asked by "auto" only. A factor that it leaves out is non-centred.

    Raises
    ------
    ArgumentError
        Another word, or a name that is not a grouping factor's.
    """
    groups = [t.group for t in design.terms]
    if isinstance(parameterisation, Mapping):
        return _named(parameterisation, groups)
    check_choice("parameterisation", parameterisation, get_args(get_args(Parameterisation)[0]))
    if parameterisation == "centred":
        return frozenset(groups)
    found = reliability() if parameterisation == "auto" else {}
    return frozenset(g for g in groups if found.get(g, 0.0) > INFORMED)


def as_text(design: Design, centred: frozenset[str]) -> str:
    """Which is which, in words."""
    return "; ".join(f"{t.group}: {'centred' if t.group in centred else 'noncentred'}" for t in design.terms)


def _named(given: Mapping[str, One], groups: list[str]) -> frozenset[str]:
    for group, word in given.items():
        if group not in groups:
            raise ArgumentError(f"parameterisation: `{group}` is not a grouping factor{did_you_mean(group, groups)}")
        check_choice(f"parameterisation[{group!r}]", word, get_args(One))
    return frozenset(group for group, word in given.items() if word == "centred")
