"""From a posterior to the fit, and to a file."""

from typing import Any

from bayeslmm.bayes.files import PathLike
from bayeslmm.bayes.packed_priors import pack_priors
from bayeslmm.design.packed import pack
from bayeslmm.results.posterior.base import PosteriorBase
from bayeslmm.results.saved import Saved, write


class PosteriorOnwards(PosteriorBase):
    """Where to go from here."""

    def fit(self, reml: bool = True) -> Any:
        """Fit the same model by REML or ML. Returns a `Fit`."""
        return self.model.fit(reml=reml)

    def save(self, path: PathLike) -> None:
        """Save to a file that `blm.load` reads; ArviZ reads the draws in it too.

        It holds the draws, the formula, the columns that it uses, contrasts and levels, priors, seed, settings and
        versions: everything but functions of one's own, which are given again to `blm.load`.

        Parameters
        ----------
        path
            A name that ends in `.nc` (netCDF) or `.zarr` (Zarr, where installed). A file of that name is replaced once
            the new one is whole.

        Raises
        ------
        ArgumentError
            The file cannot be written; nothing is lost.
        """
        parts = {"design": pack(self.design), "priors": pack_priors(self.priors)}
        write(path, Saved("posterior", {"data_name": self.model.data_name}, parts, self.data))
