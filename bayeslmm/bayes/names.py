"""What things are called in the posterior, the same for every sampler.

beta (coef); sigma; and for each grouping factor g: sd_g (g_effect), cor_g (g_pair), b_g (g, g_effect).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from bayeslmm.design import Design, RandomTerm
from bayeslmm.errors import ArgumentError

TAKEN = ("chain", "draw", "obs", "coef", "beta", "sigma", "y", "X", "weights", "offset")


def short(effect: str) -> str:
    """Name of an effect in the posterior: "Intercept" for R's "(Intercept)"."""
    return "Intercept" if effect == "(Intercept)" else effect


def pair_labels(term: RandomTerm) -> list[str]:
    """Names of the estimated correlations in the posterior, in the order of `term.pairs`."""
    return [f"{short(term.effects[j])}, {short(term.effects[i])}" for i, j in term.pairs]


@dataclass(frozen=True, slots=True)
class TermNames:
    """Names of one grouping factor's variables and dimensions.

    Attributes
    ----------
    group
        Dimension of the levels.
    effect, pair
        Dimensions of the effects and of the estimated correlations.
    sd, cor, b
        Variables.
    Z, index
        Data: the values that multiply the effects, and the level of each row.
    """

    group: str
    effect: str
    pair: str
    sd: str
    cor: str
    b: str
    Z: str
    index: str

    @classmethod
    def of(cls, term: RandomTerm) -> "TermNames":
        """Names for a term."""
        g = term.group
        return cls(g, f"{g}_effect", f"{g}_pair", f"sd_{g}", f"cor_{g}", f"b_{g}", f"Z_{g}", f"index_{g}")

    def __iter__(self) -> Iterator[str]:
        return iter((self.group, self.effect, self.pair, self.sd, self.cor, self.b, self.Z, self.index))


def coords(design: Design) -> dict[str, list]:
    """Labels of every dimension.

    Raises
    ------
    ArgumentError
        A grouping factor has a name that would be taken twice.
    """
    check_groups(design)
    out: dict[str, list] = {"obs": [int(i) for i in design.rows]}
    if design.p:
        out["coef"] = list(design.coef_names)
    for term in design.terms:
        names = TermNames.of(term)
        out[names.group] = list(term.levels)
        out[names.effect] = [short(e) for e in term.effects]
        if term.pairs:
            out[names.pair] = pair_labels(term)
    return out


def check_groups(design: Design) -> None:
    """Refuse grouping factors whose names cannot stand in a posterior."""
    seen = dict.fromkeys(TAKEN, "every posterior")
    for term in design.terms:
        if "/" in term.group:
            raise ArgumentError(
                f"the grouping factor `{term.group}` has a / in its name, which separates groups in the posterior's "
                "tree: rename the column"
            )
        for name in TermNames.of(term):
            if name in seen:
                raise ArgumentError(
                    f"the grouping factor `{term.group}` needs the name `{name}`, which {seen[name]} has already: "
                    "rename the column"
                )
        seen |= dict.fromkeys(TermNames.of(term), f"`{term.group}`")


def public_names(design: Design) -> list[str]:
    """Names of the variables that a posterior holds."""
    names = ["beta"] if design.p else []
    for term in design.terms:
        n = TermNames.of(term)
        names += [n.sd, *([n.cor] if term.pairs else []), n.b]
    return [*names, "sigma"]
