"""`LinearFit`: a linear model without groups, with the summary that R's `summary(lm())` prints; a file a chapter."""

from dataclasses import dataclass

from bayeslmm.results.linear_fit.looking import LinearLooks
from bayeslmm.results.linear_fit.means import LinearMeans
from bayeslmm.results.linear_fit.telling import LinearWords


@dataclass(frozen=True, repr=False)
class LinearFit(LinearWords, LinearMeans, LinearLooks):
    """A least-squares fit: complete pooling, where the data have groups.

    With clusters, `vcov`, `bse`, `tests`, `confint` and `summary` have cluster-robust errors: CR2 with Satterthwaite
    degrees of freedom (Bell & McCaffrey 2002). Other kinds are in `robust`.

    Attributes
    ----------
    design
        The arrays.
    estimates
        The numbers.
    data_name
        What the summary calls the data; without a name it tells the number of rows.
    clusters
        Which rows may be dependent, or None.
    """

    @property
    def _fit(self) -> "LinearFit":
        return self
