"""The hypotheses that `anova` tests: which combinations of coefficients belong to a term, by type.

Type I: each term after those before it; the rows of the Doolittle factor of X'X.

Type II: each term after all those that do not contain it; the same rows, with the columns of the terms that contain it
moved to the end.

Type III: SAS's estimable functions (Goodnight 1978), as lmerTest computes them. The complete, over-parameterised
indicator coding of the fixed part is a linear image of X; each coefficient of X is then an estimable function of the
over-parameterised coefficients. A term's functions are made orthogonal to those of the terms that contain it, higher
orders first, and read off at the coefficients that treatment coding keeps. The result does not depend on the
contrasts that the model was fitted with.
"""

import numpy as np

from bayeslmm.design import Design, FixedTerm, recode
from bayeslmm.design.rank import independent

INTERCEPT = "(Intercept)"


def type1(design: Design) -> dict[str, np.ndarray]:
    """Return L (m, p) of the sequential test of each term, the intercept left out."""
    R = np.linalg.qr(design.X, mode="r")
    L = R / np.diag(R)[:, None]
    return {t.label: L[list(t.columns)] for t in design.fixed_terms if t.label != INTERCEPT}


def type2(design: Design) -> dict[str, np.ndarray]:
    """Return L (m, p) of the test of each term after all that do not contain it, the intercept left out."""
    terms = [t for t in design.fixed_terms if t.label != INTERCEPT]
    found = {}
    for term in terms:
        above = [j for other in terms if contains(other, term) for j in other.columns]
        own = list(term.columns)
        before = [j for j in range(design.p) if j not in own and j not in above]
        order = [*before, *own, *above]
        R = np.linalg.qr(design.X[:, order], mode="r")
        L = np.zeros((len(own), design.p))
        L[:, order] = (R / np.diag(R)[:, None])[len(before) : len(before) + len(own)]
        found[term.label] = L
    return found


def type3(design: Design) -> dict[str, np.ndarray]:
    """Return L (m, p) of the type-III test of each term, the intercept left out."""
    terms = [t for t in design.fixed_terms if t.label != INTERCEPT]
    if len(terms) < 2:
        return type1(design)
    X, names, assign = _treatment(design)
    complete, complete_names, _ = recode(design, "indicator")
    L = _clean(np.linalg.pinv(X) @ complete).T
    columns = {t.label: np.flatnonzero(assign == i) for i, t in enumerate(design.fixed_terms)}
    for term in sorted(terms, key=lambda t: -len(t.factors | t.numerics)):
        outer = [j for other in terms if contains(other, term) for j in columns[other.label]]
        if outer:
            L[:, columns[term.label]] = _residual(L[:, outer], L[:, columns[term.label]])
    position = {name: i for i, name in enumerate(complete_names)}
    kept = L[[position[name] for name in names]]
    back = _clean(np.linalg.pinv(X) @ design.X)
    return {t.label: _nonzero_rows(kept[:, columns[t.label]].T @ back) for t in terms}


def contains(outer: FixedTerm, inner: FixedTerm) -> bool:
    """Whether `outer` contains `inner`: the same numeric variables, and more factors."""
    return outer.numerics == inner.numerics and inner.factors < outer.factors


def _treatment(design: Design) -> tuple[np.ndarray, list[str], np.ndarray]:
    """A full-rank X in treatment coding: columns, names, and the term of each column."""
    X, names, assign = recode(design, "treatment")
    keep = independent(X)
    return X[:, keep], [names[j] for j in keep], np.asarray(assign)[keep]


def _residual(X: np.ndarray, Y: np.ndarray) -> np.ndarray:
    """What is left of Y after regression on X."""
    return _clean(Y - X @ np.linalg.lstsq(X, Y, rcond=1e-10)[0])


def _clean(M: np.ndarray) -> np.ndarray:
    """Set entries that are rounding error to zero."""
    largest = np.abs(M).max(initial=0.0)
    return np.where(np.abs(M) < 1e-9 * largest, 0.0, M)


def _nonzero_rows(L: np.ndarray) -> np.ndarray:
    return L[np.abs(L).max(axis=1, initial=0.0) > 1e-8]
