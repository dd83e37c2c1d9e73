"""The code in docs/ runs and says what the text says; every public name is documented; tables are those of the runs.

`mkdocs build --strict` (in .ci/run) looks for missing pages and anchors, and for what a page asks of the network.
"""

import importlib.util
import json
import re
import warnings
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

import bayeslmm as blm

HOME = Path(__file__).parents[1]
DOCS = HOME / "docs"
BLOCK = re.compile(r"^::: (\S+)$", re.MULTILINE)


def script(path: str):
    """A script of the project as a module."""
    spec = importlib.util.spec_from_file_location(Path(path).stem, HOME / path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def text(page: str | Path) -> str:
    return (DOCS / page).read_text(encoding="utf-8")


def run(page: str) -> dict:
    """What the page's code leaves behind, block after block."""
    blocks = re.findall(r"```python\n(.*?)```", text(page), flags=re.DOTALL)
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
    # what was censored is found again: the slope of the complete data by lme4 is 10.467, that of the clipped ones 8.03
    assert names["draws"]["log_likelihood"]["y"].dims == ("chain", "draw", "obs")
    assert abs(names["slope"].table["estimate"].iloc[0] - 10.467) < 1.0
    assert 8.03 < blm.lmer("Reaction ~ Days + (Days | Subject)", names["clipped"]).fixef["Days"] + 0.01 < 8.06


@pytest.mark.sampling
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::bayeslmm.errors.SingularFitWarning")
def test_home_and_getting_started(capsys):
    run("index.md")
    names = run("getting_started.md")
    assert names["fit"].converged
    assert names["post"].diagnostics().ok
    shown = capsys.readouterr().out
    for line in ("boundary (singular) fit", "Linear mixed model fit by REML", "HalfNormal(50)"):
        assert line in shown
    printed = re.findall(r"```text\n(.*?)```", text("getting_started.md"), flags=re.DOTALL)
    assert len(printed) > 2
    lines = {line for block in printed for line in block.splitlines() if line.strip() not in ("", "...")}
    assert lines - set(shown.splitlines()) == set()


def test_every_public_name_is_on_a_page_of_the_reference():
    documented = [name for page in (DOCS / "api").glob("*.md") for name in BLOCK.findall(text(page))]
    assert len(documented) == len(set(documented))
    last = {name.split(".")[-1] for name in documented}
    assert set(blm.__all__) - last == set()


def test_what_the_reference_documents_exists_and_has_words():
    for page in sorted((DOCS / "api").glob("*.md")):
        for path in BLOCK.findall(text(page)):
            module, _, name = path.rpartition(".")
            found = getattr(importlib.import_module(module), name)
            assert (found.__doc__ or "").strip(), path


def test_every_page_is_in_the_navigation():
    nav = (HOME / "mkdocs.yml").read_text(encoding="utf-8")
    pages = {str(p.relative_to(DOCS)) for p in DOCS.rglob("*.md")}
    assert pages == set(re.findall(r"^ +- [^:]+: (\S+\.md)$", nav, flags=re.MULTILINE))


def test_every_notebook_is_on_the_page_of_examples():
    listed = re.findall(r"\(examples/(\w+)\.md\)", text("examples.md"))
    assert sorted(listed) == sorted(path.stem for path in (HOME / "examples").glob("*.ipynb"))


def test_descriptions_in_tables_are_no_numbers():
    table = script("docs/making/trust.py").table
    assert table(["problem", "", "time"], [["a", "25 rows", "3 s"]]).splitlines()[1] == "| --- | --- | --: |"


def test_equations_are_numbered_in_order_and_those_referred_to_exist():
    page = text("how_it_works.md")
    numbers = [int(n) for n in re.findall(r"\\tag\{(\d+)\}", page)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) > 20
    referred = [int(n) for p in DOCS.rglob("*.md") for n in re.findall(r"#eq-(\d+)", text(p))]
    assert set(referred) <= set(numbers)


def test_files_that_the_pages_name_exist():
    pages = "".join(text(page) for page in ("how_it_works.md", "why_trust_it.md", "limitations.md"))
    names = re.findall(r"`((?:likelihood|point|bayes|benchmarks|tests)/[\w/]+\.\w+)`", pages)
    assert len(names) > 10
    for name in names:
        assert (HOME / name).exists() or (HOME / "bayeslmm" / name).exists(), name


def test_pages_ask_for_all_tables_of_the_runs():
    made = script("docs/making/trust.py").tables()
    assert sorted(re.findall(r"<!-- table: (\w+) -->", text("why_trust_it.md"))) == sorted(made)
    for table in made.values():
        head, rule, *rows = table.splitlines()
        assert rows
        assert {line.count(" | ") for line in (head, rule, *rows)} == {head.count(" | ")}


def test_tables_hold_the_numbers_of_the_runs():
    made = script("docs/making/trust.py").tables()
    runs = {
        name: json.loads((HOME / "benchmarks" / "results" / f"{name}.json").read_text()) for name in ("fit", "hard")
    }
    row = runs["fit"]["rows"]["InstEval"]
    found = next(line for line in made["fits"].splitlines() if line.startswith("| InstEval"))
    assert f"| {row['lme4'] / row['lmer']:.0f}x |" in found
    assert made["hard"].count("| yes |") == sum(r["holds"] for r in runs["hard"].values())


@pytest.mark.filterwarnings("ignore::bayeslmm.errors.BayeslmmWarning")
def test_the_table_of_parity_is_what_fits_give_today():
    parity = script("benchmarks/parity.py")
    kept = json.loads((HOME / "benchmarks" / "results" / "parity.json").read_text())
    names = parity.case_names()
    assert kept["cases"] == len(names)
    now = parity.summary(parity.measure([*names[::6], "cross_nest", "cross_slopes", "insteval_three", parity.APART]))
    assert list(now) == list(kept["rows"])
    for quantity, row in now.items():
        # what rounding leaves depends on the processor; what R's optimiser left does not
        limit = max(2 * kept["rows"][quantity]["largest"], 1e-10)
        assert row["largest"] <= limit, quantity
        assert row["in"] == kept["rows"][quantity]["in"]


def test_the_table_for_r_users_has_one_source():
    readme = (HOME / "README.md").read_text(encoding="utf-8")
    for page in DOCS.glob("*.md"):
        for name in re.findall(r'--8<-- "README.md:([\w-]+)"', text(page)):
            section = re.search(
                rf"<!-- --8<-- \[start:{name}\] -->\n(.+?)\n<!-- --8<-- \[end:{name}\] -->", readme, re.DOTALL
            )
            assert section, name
    table = re.search(r"\[start:r-users\](.+?)\[end:r-users\]", readme, flags=re.DOTALL)[1]
    assert table.count("\n| ") > 30
