"""Tests of linear functions of the fixed effects over m imputations.

One function: Rubin's rules with the df of Barnard & Rubin (1999, Biometrika 86, 948-955, eq. 3),

    T = Ubar + (1 + 1/m) B,   lambda = (1 + 1/m) B / T,
    nu_m = (m - 1) / lambda^2,   nu_obs = (nu + 1) / (nu + 3) nu (1 - lambda),   df = 1 / (1 / nu_m + 1 / nu_obs).

q functions together, D1 (Li, Raghunathan & Rubin 1991, JASA 86, 1065-1073, eqs. 1.15 to 1.20): the parts of the
covariance that are due to missing values are taken to be the same multiple r of the rest in all directions,

    D1 = Qbar' Ubar^-1 Qbar / (q (1 + r)),    r = (1 + 1/m) tr(B Ubar^-1) / q,    t = q (m - 1),

with the denominator df of Reiter (2007, Biometrika 94, 502-508, eqs. 1 and 2), which do not exceed those without
missing values. His expansion needs t > 4 and nu large against 4 (1 + a). Elsewhere the df of Li et al. take the place
of nu_m in Barnard & Rubin's rule, and r / (1 + r) that of lambda: for q = 1 this is their rule itself.
"""

from dataclasses import dataclass

import numpy as np

from bayeslmm.point.inference import TINY, FTest, Inference, uncorrelated_rows

ROOM = 1.0  # what Reiter's nu* - 4 (1 + a) must exceed


@dataclass(frozen=True, slots=True)
class Shares:
    """What missing values cost q quantities, each (q,).

    Attributes
    ----------
    share
        lambda: of the total variance, due to missing values.
    riv
        Relative increase of the variance.
    df
        Of Barnard & Rubin.
    fmi
        Fraction of missing information, (riv + 2 / (df + 3)) / (1 + riv).
    """

    share: np.ndarray
    riv: np.ndarray
    df: np.ndarray
    fmi: np.ndarray

    @classmethod
    def of(cls, within: np.ndarray, between: np.ndarray, complete: np.ndarray, m: int) -> "Shares":
        """From Ubar, (1 + 1/m) B and the df without missing values, each (q,)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            share, riv = between / (within + between), between / within
            df = combined((m - 1) / share**2, complete, share)
        fmi = np.where(np.isinf(df), share, (riv + 2 / (df + 3)) / (1 + riv))
        return cls(share, riv, df, np.where(between == 0, 0.0, fmi))


def combined(nu_m: np.ndarray, complete: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Barnard & Rubin's df from those of the imputations and those without missing values."""
    with np.errstate(divide="ignore", invalid="ignore"):
        limit = np.where(np.isinf(complete), np.inf, (complete + 1) / (complete + 3) * complete * (1 - share))
        return 1 / (1 / nu_m + 1 / limit)


@dataclass(frozen=True, slots=True)
class Joint:
    """D1 on q and df degrees of freedom; `riv` is r, the average relative increase of the variance."""

    F: float
    q: int
    df: float
    riv: float


def d1(Q: np.ndarray, U: np.ndarray, complete: float) -> Joint:
    """Test that q functions are zero.

    Parameters
    ----------
    Q
        (m, q): their estimates in each imputed data set.
    U
        (m, q, q): covariances of these, of full rank in the mean.
    complete
        df without missing values; infinite for chi-square tests.
    """
    m, q = Q.shape
    mean, within = Q.mean(axis=0), U.mean(axis=0)
    B = np.atleast_2d(np.cov(Q.T, ddof=1))
    r = (1 + 1 / m) * float(np.trace(np.linalg.solve(within, B))) / q
    F = float(mean @ np.linalg.solve(within, mean)) / (q * (1 + r))
    return Joint(F, q, d1_df(r, q, m, complete), r)


def d1_df(r: float, q: int, m: int, complete: float) -> float:
    """Denominator df of D1."""
    t = q * (m - 1)
    if r <= TINY:
        return complete if np.isinf(complete) else (complete + 1) / (complete + 3) * complete
    a = r * t / (t - 2) if t > 2 else np.inf
    star = (complete + 1) / (complete + 3) * complete if np.isfinite(complete) else np.inf
    if q > 1 and t > 4 and np.isfinite(star) and star - 4 * (1 + a) > ROOM:
        return _reiter(a, t, star)
    nu_m = _li(r, q, t) if q > 1 else (m - 1) * (1 + 1 / r) ** 2
    return float(combined(np.array(nu_m), np.array(complete), np.array(r / (1 + r))))


