"""Names of a model's parameters, as lme4's `profile(signames = FALSE)` writes them, and how to ask for some."""

from collections.abc import Mapping, Sequence
from typing import Any

from bayeslmm.design import Design
from bayeslmm.design.linear import linear_functions
from bayeslmm.errors import ArgumentError, did_you_mean
from bayeslmm.likelihood.covariance import Covariance
from bayeslmm.point.profile import Parameter, parameters

SETS = {"theta_": ("sd", "cor", "sigma"), "beta_": ("fixed",)}


def parameter_names(design: Design, covariance: Covariance) -> dict[str, Parameter]:
    """All parameters by name: `sd_Days|Subject`, `cor_Days.(Intercept)|Subject`, `sigma`, coefficients."""
    out = {}
    for a in parameters(covariance, design.p):
        if a.kind == "fixed":
            out[design.coef_names[a.coefficient]] = a
        elif a.kind == "sigma":
            out["sigma"] = a
        else:
            term = design.terms[a.term]
            effects = term.effects[a.row] if a.kind == "sd" else f"{term.effects[a.row]}.{term.effects[a.column]}"
            out[f"{a.kind}_{effects}|{term.group}"] = a
    return out


type Asked = str | Sequence[str] | Mapping[str, Any] | None


def chosen(design: Design, covariance: Covariance, parm: Asked) -> dict[str, Parameter]:
    """The parameters that `parm` asks for: names, "theta_" (covariance parameters), "beta_" (fixed effects), or all.

    A dict asks for combinations of the fixed effects by name of its own, as `fit.contrast` takes it.

    Raises
    ------
    ArgumentError
        A name is not one of the model, or its column was left out as collinear.
    """
    known = parameter_names(design, covariance)
    if parm is None:
        return known
    if isinstance(parm, Mapping):
        return _combinations(parm, design)
    wanted = [parm] if isinstance(parm, str) else list(parm)
    out: dict[str, Parameter] = {}
    for name in wanted:
        if name in SETS:
            out |= {n: a for n, a in known.items() if a.kind in SETS[name]}
        elif name in known:
            out[name] = known[name]
        elif name in design.dropped:
            raise ArgumentError(
                f"parm: the column `{name}` was left out because it is collinear with the others; it has no estimate "
                "and no interval. Take a column that stands for it out of the formula to see it"
            )
        else:
            raise ArgumentError(
                f"parm: there is no parameter `{name}`{did_you_mean(str(name), [*known, *SETS])} "
                '("theta_" is all sds, correlations and sigma, "beta_" all fixed effects)'
            )
    if not out:
        raise ArgumentError("parm is empty; leave it out for all parameters")
    return out


def _combinations(given: Mapping[str, Any], design: Design) -> dict[str, Parameter]:
    """Combinations of the fixed effects by name."""
    found: dict[str, Parameter] = {}
    for name, combination in given.items():
        functions = linear_functions(combination, design)
        if len(functions.L) != 1 or functions.null.any():
            raise ArgumentError(
                f"parm: `{name}` must be one combination of the coefficients, such as "
                f'"{design.coef_names[-1]} - {design.coef_names[0]}" or a dict of weights'
            )
        found[str(name)] = Parameter("fixed", weights=tuple(functions.L[0].tolist()))
    return found
