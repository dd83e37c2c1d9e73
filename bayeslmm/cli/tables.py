"""`bayeslmm anova`, `ranova`, `confint`, `priors`, `loo`: one table of a fit, a model or a posterior."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bayeslmm.cli.fitting import linear_fit, mixed_fit, model_of
from bayeslmm.cli.show import Shown
from bayeslmm.cli.task import Task
from bayeslmm.design.formula import parse
from bayeslmm.errors import ArgumentError, did_you_mean
from bayeslmm.results.fit import Fit
from bayeslmm.results.linear_fit import LinearFit
from bayeslmm.results.linear_table import LinearTable
from bayeslmm.results.model_table import ModelTable


def anova(task: Task, against: Sequence[str], type: str, method: str, n: int, seed: int) -> Shown:
    """F tests of the terms; or, with other formulas, tests of the models."""
    fit = task.any_fit()
    if not against:
        if type not in ("1", "2", "3"):
            raise ArgumentError(f"--type {type}: it is 1, 2 or 3")
        kind: Any = int(type)
        ddf: Any = {} if isinstance(fit, LinearFit) else {"ddf": task.ddf}
        tests = fit.anova(type=kind, **ddf)
        return task.shown(str(tests), tests.table, "term", fit, type=kind, **ddf)
    models = _compared(fit, [_other(task, formula) for formula in against], method, n, seed)
    return task.shown(str(models), models.table, "model", fit, against=list(against))


def _compared(fit: Fit | LinearFit, others: Sequence[Any], method: Any, n: int, seed: int) -> ModelTable | LinearTable:
    """Likelihood ratios where one of them is a mixed model, which comes first; F tests of linear ones."""
    fits = sorted([fit, *others], key=lambda f: isinstance(f, LinearFit))
    first, second, *rest = fits
    if isinstance(first, LinearFit):
        return fit.anova(*others)
    return first.anova(second, *rest, method=method, n=n, seed=seed)


def _other(task: Task, formula: str) -> Fit | LinearFit:
    """A model to compare with; one without bars is fitted by least squares."""
    request = replace(task.request, formula=formula)
    if parse(formula).random:
        return mixed_fit(request, task.command)
    return linear_fit(request)


def ranova(task: Task, method: Any, n: int, seed: int) -> Shown:
    """Likelihood-ratio tests of the random terms."""
    fit = task.fit()
    tests = fit.ranova(method, n, seed)
    return task.shown(str(tests), tests.table, "term", fit)


def confint(task: Task, method: Any, parm: Sequence[str] | None, level: float, n: int, seed: int) -> Shown:
    """Intervals of all parameters."""
    fit = task.fit()
    simulated = {"n": n, "seed": seed} if method == "boot" else {}
    table = fit.confint(method, level, list(parm) if parm else None, **simulated)
    text = f"{100 * level:g}% intervals ({method})\n\n{table.to_string(float_format='{:.6g}'.format, na_rep='NA')}"
    return task.shown(text, table, "parameter", fit, method=method, level=level)


def priors(task: Task) -> Shown:
    """The priors of all parameters, in the units of the response."""
    found = model_of(task.request).priors
    return task.shown(str(found), found.table)


def loo(task: Task, group: str | None, refit: bool) -> Shown:
    """How well each row, or each level of a group, is predicted from all others."""
    fit = task.fit()
    if group is not None and group not in fit.ngroups:
        raise ArgumentError(f"--group {group}: no such grouping factor{did_you_mean(group, fit.ngroups.index)}")
    post = task.posterior(fit)
    assert post is not None
    found = post.loo(refit=refit) if group is None else post.logo(group, refit)
    return task.shown(str(found), found.table, "measure", fit, group=group, ok=found.ok, bad=found.n_bad)