def _li(r: float, q: int, t: int) -> float:
    """Of Li, Raghunathan & Rubin (1991), eqs. 1.17 and 1.18."""
    if t > 4:
        return 4 + (t - 4) * (1 + (1 - 2 / t) / r) ** 2
    return t * (1 + 1 / q) * (1 + 1 / r) ** 2 / 2


def _reiter(a: float, t: int, star: float) -> float:
    """Reiter (2007), eq. 2."""
    b, c, c1, c2 = 1 + a, 1 / (t - 4), star - 2 * (1 + a), star - 4 * (1 + a)
    z = 1 / c2 + c * (
        a**2 * c1 / (b**2 * c2)
        + 8 * a**2 * c1 / (b * c2**2)
        + 4 * a**2 / (b * c2)
        + 4 * a**2 / (c2 * c1)
        + 16 * a**2 * c1 / c2**3
        + 8 * a**2 / c2**2
    )
    return 4 + 1 / z


def d3(deviance: np.ndarray, pooled: np.ndarray, q: int) -> Joint:
    """Likelihood ratios over imputations (Meng & Rubin 1992, Biometrika 79, 103-111; df of Li et al. 1991).

    Parameters
    ----------
    deviance
        (m,): fall of the ML deviance from the smaller to the larger model, each at its own estimates.
    pooled
        (m,): the same with both at the means of their estimates over the imputations.
    q
        By how many parameters the models differ.
    """
    m = deviance.size
    r = max((m + 1) / (q * (m - 1)) * float(deviance.mean() - pooled.mean()), 0.0)
    F = max(float(pooled.mean()) / (q * (1 + r)), 0.0)
    return Joint(F, q, _li(r, q, q * (m - 1)) if r > TINY else np.inf, r)


@dataclass(frozen=True)
class Imputed(Inference):
    """Tests by Rubin's rules; `vcov` is T.

    Attributes
    ----------
    beta
        (m, p): coefficients of each imputed data set.
    each
        Tests in each of these.
    """

    beta: np.ndarray
    each: tuple[Inference, ...]

    @classmethod
    def of(cls, beta: np.ndarray, each: tuple[Inference, ...]) -> "Imputed":
        """Pool fits with coefficients (m, p) and tests by the same method."""
        m, p = beta.shape
        U = np.mean([i.vcov for i in each], axis=0)
        B = np.atleast_2d(np.cov(beta.T, ddof=1)) if p else np.zeros((0, 0))
        notes = tuple(dict.fromkeys(n for i in each for n in i.notes))
        return cls(U + (1 + 1 / m) * B, each[0].method, notes, beta, each)

    @property
    def m(self) -> int:
        """How many imputations."""
        return len(self.each)

    def shares(self, L: np.ndarray) -> Shares:
        """What missing values cost each row of L (r, p)."""
        within = np.mean([i.variances(L) for i in self.each], axis=0)
        between = (1 + 1 / self.m) * (self.beta @ L.T).var(axis=0, ddof=1)
        return Shares.of(within, between, self.complete_df(L), self.m)

    def complete_df(self, L: np.ndarray) -> np.ndarray:
        """Mean df of the tests of each row of L (r, p) in the imputed data sets."""
        return np.mean([i.df(L) for i in self.each], axis=0)

    def df(self, L: np.ndarray) -> np.ndarray:
        """Degrees of freedom of Barnard & Rubin of each row of L (r, p): (r,)."""
        return self.shares(L).df

    def f_test(self, L: np.ndarray, difference: np.ndarray) -> FTest:
        """D1 of L beta = r, L (r, p) and `difference` (r,) = L beta - r with the mean beta."""
        found = self.joint([L] * self.m, difference - L @ self.beta.mean(axis=0))
        return FTest(found.F, found.q, found.df)

    def joint(self, each: list[np.ndarray], constant: np.ndarray | float = 0.0) -> Joint:
        """D1 of constant + L beta = 0, with L (r, p) of each imputed data set; F is scaled as the method scales it."""
        U = np.array([L @ i.vcov @ L.T for L, i in zip(each, self.each, strict=True)])
        Q = np.array([L @ b for L, b in zip(each, self.beta, strict=True)]) + constant
        rows, values = uncorrelated_rows(np.eye(Q.shape[1]), U.mean(axis=0))
        if not values.size:
            return Joint(np.nan, 0, np.nan, np.nan)
        tests = [i.f_test(L, h) for i, L, h in zip(self.each, each, Q, strict=True)]
        complete = float(np.mean([t.df for t in tests]))
        found = d1(Q @ rows.T, rows @ U @ rows.T, complete)
        return Joint(found.F * float(np.mean([t.scale for t in tests])), found.q, found.df, found.riv)
