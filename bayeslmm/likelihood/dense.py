"""The obvious n x n reference: V = Z Lambda Lambda' Z' + W^-1, written out. Slow, and held against everything else."""

from dataclasses import dataclass

import numpy as np

from bayeslmm.design import Design

LOG_2PI = float(np.log(2 * np.pi))


@dataclass(frozen=True, slots=True)
class Dense:
    """y (n,), X (n, p), Z (n, q) and weights (n,), with the (term, k) of each level's columns of Z."""

    y: np.ndarray
    X: np.ndarray
    Z: np.ndarray
    weights: np.ndarray
    blocks: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, design: Design) -> "Dense":
        """Write the design's Z out."""
        columns, blocks = [], []
        for t, term in enumerate(design.terms):
            for level in range(term.n_levels):
                columns.append(term.Z * (term.index == level)[:, None])
                blocks.append((t, term.k))
        Z = np.hstack(columns) if columns else np.zeros((design.n, 0))
        return cls(design.y_net, design.X, Z, design.weights, tuple(blocks))

    def big_lambda(self, lambdas: tuple[np.ndarray, ...]) -> np.ndarray:
        """Lambda (q, q): one copy of Lambda_t for each level."""
        out = np.zeros((self.Z.shape[1],) * 2)
        at = 0
        for t, k in self.blocks:
            out[at : at + k, at : at + k] = lambdas[t]
            at += k
        return out

    def covariance(self, lambdas: tuple[np.ndarray, ...]) -> np.ndarray:
        """V (n, n), in units of sigma^2."""
        ZL = self.Z @ self.big_lambda(lambdas)
        return ZL @ ZL.T + np.diag(1 / self.weights)

    def beta(self, lambdas: tuple[np.ndarray, ...]) -> tuple[np.ndarray, np.ndarray]:
        """Generalised least squares: beta (p,) and (X'V^-1 X)^-1 (p, p)."""
        V_inv = np.linalg.inv(self.covariance(lambdas))
        C = np.linalg.inv(self.X.T @ V_inv @ self.X)
        return C @ (self.X.T @ V_inv @ self.y), C

    def criterion(self, lambdas: tuple[np.ndarray, ...], reml: bool, sigma: float | None = None) -> float:
        """-2 log L, with sigma profiled out unless it is given."""
        V = self.covariance(lambdas)
        beta, _ = self.beta(lambdas)
        residual = self.y - self.X @ beta
        r2 = float(residual @ np.linalg.solve(V, residual))
        nu = self.y.size - (self.X.shape[1] if reml else 0)
        log_det = np.linalg.slogdet(V)[1]
        if reml:
            log_det += np.linalg.slogdet(self.X.T @ np.linalg.solve(V, self.X))[1]
        sigma2 = r2 / nu if sigma is None else sigma**2
        return float(log_det + nu * (LOG_2PI + np.log(sigma2)) + r2 / sigma2)

    def log_density(self, beta: np.ndarray, lambdas: tuple[np.ndarray, ...], sigma: float) -> float:
        """Log density of y ~ N(X beta, sigma^2 V)."""
        V = sigma**2 * self.covariance(lambdas)
        residual = self.y - self.X @ beta
        quadratic = residual @ np.linalg.solve(V, residual)
        return float(-0.5 * (np.linalg.slogdet(V)[1] + quadratic + self.y.size * LOG_2PI))

    def modes(self, lambdas: tuple[np.ndarray, ...]) -> np.ndarray:
        """b (q,) = Lambda Lambda' Z' V^-1 (y - X beta)."""
        Lambda = self.big_lambda(lambdas)
        beta, _ = self.beta(lambdas)
        return Lambda @ Lambda.T @ self.Z.T @ np.linalg.solve(self.covariance(lambdas), self.y - self.X @ beta)

    def mode_variance(self, lambdas: tuple[np.ndarray, ...]) -> np.ndarray:
        """Var(b | y, beta) / sigma^2, (q, q)."""
        G = self.big_lambda(lambdas) @ self.big_lambda(lambdas).T
        return G - G @ self.Z.T @ np.linalg.solve(self.covariance(lambdas), self.Z @ G)
