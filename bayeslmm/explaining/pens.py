r"""How symbols are written: as plain text, and as LaTeX.

plain   b1 Days + u0[Subject]        LaTeX   \\beta_{1}\\,\\mathrm{Days} + u_{0,\\mathrm{Subject}[i]}
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence

SPECIAL = {"\\": r"\backslash ", "^": r"\wedge ", "~": r"\sim ", " ": r"\ ", "`": "", ":": "{:}", "-": "{-}"} | {
    c: f"\\{c}" for c in "_%&#${}"
}


class Pen(ABC):
    """Writes the symbols of one model."""

    newline: str
    row: str
    omitted: str

    @abstractmethod
    def name(self, text: str) -> str:
        """A name of the data."""

    @abstractmethod
    def beta(self, j: int) -> str:
        """Fixed coefficient j."""

    @abstractmethod
    def alpha(self, j: int) -> str:
        """The coefficient j that varies between groups, in row i."""

    @abstractmethod
    def effect(self, letter: str, j: int, group: str) -> str:
        """Random effect j of the level of a group that row i belongs to."""

    @abstractmethod
    def normal(self, what: str, mean: str, variance: str) -> str:
        """`what` is normal."""

    @abstractmethod
    def squared(self, symbol: str) -> str:
        """The square."""

    @abstractmethod
    def sd(self, letter: str, j: int) -> str:
        """Sd of random effect j."""

    @abstractmethod
    def cor(self, letter: str, i: int, j: int) -> str:
        """Correlation of random effects i and j."""

    @abstractmethod
    def equation(self, left: str, right: str) -> str:
        """left = right."""

    @abstractmethod
    def vector(self, letter: str, which: Sequence[int], group: str) -> str:
        """Random effects of one level."""

    @abstractmethod
    def covariance(self, letter: str, which: Sequence[int]) -> tuple[str, list[str]]:
        """The covariance of correlated effects: its symbol, and the lines that define it."""

    sigma: str
    residual: str
    weight: str


class Plain(Pen):
    """Plain text."""

    newline, row, omitted = "\n", "i", "..."
    sigma, residual, weight = "sigma", "e[i]", "w[i]"

    def name(self, text: str) -> str:
        """The name itself."""
        return text

    def beta(self, j: int) -> str:
        """`b1`."""
        return f"b{j}"

    def alpha(self, j: int) -> str:
        """`a1[i]`."""
        return f"a{j}[i]"

    def effect(self, letter: str, j: int, group: str) -> str:
        """`u1[Subject]`."""
        return f"{letter}{j}[{group}]"

    def normal(self, what: str, mean: str, variance: str) -> str:
        """`e ~ Normal(0, sigma^2)`."""
        return f"{what} ~ Normal({mean}, {variance})"

    def squared(self, symbol: str) -> str:
        """`sigma^2`."""
        return f"{symbol}^2"

    def sd(self, letter: str, j: int) -> str:
        """`sd_u1`."""
        return f"sd_{letter}{j}"

    def cor(self, letter: str, i: int, j: int) -> str:
        """`cor_u01`; with a comma from ten effects on."""
        return f"cor_{letter}{i}{',' if max(i, j) > 9 else ''}{j}"

    def equation(self, left: str, right: str) -> str:
        """left = right."""
        return f"{left} = {right}"

    def vector(self, letter: str, which: Sequence[int], group: str) -> str:
        """`(u0, u1)[Subject]`."""
        names = ", ".join(f"{letter}{j}" for j in which)
        return f"({names})[{group}]" if len(which) > 1 else f"{names}[{group}]"

    def covariance(self, letter: str, which: Sequence[int]) -> tuple[str, list[str]]:
        """Its name, variances and covariances one by one."""
        name = f"S_{letter}" if which[0] == 0 else f"S_{letter}{which[0]}"
        sds = ", ".join(self.sd(letter, j) for j in which)
        pairs = ", ".join(self.cor(letter, i, j) for a, i in enumerate(which) for j in which[a + 1 :])
        return name, [f"{name}: sds {sds}; correlations {pairs}"]


class Latex(Pen):
    """LaTeX, for a mathematical environment."""

    newline, row, omitted = " \\\\\n", "i", r"\cdots"
    sigma, residual, weight = r"\sigma", r"\varepsilon_i", "w_i"

    def name(self, text: str) -> str:
        r"""`\\mathrm{name}`."""
        return rf"\mathrm{{{escaped(text)}}}"

    def beta(self, j: int) -> str:
        r"""`\\beta_{1}`."""
        return rf"\beta_{{{j}}}"

    def alpha(self, j: int) -> str:
        r"""`\\alpha_{1i}`."""
        return rf"\alpha_{{{j}i}}"

    def effect(self, letter: str, j: int, group: str) -> str:
        r"""`u_{1,\\mathrm{Subject}[i]}`."""
        return rf"{letter}_{{{j},{self.name(group)}[i]}}"

    def normal(self, what: str, mean: str, variance: str) -> str:
        r"""`e \\sim N(0, \\sigma^2)`."""
        return rf"{what} &\sim \mathcal{{N}}\left({mean},\, {variance}\right)"

    def squared(self, symbol: str) -> str:
        r"""`\\sigma^{2}`."""
        return f"{symbol}^{{2}}"

    def sd(self, letter: str, j: int) -> str:
        r"""`\\tau_{u_1}`."""
        return rf"\tau_{{{letter}_{{{j}}}}}"

    def cor(self, letter: str, i: int, j: int) -> str:
        r"""`\\rho_{u_{0},u_{1}}`."""
        return rf"\rho_{{{letter}_{{{i}}},{letter}_{{{j}}}}}"

    def equation(self, left: str, right: str) -> str:
        """Aligned at the sign of equality."""
        return f"{left} &= {right}"

    def vector(self, letter: str, which: Sequence[int], group: str) -> str:
        """A row of effects of one level g."""
        names = r",\, ".join(self._of(letter, j, group) for j in which)
        return rf"\left({names}\right)" if len(which) > 1 else names

    def _of(self, letter: str, j: int, group: str) -> str:
        return rf"{letter}_{{{j},{self.name(group)}}}"

    def covariance(self, letter: str, which: Sequence[int]) -> tuple[str, list[str]]:
        """A matrix in full up to three effects; its definition by elements beyond."""
        name = rf"\Sigma_{{{letter}_{{{which[0]}}}}}"
        if len(which) > 3:
            i, j = "a", "b"
            entry = rf"\rho_{{{letter}_{{{i}}},{letter}_{{{j}}}}}\,\tau_{{{letter}_{{{i}}}}}\,\tau_{{{letter}_{{{j}}}}}"
            return name, [rf"\left({name}\right)_{{ab}} &= {entry}"]
        rows = r" \\ ".join(" & ".join(self._entry(letter, i, j) for j in which) for i in which)
        return name, [rf"{name} &= \begin{{pmatrix}}{rows}\end{{pmatrix}}"]

    def _entry(self, letter: str, i: int, j: int) -> str:
        if i == j:
            return self.squared(self.sd(letter, i))
        a, b = min(i, j), max(i, j)
        return rf"{self.cor(letter, a, b)}{self.sd(letter, a)}{self.sd(letter, b)}"


def escaped(text: str) -> str:
    r"""A name as LaTeX's `\mathrm` and its like in notebooks take it: special characters escaped, signs without space.

    >>> print(escaped("a_b:c d%"))
    a\_b{:}c\ d\%
    """
    return "".join(SPECIAL.get(c, c) for c in text)
