"""R-hat and effective sample sizes of many parameters at once, without the seconds that importing ArviZ takes.

Draws are split into halves of chains, C of n draws each, and ranked over all S: z = Phi^-1((rank - 3/8) / (S + 1/4)).

    R-hat^2 = (B / W + n - 1) / n           of z, and of z of |x - median|: the larger one
    ESS     = C n / tau,   tau = -1 + 2 sum_{k<K} min_{j<=k} P_j + rho_2K,   P_k = rho_2k + rho_2k+1
    rho_t   = 1 - (W - mean_c acov_ct) / (W (n - 1) / n + B / n)

K is the first k whose P_k is not positive. The bulk's ESS is that of z; the tail's the smaller one of the indicators of
x <= 5% quantile and x <= 95% quantile.

References
----------
Vehtari, Gelman, Simpson, Carpenter & Buerkner (2021), Bayesian Analysis 16: 667-718: eq. 4 (R-hat), 10 and 11 (rho,
tau, by Geyer's initial monotone sequence), 14 (ranks), sections 3.2 and 4.3. The numbers are ArviZ's.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.special import ndtri

RESOLUTION = float(np.finfo(float).resolution)
TAIL = (0.05, 0.95)
FEW = 16  # lags that are looked at before all of them are


def rhat_and_ess(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """R-hat, ESS of the bulk and ESS of the tail, each (m,), of values (m, chains, draws)."""
    halves = split(values)
    ordered = _Ordered.of(halves)
    scores = ordered.scores()
    whole = ordered.values if halves.size == values.size else values.reshape(len(values), -1)
    return _rhat(scores, ordered), ess(scores), _ess_tail(values, whole)


def rhat(values: np.ndarray) -> np.ndarray:
    """Rank-normalised split R-hat (m,) of values (m, chains, draws): the larger one of location and of spread."""
    ordered = _Ordered.of(split(values))
    return _rhat(ordered.scores(), ordered)


def ess_bulk(values: np.ndarray) -> np.ndarray:
    """Effective draws (m,) for the middle of the distribution, of values (m, chains, draws)."""
    return ess(normal_scores(split(values)))


def ess_tail(values: np.ndarray) -> np.ndarray:
    """Effective draws (m,) for the 5% and the 95% quantile, the smaller one."""
    return _ess_tail(values, values.reshape(len(values), -1))


def _ess_tail(values: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """The same, with the draws (m, S) in any order: those in order have their quantiles found soonest."""
    ends = np.quantile(whole, TAIL, axis=1)
    below = np.concatenate([values <= end[:, None, None] for end in ends]).astype(float)
    return ess(split(below)).reshape(2, -1).min(axis=0)


def ess_mean(values: np.ndarray) -> np.ndarray:
    """Effective draws (m,) for the mean."""
    return ess(split(values))


def split(values: np.ndarray) -> np.ndarray:
    """(m, 2 chains, half the draws): the draw in the middle of an odd number is left out."""
    half = values.shape[2] // 2
    return np.concatenate([values[:, :, :half], values[:, :, -half:]], axis=1)


def normal_scores(values: np.ndarray) -> np.ndarray:
    """Normal scores of the average ranks of each of m parameters, in the shape of values (m, C, n)."""
    return _Ordered.of(values).scores()


@dataclass(frozen=True, slots=True, eq=False)
class _Ordered:
    """Draws in ascending order, sorted once for ranks, median and quantiles.

    Attributes
    ----------
    shape
        (m, C, n).
    place
        (m, S): where each stood in the flat array.
    values
        (m, S).
    """

    shape: tuple[int, ...]
    place: np.ndarray
    values: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray) -> Self:
        """Sort values (m, C, n)."""
        m, S = values.shape[0], values[0].size
        place = np.argsort(values.reshape(m, S), axis=1)
        place += S * np.arange(m)[:, None]
        return cls(values.shape, place, values.ravel()[place])

    def folded(self) -> "_Ordered":
        """|x - median|: two runs that are in order already, which a stable sort merges."""
        m, S = self.values.shape
        centre = (self.values[:, (S - 1) // 2] + self.values[:, S // 2]) / 2
        distance = np.abs(self.values - centre[:, None])
        order = np.argsort(distance, axis=1, kind="stable")
        order += S * np.arange(m)[:, None]
        return _Ordered(self.shape, self.place.ravel()[order], distance.ravel()[order])

    def scores(self) -> np.ndarray:
        """Normal scores of the average ranks of each parameter, in the shape of the draws."""
        S = self.values.shape[1]
        of_twice = ndtri((np.arange(2 * S + 1) / 2 - 3 / 8) / (S + 1 / 4))
        out = np.empty(self.place.size)
        out[self.place] = of_twice[_twice_ranks(self.values)]
        return out.reshape(self.shape)


def _twice_ranks(ordered: np.ndarray) -> np.ndarray:
    """Twice the average ranks (m, S) of values that are sorted along the rows."""
    m, S = ordered.shape
    twice = np.tile(2 * np.arange(1, S + 1), (m, 1))
    row, column = np.nonzero(ordered[:, 1:] == ordered[:, :-1])
    if row.size:
        pair = row * S + column
        ends = np.append(np.flatnonzero(np.diff(pair) != 1), pair.size - 1)
        length = np.diff(ends, prepend=-1) + 1
        first = pair[ends] - length + 2
        within = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length)
        twice.ravel()[np.repeat(first, length) + within] = np.repeat(2 * (first % S) + length + 1, length)
    return twice


def _rhat(scores: np.ndarray, ordered: _Ordered) -> np.ndarray:
    """R-hat (m,) of halves of chains with these normal scores, and in order."""
    return np.fmax(_plain_rhat(scores), _plain_rhat(ordered.folded().scores()))


def _plain_rhat(z: np.ndarray) -> np.ndarray:
    """R-hat (m,) of values (m, C, n) as they are."""
    n = z.shape[2]
    between = n * z.mean(axis=2).var(axis=1, ddof=1)
    within = z.var(axis=2, ddof=1).mean(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.sqrt((between / within + n - 1) / n)


def ess(values: np.ndarray) -> np.ndarray:
    """Effective draws (m,) of values (m, C, n) as they are, C > 1; all of them where they do not vary."""
    _, C, n = values.shape
    mean = values.mean(axis=2, keepdims=True)
    centred = values - mean
    between = mean[:, :, 0].var(axis=1, ddof=1)
    tau, known = _tau(_first_autocovariances(centred, min(FEW, n)), between, n)
    if not known.all():
        tau[~known] = _tau(_autocovariances(centred[~known]), between[~known], n)[0]
    constant = np.ptp(values, axis=(1, 2)) < RESOLUTION
    return np.where(constant, C * n, C * n / np.maximum(tau, 1 / np.log10(C * n)))


def _first_autocovariances(centred: np.ndarray, lags: int) -> np.ndarray:
    """Autocovariance (m, lags), the mean over chains, of centred values (m, C, n): cheap where few lags will do."""
    m, C, n = centred.shape
    out = np.empty((m, lags))
    for t in range(lags):
        out[:, t] = np.einsum("mcn,mcn->m", centred[:, :, : n - t], centred[:, :, t:])
    return out / (C * n)


def _autocovariances(centred: np.ndarray) -> np.ndarray:
    """Autocovariance (m, n) at all lags."""
    n = centred.shape[2]
    size = 1 << (2 * n - 1).bit_length()
    spectrum = np.fft.rfft(centred, n=size, axis=2)
    power = (spectrum.real**2 + spectrum.imag**2).mean(axis=1)
    return np.fft.irfft(power, n=size, axis=1)[:, :n] / n


def _tau(acov: np.ndarray, between: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Autocorrelation time (m,) by Geyer's initial monotone sequence, and (m,) bool where the lags suffice for it.

    Parameters
    ----------
    acov
        (m, lags): autocovariance, the mean over chains.
    between
        (m,): variance of the means of chains.
    n
        Draws of a chain.
    """
    within = acov[:, 0] * n / (n - 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        rho = 1 - (within[:, None] - acov) / (acov[:, 0] + between)[:, None]
    rho[:, 0] = 1.0
    last = max((n - 3) // 2, 0)
    size = min(last + 1, acov.shape[1] // 2)
    pairs = rho[:, : 2 * size : 2] + rho[:, 1 : 2 * size : 2]
    stops = ~(pairs > 0)
    K = np.where(stops.any(axis=1), stops.argmax(axis=1), size - 1)
    rows, inside = np.arange(len(rho)), np.arange(size) < K[:, None]
    end = rho[rows, 2 * K]
    end = np.where((end > 0) | (pairs[rows, K] >= 0), end, 0.0)
    tau = -1 + 2 * np.where(inside, np.minimum.accumulate(pairs, axis=1), 0.0).sum(axis=1) + end
    return tau, stops.any(axis=1) | (size == last + 1)
