"""A command that ends in one table: what it is asked, its fit, its posterior, and how it is shown."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import pandas as pd

from bayeslmm.cli.fitting import any_fit, mixed_fit, sampled
from bayeslmm.cli.request import Request
from bayeslmm.cli.show import Shown, output_file, show
from bayeslmm.cli.terminal import Terminal
from bayeslmm.results.fit import Ddf, Fit
from bayeslmm.results.linear_fit import LinearFit

if TYPE_CHECKING:
    from bayeslmm.results.posterior import Posterior


@dataclass(frozen=True, slots=True)
class Task:
    """One command: its name, what was asked for, and where its notes go."""

    command: str
    request: Request
    terminal: Terminal

    @property
    def ddf(self) -> Ddf:
        """Method of the degrees of freedom."""
        return cast(Ddf, self.request.ddf)

    def fit(self) -> Fit:
        """The mixed model, fitted."""
        return mixed_fit(self.request, self.command)

    def any_fit(self) -> Fit | LinearFit:
        """The mixed model, or least squares where the formula has no bar; that is said."""
        return any_fit(self.request, self.command, self.terminal)

    def posterior(self, fit: Fit) -> "Posterior | None":
        """The posterior of the same model, where it was asked for."""
        return sampled(self.request, fit, self.terminal)

    def shown(
        self, text: str, table: pd.DataFrame, index: str | None = None, fit: Fit | LinearFit | None = None, **about: Any
    ) -> Shown:
        """The result, with what every document says of the data."""
        rows = {} if fit is None else {"nobs": fit.design.n, "rows_left_out": fit.design.n_missing}
        head = {"command": self.command, "formula": self.request.formula, "data": self.request.data}
        return Shown(text, table, index, {**head, **rows, **about})


def run(command: str, request: Request, make: Callable[..., Shown], **options: Any) -> None:
    """Make a result, and show it.

    Parameters
    ----------
    make
        Called with the `Task` and the options.

    Raises
    ------
    BayeslmmError
        With a sentence for the user.
    """
    output_file(request.out)
    terminal = Terminal.new(silent=request.json)
    with terminal.warnings_as_notes():
        shown = make(Task(command, request, terminal), **options)
    show(shown, terminal, request.out, request.json)
