"""What a fit and a posterior of the same model have to say alike: the model, the data, the software."""

import sys
from collections.abc import Collection, Mapping, Sequence
from importlib.metadata import version

from bayeslmm.design import Design, RandomTerm
from bayeslmm.errors import ArgumentError, did_you_mean
from bayeslmm.results.apa.numbers import counted, listed

MOST_TERMS = 12
PACKAGES = {
    "numpy": "NumPy",
    "scipy": "SciPy",
    "nlopt": "NLopt",
    "pymc": "PyMC",
    "pytensor": "PyTensor",
    "nutpie": "nutpie",
    "numpyro": "NumPyro",
    "numba": "Numba",
    "arviz": "ArviZ",
}
INTERCEPT = "(Intercept)"


def model_sentences(design: Design) -> list[str]:
    """The fixed part, the random part, and what of the data did not go in as it is."""
    labels = [t.label for t in design.fixed_terms if t.label != INTERCEPT]
    constant = any(t.label == INTERCEPT for t in design.fixed_terms)
    named = (["an intercept"] if constant else []) + labels
    fixed = f"The fixed part was {listed(named)}." if named else "The model had no fixed part."
    return [fixed, *(_random(t) for t in design.terms), *_exceptions(design)]


def _random(term: RandomTerm) -> str:
    intercepts = [e for e in term.effects if e == INTERCEPT]
    slopes = [e for e in term.effects if e != INTERCEPT]
    effect = "effect" if len(slopes) == 1 else "effects"
    parts = (["the intercept"] if intercepts else []) + ([f"the {effect} of {listed(slopes)}"] if slopes else [])
    possible = term.k * (term.k - 1) // 2
    tie = "" if not possible else ", independently of each other"
    if term.pairs:
        tie = ", with a correlation between them" if possible == 1 else ", with correlations between them"
    if 0 < len(term.pairs) < possible:
        tie = ", with correlations between some of them"
    subject = listed(parts)
    return f"{subject[0].upper()}{subject[1:]} varied randomly between the {term.n_levels} levels of {term.group}{tie}."


def _exceptions(design: Design) -> list[str]:
    said = []
    if design.contrasts:
        said.append(
            "Factors were coded: " + listed([f"{n} by {c}" for n, c in design.contrasts.items()]) + " contrasts."
        )
    if design.n_missing:
        left = counted(design.n_missing, "row")
        said.append(f"{left} with missing values {'was' if design.n_missing == 1 else 'were'} left out.")
    if design.dropped:
        what = "column" if len(design.dropped) == 1 else "columns"
        said.append(f"Collinear {what} left out: {', '.join(design.dropped)}.")
    if design.has_weights:
        said.append("Observations had prior weights" + _named(design.weights_name) + ".")
    if design.has_offset:
        said.append("An offset" + _named(design.offset_name) + " was part of the linear predictor.")
    return said


def _named(column: str) -> str:
    return f" ({column})" if column and column != "an array" else ""


def size(design: Design) -> str:
    """`25 observations in 5 levels of major`; without groups, `25 observations`."""
    groups = listed([f"{t.n_levels} levels of {t.group}" for t in design.terms])
    return f"{counted(design.n, 'observation')}{f' in {groups}' if groups else ''}"


def packages(*names: str) -> dict[str, str]:
    """Versions that are installed, by name."""
    return {name: version(name) for name in names}


def software(versions: Mapping[str, str], own: str = "") -> str:
    """`bayeslmm 0.1.0 (Python 3.13.0, NumPy 2.4.1)`."""
    python = f"Python {sys.version_info.major}.{sys.version_info.minor}.{sys.version_info.micro}"
    others = [f"{PACKAGES.get(name, name)} {v}" for name, v in versions.items()]
    return f"bayeslmm {own or version('bayeslmm')} ({', '.join([python, *others])})"


def chosen_terms(terms: Collection[str] | None, names: Sequence[str]) -> list[str]:
    """The coefficients to tell of: those asked for, or the first dozen with the intercept last.

    Raises
    ------
    ArgumentError
        No coefficient of this name.
    """
    if terms is None:
        return [*(n for n in names if n != INTERCEPT), *(n for n in names if n == INTERCEPT)][:MOST_TERMS]
    wanted = [terms] if isinstance(terms, str) else list(terms)
    for name in wanted:
        if name not in names:
            raise ArgumentError(f"apa(terms=...): no coefficient `{name}`" + did_you_mean(str(name), list(names)))
    return wanted


def coefficient_sentence(told: Sequence[str], texts: Sequence[str], total: int) -> str:
    """All coefficients in one sentence, by name."""
    if not told:
        return ""
    parts = [f"{effect_name(n)}, {t}" for n, t in zip(told, texts, strict=True)]
    rest = "" if len(told) == total else f" ({len(told)} of {total} coefficients)"
    return f"Fixed effects{rest}: {'; '.join(parts)}."


def effect_name(name: str) -> str:
    """An effect as a sentence names it."""
    return "intercept" if name == INTERCEPT else name
