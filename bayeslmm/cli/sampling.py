"""Sample a posterior with a progress bar where somebody looks on."""

from typing import Any

from bayeslmm.cli.terminal import Terminal
from bayeslmm.results.fit import Fit


def sample(fit: Fit, terminal: Terminal, **options: Any) -> Any:
    """Sample the posterior of a fit's model; options as for `Model.sample`. Returns a `Posterior`."""
    return fit.sample(progressbar=terminal.watched, **options)
