"""The head of a posterior's summary: which engine and sampler made the draws, and on a page of 80 characters."""

import numpy as np
import pytest

from tests.results.posterior_draws import case, frame

SLOPES, LEVELS = "y ~ x + z + (1 + x | g)", "y ~ x + (1 | g)"


def summary(formula: str, attrs: dict, **options):
    post = case(formula, **options).post
    post.data.attrs = attrs
    return post.summary()


def joined(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize(
    ("formula", "attrs", "said"),
    [
        (
            SLOPES,
            {"engine": "marginal", "sampler": "bayeslmm", "sampled": ""},
            "Engine: marginal: random effects and coefficients integrated out exactly, NUTS on sds, correlations and "
            "sigma Draws: 2 chains x 40 draws; 95%",
        ),
        (
            SLOPES,
            {"engine": "marginal", "sampler": "nutpie", "sampled": "x, z", "tune": 200},
            "random effects and coefficients (all but x, z) integrated out exactly, NUTS of nutpie on sds, "
            "correlations, sigma, x and z Draws: 2 chains x 40 draws (warm-up 200)",
        ),
        (
            LEVELS,
            {"engine": "marginal", "sampled": "(Intercept), x"},
            "marginal: random effects integrated out exactly, NUTS on sds, sigma and the coefficients",
        ),
        (
            LEVELS,
            {"engine": "hierarchical", "sampler": "pymc", "parameterisation": "g: noncentred"},
            "hierarchical: everything is sampled, NUTS of pymc; random effects g: noncentred",
        ),
        (
            LEVELS,
            {"engine": "given draws", "effects": "drawn exactly, given these", "tune": 3},
            "given draws; coefficients and random effects drawn exactly, given these Draws: 2 chains x 40 draws; 95%",
        ),
    ],
)
def test_the_head_says_how_draws_were_made(formula, attrs, said):
    text = summary(formula, attrs).text
    assert said in joined(text)
    assert max(map(len, text.splitlines())) <= 80


def test_importance_draws_have_the_ess_of_their_weights_and_no_rhat():
    attrs = {"engine": "importance", "khat": 0.32, "importance_ess": 1284.2, "proposals": 1600, "sampled": ""}
    found = summary(SLOPES, attrs)
    said = (
        "80 draws from 1600 weighted proposals; 95% equal-tailed intervals k-hat 0.32 (good below 0.7): the weights "
        "are worth 1284 independent draws"
    )
    assert said in joined(found.text.replace("Draws: 80", "80 draws"))
    assert "posterior by importance sampling" in found.text
    assert "R-hat" not in found.text
    for table in (found.fixed, found.random):
        assert table["rhat"].isna().all()
        assert np.allclose(table[["ess_bulk", "ess_tail"]], 1284.2)


def test_long_names_of_groups_become_headings():
    data = frame().rename(columns={"a": "laboratory", "b": "participant"})
    text = summary("y ~ x + (1 + x | laboratory/participant)", {"engine": "marginal"}, data=data).text
    table = text[text.index("Random effects:") : text.index("Number of obs")]
    lines = table.splitlines()
    assert " participant:laboratory" in lines
    assert lines[lines.index(" laboratory") + 1].startswith("   sd (Intercept)")
    assert lines[lines.index(" Residual") + 1].startswith("   sd ")
    assert max(map(len, lines)) <= 80
