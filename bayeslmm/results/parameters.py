"""Names of a model's parameters, as lme4's `profile(signames = FALSE)` writes them, and how to ask for some."""

from collections.abc import Sequence

from bayeslmm.design import Design
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


def chosen(design: Design, covariance: Covariance, parm: str | Sequence[str] | None) -> dict[str, Parameter]:
    """The parameters that `parm` asks for: names, "theta_" (covariance parameters), "beta_" (fixed effects), or all.

    Raises
    ------
    ArgumentError
        A name is not one of the model, or its column was left out as collinear.
    """
    known = parameter_names(design, covariance)
    if parm is None:
        return known
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
