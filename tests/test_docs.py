"""The code in docs/ runs, and says what the text around it says."""

import re
import warnings
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

DOCS = Path(__file__).parents[1] / "docs"


def run(page: str) -> dict:
    """What the page's code leaves behind, block after block."""
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), flags=re.DOTALL)
    assert blocks
    names: dict = {}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*BLAS")
        for block in blocks:
            exec(compile(block, page, "exec"), names)
    return names


@pytest.mark.sampling
@pytest.mark.slow
def test_own_terms():
    names = run("own_terms.md")
    post, between = names["post"], names["between"]
    for posterior in (post, between):
        checks = posterior.diagnostics().table
        assert checks.loc["R-hat", "value"] < 1.02
        assert checks.loc["ESS bulk", "value"] > 400
    # the mean of the slopes' sd lies between that of the data alone, 6.5 (tests/reference/posterior), and 9
    sd = post.data["posterior"]["sd_Subject"].sel(Subject_effect="Days")
    assert 6.8 < float(sd.mean()) < 8.5
    share = between.data["posterior"]["share"].to_numpy()
    assert_allclose(share.mean(), between.icc()["estimate"], rtol=1e-10)
    # Beta(2, 4) and six batches: less than the 0.42 of REML, 1764 / (1764 + 2451.2) (lme4)
    assert 0.2 < share.mean() < 0.42
    assert np.isfinite(between.ranef()["estimate"]).all()
