"""The draws of a posterior as NumPy arrays, chains joined: what all other files compute on.

    beta (S, p)   sigma (S,)   and, for each grouping factor,  sd (S, k)   corr (S, k, k)   b (S, J, k)

with S = chains x draws, the chain first.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from bayeslmm.bayes.names import pair_labels, short
from bayeslmm.design import Design, RandomTerm
from bayeslmm.errors import ArgumentError
from bayeslmm.results.tables import estimated_pairs

CHUNK = 4_000_000  # numbers held at once: 32 MB


@dataclass(frozen=True)
class Draws:
    """Draws of one posterior, in the order of the design.

    Attributes
    ----------
    posterior
        The dataset with dims chain and draw.
    design
        The arrays of the model.
    """

    posterior: xr.Dataset
    design: Design

    @classmethod
    def of(cls, data: xr.DataTree, design: Design) -> "Draws":
        """Read the group `posterior` of a tree; refuses one that belongs to another model."""
        if "posterior" not in data.children:
            raise ArgumentError(f"the data have no group `posterior`; there is {', '.join(data.children) or 'nothing'}")
        posterior = data["posterior"].to_dataset()
        needed = [
            "sigma",
            *(f"{v}_{t.group}" for t in design.terms for v in ("sd", "b")),
            *(["beta"] if design.p else []),
        ]
        missing = [name for name in needed if name not in posterior]
        if missing:
            raise ArgumentError(f"the posterior has no `{missing[0]}`, which the formula {design.formula.text!r} needs")
        return cls(posterior, design)

    @property
    def shape(self) -> tuple[int, int]:
        """(chains, draws)."""
        return self.posterior.sizes["chain"], self.posterior.sizes["draw"]

    @property
    def size(self) -> int:
        """S, the number of draws of all chains."""
        return self.shape[0] * self.shape[1]

    @property
    def beta(self) -> np.ndarray:
        """(S, p): the fixed effects."""
        if not self.design.p:
            return np.zeros((self.size, 0))
        return self._array("beta", coef=self.design.coef_names)

    @property
    def sigma(self) -> np.ndarray:
        """(S,): the residual sd."""
        return self._array("sigma")

    def sd(self, term: RandomTerm) -> np.ndarray:
        """(S, k): sds of a term's effects."""
        g = term.group
        return self._array(f"sd_{g}", **{f"{g}_effect": [short(e) for e in term.effects]})

    def cor(self, term: RandomTerm) -> np.ndarray:
        """(S, pairs): the estimated correlations of a term, in the order of `estimated_pairs`."""
        pairs = pair_labels(term)
        if not pairs:
            return np.zeros((self.size, 0))
        return self._array(f"cor_{term.group}", **{f"{term.group}_pair": pairs})

    def b(self, term: RandomTerm) -> np.ndarray:
        """(S, J, k): the random effects of a term."""
        g = term.group
        return self._array(f"b_{g}", **{g: term.levels, f"{g}_effect": [short(e) for e in term.effects]})

    def corr(self, term: RandomTerm) -> np.ndarray:
        """(S, k, k): correlation matrices of a term; zero where no correlation is estimated."""
        R = np.broadcast_to(np.eye(term.k), (self.size, term.k, term.k)).copy()
        cor = self.cor(term)
        for column, (i, j) in enumerate(estimated_pairs(term)):
            R[:, i, j] = R[:, j, i] = cor[:, column]
        return R

    def cov(self, term: RandomTerm) -> np.ndarray:
        """(S, k, k): covariance matrices of a term."""
        sd = self.sd(term)
        return self.corr(term) * sd[:, :, None] * sd[:, None, :]

    def _array(self, name: str, **labels: Sequence[str]) -> np.ndarray:
        """Chains joined, (S, ...), with every dimension in the order of its labels."""
        value = self.posterior[name].transpose("chain", "draw", *labels)
        for dim, wanted in labels.items():
            order = _positions([str(v) for v in value[dim].to_numpy()], list(wanted), name)
            value = value if order is None else value.isel({dim: order})
        array = np.asarray(value.to_numpy(), dtype=float)
        return array.reshape(self.size, *array.shape[2:])


def _positions(have: list[str], wanted: list[str], name: str) -> list[int] | None:
    """Where the labels wanted stand; None where they are in order already."""
    if have == wanted:
        return None
    where = {label: i for i, label in enumerate(have)}
    absent = [label for label in wanted if label not in where]
    if absent:
        raise ArgumentError(f"the posterior's `{name}` has no `{absent[0]}`: it belongs to another model")
    return [where[label] for label in wanted]


def chunks(n: int, each: int) -> Iterator[slice]:
    """Slices of 0..n with at most `CHUNK` numbers in one, where each item holds `each` numbers."""
    step = max(1, CHUNK // max(each, 1))
    for start in range(0, n, step):
        yield slice(start, min(start + step, n))
