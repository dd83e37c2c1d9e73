"""The parameters that data are simulated from, by the names they have in summaries and in the posterior.

    y = offset + X beta + sum_t Z_t b_t + e,    b_t,l ~ N(0, V_t),    e_i ~ N(0, sigma^2 / w_i)

with V_t made of sds and correlations.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from bayeslmm.design import Design, RandomTerm
from bayeslmm.errors import ArgumentError, did_you_mean
from bayeslmm.likelihood.covariance import lower_factor

INTERCEPT = "(Intercept)"
ROUNDED = 1e-8


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """Parameters of a model, checked against its design.

    Attributes
    ----------
    beta
        (p,): fixed effects.
    sd
        (k,) for each grouping factor: sds of its effects.
    cor
        (k, k) for each grouping factor: their correlations.
    sigma
        Residual sd.
    """

    beta: np.ndarray
    sd: tuple[np.ndarray, ...]
    cor: tuple[np.ndarray, ...]
    sigma: float

    @classmethod
    def of(cls, design: Design, fixef: Any, sd: Any, cor: Any, sigma: Any) -> "Truth":
        """Read what the user gave.

        Parameters
        ----------
        design
            The arrays whose names count.
        fixef
            By coefficient, `{"Intercept": 250, "Days": 10}`, those left out are 0; or p numbers in their order.
        sd
            By grouping factor: a number where it has one effect, numbers in the order of the effects, or a dict by
            effect. A number alone where there is one grouping factor with one effect.
        cor
            By grouping factor: a number where it has two correlated effects, a dict by pair,
            `{"Intercept, Days": 0.3}`, or a matrix (k, k); those left out are 0.
        sigma
            Residual sd.

        Raises
        ------
        ArgumentError
            A name that there is not, an sd that is missing or negative, correlations that cannot be.
        """
        sds = _by_group("sd", sd, design)
        missing = [t.group for t in design.terms if t.group not in sds]
        if missing:
            effects = design.terms[[t.group for t in design.terms].index(missing[0])].effects
            raise ArgumentError(
                f"sd: none was given for `{missing[0]}`; it has the effects {', '.join(map(_short, effects))}: "
                f'sd={{"{missing[0]}": ...}}'
            )
        cors = _by_group("cor", {} if cor is None else cor, design)
        return cls(
            _beta(fixef, design),
            tuple(_sd(sds[t.group], t) for t in design.terms),
            tuple(_cor(cors.get(t.group, {}), t) for t in design.terms),
            _positive("sigma", sigma),
        )

    @property
    def covariances(self) -> tuple[np.ndarray, ...]:
        """V_t (k, k)."""
        return tuple(np.outer(s, s) * R for s, R in zip(self.sd, self.cor, strict=True))

    def draw(self, design: Design, rng: np.random.Generator) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
        """A response (n,) and the random effects (J, k) behind it."""
        y = design.offset + design.X @ self.beta
        effects = []
        for term, V in zip(design.terms, self.covariances, strict=True):
            b = rng.normal(size=(term.n_levels, term.k)) @ lower_factor(V).T
            y = y + np.einsum("nk,nk->n", term.Z, b[term.index])
            effects.append(b)
        return y + rng.normal(size=design.n) * (self.sigma / np.sqrt(design.weights)), tuple(effects)

    def table(self, design: Design) -> pd.DataFrame:
        """One row per parameter: `kind` (fixed, sd, cor, sigma), `group`, `term`, `value`; by name as in the posterior.

        Coefficients have their own names; `sd_Subject[Days]`, `cor_Subject[Intercept, Days]`, `sigma`.
        """
        rows = [(n, "fixed", "", n, v) for n, v in zip(design.coef_names, self.beta.tolist(), strict=True)]
        for term, s, R in zip(design.terms, self.sd, self.cor, strict=True):
            g = term.group
            names = [_short(e) for e in term.effects]
            rows += [(f"sd_{g}[{e}]", "sd", g, e, v) for e, v in zip(names, s.tolist(), strict=True)]
            for i, j in term.pairs:
                pair = f"{names[j]}, {names[i]}"
                rows.append((f"cor_{g}[{pair}]", "cor", g, pair, float(R[i, j])))
        rows.append(("sigma", "sigma", "", "sigma", self.sigma))
        table = pd.DataFrame(rows, columns=["parameter", "kind", "group", "term", "value"])
        return table.set_index("parameter")


def _short(effect: str) -> str:
    return "Intercept" if effect == INTERCEPT else effect


def _full(name: str, known: Sequence[str]) -> str:
    return INTERCEPT if name == "Intercept" and name not in known else name


def _beta(given: Any, design: Design) -> np.ndarray:
    names = list(design.coef_names)
    if given is None:
        given = {}
    if isinstance(given, pd.Series):
        given = given.to_dict()
    if not isinstance(given, Mapping):
        values = _numbers("fixef", given)
        if values.shape != (design.p,):
            raise ArgumentError(f"fixef has shape {values.shape}; the model has {design.p}: {', '.join(names)}")
        return values
    beta = np.zeros(design.p)
    for name, value in given.items():
        full = _full(str(name), names)
        if full not in names:
            raise ArgumentError(f"fixef: the model has no coefficient `{name}`{did_you_mean(str(name), names)}")
        beta[names.index(full)] = _number(f"fixef of `{name}`", value)
    return beta


def _by_group(argument: str, given: Any, design: Design) -> dict[str, Any]:
    groups = [t.group for t in design.terms]
    if not isinstance(given, Mapping):
        if len(groups) == 1 and given is not None:
            return {groups[0]: given}
        example = f'{argument}={{"{groups[0]}": ...}}' if groups else f"leave {argument} out"
        raise ArgumentError(f"{argument}={given!r}: give a dict by grouping factor, {example}")
    aliases = {":".join(sorted(g.split(":"))): g for g in groups}
    found = {}
    for name, value in given.items():
        group = name if name in groups else aliases.get(":".join(sorted(str(name).split(":"))))
        if group is None:
            raise ArgumentError(
                f"{argument}: the model has no grouping factor `{name}`{did_you_mean(str(name), groups)}"
            )
        found[str(group)] = value
    return found


def _sd(given: Any, term: RandomTerm) -> np.ndarray:
    what = f"sd of `{term.group}`"
    names = list(term.effects)
    if isinstance(given, pd.Series):
        given = given.to_dict()
    if isinstance(given, Mapping):
        values = dict.fromkeys(names, np.nan)
        for name, value in given.items():
            full = _full(str(name), names)
            if full not in values:
                raise ArgumentError(f"{what}: no effect `{name}`{did_you_mean(str(name), map(_short, names))}")
            values[full] = _number(what, value)
        missing = [_short(n) for n, v in values.items() if np.isnan(v)]
        if missing:
            raise ArgumentError(f"{what}: none was given for the effect `{missing[0]}`")
        found = np.array(list(values.values()))
    else:
        found = np.atleast_1d(_numbers(what, given))
    if found.shape != (term.k,):
        raise ArgumentError(
            f"{what}: the effects {', '.join(map(_short, names))} need a number each, and {found.size} were given"
        )
    if (found < 0).any():
        raise ArgumentError(f"{what}: {found.min():g} is negative")
    return found


def _cor(given: Any, term: RandomTerm) -> np.ndarray:
    what, R = f"cor of `{term.group}`", np.eye(term.k)
    names = [_short(e) for e in term.effects]
    if isinstance(given, Mapping):
        labels = {f"{names[j]}, {names[i]}": (i, j) for i, j in term.pairs}
        either = labels | {f"{names[i]}, {names[j]}": (i, j) for i, j in term.pairs}
        for name, value in given.items():
            key = ", ".join(p.strip() for p in (name if isinstance(name, tuple) else str(name).split(",")))
            if key not in either:
                raise ArgumentError(f"{what}: the model has no correlation `{name}`{did_you_mean(key, labels)}")
            i, j = either[key]
            R[i, j] = R[j, i] = _number(what, value)
    elif np.ndim(given) == 0:
        if len(term.pairs) != 1:
            raise ArgumentError(f"{what}: one number was given for {len(term.pairs)} correlations; {_instead(term)}")
        ((i, j),) = term.pairs
        R[i, j] = R[j, i] = _number(what, given)
    else:
        R = _matrix(what, given, term)
    smallest = float(np.linalg.eigvalsh(R)[0])
    if (np.abs(R) > 1 + ROUNDED).any() or smallest < -1e-10:
        raise ArgumentError(
            f"{what}: these correlations cannot be; the matrix has the eigenvalue {smallest:.3g}, none may be negative"
        )
    return R


def _instead(term: RandomTerm) -> str:
    if term.pairs:
        return "give a dict by pair, or a matrix"
    return "write `|` in place of `||`" if term.k > 1 else "leave it out, since there is one effect alone"


def _matrix(what: str, given: Any, term: RandomTerm) -> np.ndarray:
    R = _numbers(what, given)
    if R.shape != (term.k, term.k):
        raise ArgumentError(f"{what} has shape {R.shape}; {term.k} effects need ({term.k}, {term.k})")
    if not np.allclose(R, R.T, rtol=0, atol=ROUNDED) or not np.allclose(np.diag(R), 1, rtol=0, atol=ROUNDED):
        raise ArgumentError(f"{what}: a correlation matrix is symmetric, with 1 on its diagonal")
    R = 0.5 * (R + R.T)
    np.fill_diagonal(R, 1.0)
    estimated = np.eye(term.k, dtype=bool)
    for i, j in term.pairs:
        estimated[i, j] = estimated[j, i] = True
    if R[~estimated].any():
        raise ArgumentError(f"{what}: the formula has no correlation where one was given; write `|` in place of `||`")
    return R


def _numbers(what: str, given: Any) -> np.ndarray:
    try:
        values = np.array(given, dtype=float)
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"{what}: {given!r} is not numbers") from error
    if not np.isfinite(values).all():
        raise ArgumentError(f"{what}: all numbers must be finite; got {given!r}")
    return values


def _number(what: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, Real) or not np.isfinite(float(value)):
        raise ArgumentError(f"{what}: {value!r} is not a finite number")
    return float(value)


def _positive(what: str, value: Any) -> float:
    found = _number(what, value)
    if found < 0:
        raise ArgumentError(f"{what}={value!r} is negative")
    return found
