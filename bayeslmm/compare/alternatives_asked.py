"""What `blm.alternatives` is asked: which coefficients matter, and which groups are the clusters."""

from bayeslmm.compare.alternatives_notes import nested
from bayeslmm.design import Design, RandomTerm
from bayeslmm.errors import ArgumentError, FormulaError, did_you_mean


def clusters_of(design: Design, group: str | None) -> RandomTerm:
    """The clusters: the coarsest grouping factor in which the others are nested, else the one with most levels."""
    known = {t.group: t for t in design.terms}
    if group is not None and group not in known:
        raise ArgumentError(f"alternatives: no grouping factor `{group}`" + did_you_mean(group, known))
    if group is not None:
        return known[group]
    coarsest = design.terms[-1]
    return coarsest if all(nested(t, coarsest) for t in design.terms) else design.terms[0]


def focal_names(design: Design, focal: str | list[str] | None) -> tuple[str, ...]:
    """Names of coefficients; labels of terms stand for all of theirs."""
    names = design.coef_names
    if not names:
        raise FormulaError("alternatives: the fixed part has no coefficient to compare", design.formula.text)
    if focal is None:
        return tuple(n for n in names if n != "(Intercept)") or names
    terms = {t.label: tuple(names[j] for j in t.columns) for t in design.fixed_terms}
    found: list[str] = []
    for name in [focal] if isinstance(focal, str) else list(focal):
        if name not in names and not terms.get(name):
            raise ArgumentError(f"alternatives: no coefficient or term `{name}`" + did_you_mean(name, [*names, *terms]))
        found += [name] if name in names else terms[name]
    if not found:
        raise ArgumentError("alternatives: focal names no coefficient; leave it out for all")
    return tuple(dict.fromkeys(found))
