"""Hard problems: the optimum is certified, and equals that of the same model in an easy form."""

import numpy as np
import pandas as pd
import pytest

import bayeslmm as blm

DATA = blm.datasets.load("sleepstudy")
DAYS = DATA["Days"].to_numpy()
EASY = blm.lmer("Reaction ~ Days + (Days | Subject)", DATA)


@pytest.mark.parametrize("engine", ["plain", "compiled"])
@pytest.mark.parametrize(
    ("formula", "columns", "shift"),
    [
        ("Reaction ~ v + (v | Subject)", {"v": DAYS + 2000.0}, 0.0),
        ("Reaction ~ v + (v | Subject)", {"v": 1.6e9 + 86_400.0 * DAYS}, 2 * np.log(86_400.0)),
        ("Reaction ~ v + (v | Subject)", {"v": 1e-6 * DAYS}, 2 * np.log(1e-6)),
        ("Reaction ~ Days + (Days | Subject)", {"Reaction": DATA["Reaction"] + 1e7}, 0.0),
        ("Reaction ~ Days + (Days | Subject)", {"Reaction": DATA["Reaction"] * 1e-9}, 178 * 2 * np.log(1e-9)),
    ],
    ids=["near 2,000", "near 1.6e9", "tiny units", "y + 1e7", "y * 1e-9"],
)
def test_units_and_origins_change_nothing(formula, columns, shift, engine, monkeypatch):
    monkeypatch.setenv("BAYESLMM_ENGINE", engine)
    fit = blm.lmer(formula, DATA.assign(**columns))
    assert fit.converged, fit.certificate
    assert fit.criterion == pytest.approx(EASY.criterion + shift, abs=1e-5)


def test_effects_whose_sds_differ_by_a_million_are_no_saddle():
    rng = np.random.default_rng(6)
    g = np.repeat(np.arange(40), 10)
    x = rng.normal(size=(400, 2))
    b = rng.normal(size=(40, 3)) * [1.0, 1e3, 1e-3]
    y = b[g, 0] + x[:, 0] * b[g, 1] + x[:, 1] * b[g, 2] + rng.normal(size=400)
    data = pd.DataFrame({"y": y, "g": g, "x1": x[:, 0], "x2": x[:, 1]})
    with pytest.warns(blm.errors.SingularFitWarning):
        fit = blm.lmer("y ~ x1 + x2 + (x1 + x2 | g)", data)
    assert fit.converged, fit.certificate
    assert fit.certificate.smallest_eigenvalue > 0


def test_a_wide_covariance_is_certified():
    rng = np.random.default_rng(7)
    k, g = 8, np.repeat(np.arange(30), 25)
    X = np.column_stack([np.ones(g.size), rng.normal(size=(g.size, k - 1))])
    root = np.linalg.cholesky(0.5 * np.eye(k) + 0.5)
    y = (X * (rng.normal(size=(30, k)) @ root.T)[g]).sum(axis=1) + rng.normal(size=g.size)
    data = pd.DataFrame({"y": y, "g": g, **{f"x{i}": X[:, i] for i in range(1, k)}})
    fit = blm.lmer("y ~ 1 + (" + " + ".join(f"x{i}" for i in range(1, k)) + " | g)", data)
    assert fit.converged
    assert len(fit.theta) == k * (k + 1) // 2
    assert fit.optimum.evaluations < 150
