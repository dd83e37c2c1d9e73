"""Coordinates in which one parameter of the model is held and all others are free of constraints.

Factors are searched in the whitened basis of `cone`, lower triangular: V = L L' is positive semi-definite whatever
their entries are, and the criterion is smooth in them, at zero variances too. A fixed effect is held by the restricted
likelihood, sigma by giving it; what is held of a covariance has charts of its own (see `covariance_chart`).
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from bayeslmm.likelihood.marginal import MarginalLikelihood
from bayeslmm.likelihood.plain import split
from bayeslmm.likelihood.restricted import Restriction
from bayeslmm.point.cone import Cone


class Told(NamedTuple):
    """The criterion at a path parameter t and free coordinates z.

    Attributes
    ----------
    value, by_free, by_path
        -2 log L, its derivatives by z (s,) and by t.
    lambdas, sigma, beta
        The model there: relative factors (k, k) per term, residual sd, coefficients (p,).
    """

    value: float
    by_free: np.ndarray
    by_path: float
    lambdas: tuple[np.ndarray, ...]
    sigma: float
    beta: np.ndarray


class Chart(ABC):
    """A criterion in (t, z): one parameter held at what t says, everything else free."""

    @abstractmethod
    def tell(self, t: float, z: np.ndarray) -> Told:
        """Evaluate; raises numpy.linalg.LinAlgError where the factorisation breaks down."""

    @abstractmethod
    def start(self, lambdas: Sequence[np.ndarray], sigma: float) -> np.ndarray:
        """The z (s,) of a model."""

    @abstractmethod
    def lifted(self, z: np.ndarray, size: float) -> np.ndarray | None:
        """The same z with some variance in directions that have none; None where all have some.

        At zero variance the derivative is zero by symmetry whether or not the criterion falls towards both sides.
        """

    def collapsed(self) -> tuple[int, ...]:
        """Entries of z at whose zero the criterion does not depend on t; mostly none.

        A correlation says nothing where the sd of one of its effects is zero, so that its profile never rises above
        the least criterion of the models without variance in that effect.
        """
        return ()


def lift(cone: Cone, x: np.ndarray, size: float) -> np.ndarray | None:
    """Give empty columns of whitened factors x (cone.size,) some variance; None where there are none."""
    factors = cone.split(x)
    empty = [np.abs(X).max(axis=0) < NONE for X in factors]
    if not any(e.any() for e in empty):
        return None
    for X, e in zip(factors, empty, strict=True):
        X[e, e] = size
    return np.concatenate([X[b.lower] for b, X in zip(cone.blocks, factors, strict=True)])


NONE = 1e-3


def triangular(X: np.ndarray) -> np.ndarray:
    """The lower-triangular factor with the same X X'."""
    return np.linalg.qr(X.T, mode="r").T


@dataclass(frozen=True, slots=True)
class FixedEffectChart(Chart):
    """t = l'beta; z are the whitened relative factors, sigma is profiled out. ML only."""

    restriction: Restriction
    cone: Cone

    def tell(self, t: float, z: np.ndarray) -> Told:
        """Evaluate the restricted likelihood."""
        likelihood = self.restriction.at(t)
        flat = self.cone.map @ z
        found = likelihood.evaluate(flat, reml=False)
        sigma = likelihood.sigma(found.parts, reml=False)
        by_path = self.restriction.by_value(t, found) / sigma**2
        beta = likelihood.basis.coefficients(found.gamma)
        value = likelihood.value(found.parts, reml=False)
        lambdas = split(likelihood.structure, flat)
        return Told(value, found.gradient @ self.cone.map, by_path, lambdas, sigma, beta)

    def start(self, lambdas: Sequence[np.ndarray], sigma: float) -> np.ndarray:
        """Whitened, triangular."""
        return whitened(self.cone, lambdas)

    def lifted(self, z: np.ndarray, size: float) -> np.ndarray | None:
        """Lift empty columns."""
        return lift(self.cone, z, size)


@dataclass(frozen=True, slots=True)
class ResidualChart(Chart):
    """t = sigma; z are the whitened relative factors."""

    likelihood: MarginalLikelihood
    cone: Cone
    reml: bool

    def tell(self, t: float, z: np.ndarray) -> Told:
        """Evaluate at a given sigma."""
        likelihood, flat = self.likelihood, self.cone.map @ z
        found = likelihood.evaluate(flat, self.reml, t)
        by_path = likelihood.sigma_derivative(found.parts, t, self.reml)
        value = likelihood.value(found.parts, self.reml, t)
        beta = likelihood.basis.coefficients(found.gamma)
        lambdas = split(likelihood.structure, flat)
        return Told(value, found.gradient @ self.cone.map, by_path, lambdas, t, beta)

    def start(self, lambdas: Sequence[np.ndarray], sigma: float) -> np.ndarray:
        """Whitened, triangular."""
        return whitened(self.cone, lambdas)

    def lifted(self, z: np.ndarray, size: float) -> np.ndarray | None:
        """Lift empty columns."""
        return lift(self.cone, z, size)


def whitened(cone: Cone, lambdas: Sequence[np.ndarray]) -> np.ndarray:
    """Return the whitened factors x (cone.size,) of relative ones (k, k), which need not be triangular."""
    parts = []
    for b in cone.blocks:
        own = lambdas[b.term][list(b.effects)]
        X = np.linalg.qr(np.linalg.solve(b.root, own).T, mode="r").T
        full = np.zeros((b.k, b.k))
        full[:, : X.shape[1]] = X[:, : b.k]
        parts.append(full[b.lower])
    return np.concatenate([np.zeros(0), *parts])
