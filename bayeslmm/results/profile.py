"""`Profile`: profile-likelihood curves of a fit's parameters, with names, intervals and pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import fill
from typing import Any

import numpy as np
import pandas as pd

from bayeslmm.design import Design
from bayeslmm.errors import ArgumentError
from bayeslmm.likelihood.marginal import MarginalLikelihood
from bayeslmm.point.distributions import normal_quantile
from bayeslmm.point.profile import Curve, Profiler
from bayeslmm.results.checks import check_level
from bayeslmm.results.parameters import Asked, chosen, parameter_names
from bayeslmm.results.table_export import Tabular

NOTE = "profile likelihood: the ML deviance is profiled, as in lme4, for REML fits too"


@dataclass(frozen=True)
class Profile(Tabular):
    """Profiles of some parameters.

    Attributes
    ----------
    curves
        By name: values, zeta and what the other parameters do on the way.
    names
        Names of all parameters of the model, in the order of `Curve.followers`.
    level
        The largest level that intervals can be read off for.
    """

    curves: dict[str, Curve]
    names: tuple[str, ...]
    level: float

    @property
    def table(self) -> pd.DataFrame:
        """One row for each point: parameter, value, zeta, and all parameters at the constrained optimum."""
        parts = []
        for name, c in self.curves.items():
            part = pd.DataFrame({"parameter": name, "value": c.value, "zeta": c.zeta})
            parts.append(pd.concat([part, pd.DataFrame(c.followers, columns=list(self.names))], axis=1))
        return pd.concat(parts, ignore_index=True)

    def confint(self, level: float = 0.95) -> pd.DataFrame:
        """Intervals by parameter: lower, upper. Ends at the boundary (an sd of zero, a correlation of +-1) are ends.

        Parameters
        ----------
        level
            At most the level that was profiled.
        """
        if check_level(level) > self.level + 1e-12:
            raise ArgumentError(
                f"level={level:g} lies beyond the profile, which was followed to {self.level:g}; "
                f"use fit.profile(level={level:g})"
            )
        z = normal_quantile(0.5 + level / 2)
        rows = {name: (c.end(-z), c.end(z)) for name, c in self.curves.items()}
        return pd.DataFrame.from_dict(rows, orient="index", columns=["lower", "upper"], dtype=float)

    def plot(self, level: float = 0.95, width: float = 10.4, axes: Any = None) -> np.ndarray:
        """Zeta of each parameter with its interval; a straight line means that a Wald interval would do.

        Parameters
        ----------
        level
            Of the intervals.
        width, axes
            Of a full row of panels, in inches; or the axes to draw into, one for each parameter.
        """
        from bayeslmm.results.profile_pictures import zeta_plot

        return zeta_plot(self, check_level(level), width, axes)

    def plot_pairs(self, names: Sequence[str] | None = None, axes: Any = None) -> np.ndarray:
        """Profile traces and contours of each pair of parameters (Bates & Watts 1988, section 6.1.2).

        Parameters
        ----------
        names
            At least two of the parameters profiled; all where left out.
        axes
            The axes to draw into, row by row, as many rows and columns as parameters; None makes a figure.
        """
        from bayeslmm.results.profile_pictures import pairs_plot

        known = [n for n in self.curves if n in self.names]  # combinations have no traces
        wanted = known if names is None else list(names)
        missing = [n for n in wanted if n not in known]
        if missing or len(wanted) < 2:
            raise ArgumentError(
                f"plot_pairs needs two or more of the parameters profiled, {', '.join(known)}; got {wanted}"
            )
        return pairs_plot(self, wanted, axes)

    def __repr__(self) -> str:
        level = min(0.95, self.level)
        z = (1 - 1e-6) * normal_quantile(0.5 + level / 2)  # a curve may end at the level itself
        shown = self.confint(level)
        shown.insert(0, "estimate", [c.estimate for c in self.curves.values()])
        at_bound = [n for n, c in self.curves.items() if abs(c.zeta[0]) < z or abs(c.zeta[-1]) < z]
        lines = [NOTE, f"{level:.0%} intervals", shown.to_string(float_format=lambda v: f"{v:.5g}")]
        if at_bound:
            tail = f"an end at the boundary: {', '.join(at_bound)}"
            lines.append(fill(tail, 100, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False))
        return "\n".join(lines)

    def _for_paper(self) -> pd.DataFrame:
        return self.confint(self.level)


def profile(design: Design, likelihood: MarginalLikelihood, parm: Asked, level: float) -> Profile:
    """Follow the profiles of the parameters that `parm` asks for."""
    wanted = chosen(design, likelihood.covariance, parm)
    cutoff = normal_quantile(0.5 + check_level(level) / 2)
    profiler = Profiler.of(likelihood)
    curves = {name: profiler.curve(a, cutoff) for name, a in wanted.items()}
    return Profile(curves, tuple(parameter_names(design, likelihood.covariance)), level)
