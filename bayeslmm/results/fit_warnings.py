"""What is wrong with a fit, as a warning."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bayeslmm.errors import PACKAGE, ConvergenceWarning, SingularFitWarning

if TYPE_CHECKING:
    from bayeslmm.results.fit import Fit


def warn(fit: "Fit") -> None:
    """Say what is wrong with a fit, with the number that shows it and the next step."""
    if fit.is_singular:
        reasons = "; ".join(r.sentence for r in fit.singularities)
        warnings.warn(
            f"boundary (singular) fit: {reasons}. The fixed effects can be used; for the sds and correlations see the "
            "posterior of the same model: fit.sample()",
            SingularFitWarning,
            skip_file_prefixes=PACKAGE,
        )
    if not fit.converged:
        rescale = "; bring the predictors with random effects to similar sds, scale(x), and fit again"
        cure = rescale if fit.optimizer.startswith("lbfgs") else '; optimizer="lbfgs" goes on to the optimum'
        warnings.warn(
            f"the fit did not converge: {'; '.join(fit.certificate.problems)}{cure}",
            ConvergenceWarning,
            skip_file_prefixes=PACKAGE,
        )


@contextmanager
def unwarned() -> Iterator[None]:
    """Fits that are singular or have not converged are not warned of: the caller says so, all at once."""
    with warnings.catch_warnings():
        for category in (SingularFitWarning, ConvergenceWarning):
            warnings.simplefilter("ignore", category)
        yield
