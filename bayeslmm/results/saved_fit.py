"""A fit in a file: its model, how it was fitted, and the criterion that fitting again must give."""

from typing import TYPE_CHECKING

from bayeslmm.bayes.files import PathLike
from bayeslmm.bayes.packed_priors import pack_priors
from bayeslmm.design.packed import pack
from bayeslmm.results.saved import Saved, write

if TYPE_CHECKING:
    from bayeslmm.results.fit import Fit


def save_fit(fit: "Fit", path: PathLike) -> None:
    """Write a fit; errors as for `saved.write`."""
    method = fit.optimizer.split()[0]
    about = {
        "data_name": fit.data_name,
        "reml": bool(fit.reml),
        "optimizer": "lbfgs" if method == "none" else method,
        "criterion": float(fit.criterion),
    }
    write(path, Saved("fit", about, {"design": pack(fit.design), "priors": pack_priors(fit.model.priors)}))
