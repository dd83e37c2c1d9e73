"""Files: what is loaded does all that what was saved did, in another process too; bad files are a sentence."""

import json
import os
import subprocess
import sys
import warnings
from dataclasses import replace

import h5py
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from numpy.testing import assert_array_equal

import bayeslmm as blm
from bayeslmm.bayes.packed_priors import given_priors, pack_priors, unpack_priors
from bayeslmm.bayes.priors import resolve
from bayeslmm.errors import ArgumentError, DataError, NotAvailableError
from bayeslmm.model import Model
from bayeslmm.results import saved as saved_files
from bayeslmm.results.posterior import Posterior
from tests.results.posterior_draws import case, frame

MODELS = {
    "correlated": ("y ~ x + f + (1 + x | g)", {"contrasts": {"f": "sum"}}),
    "nested, weights": ("y ~ poly(x, 2) + (1 + z | a/b)", {"weights": "w", "offset": "o"}),
    "no fixed effects": ("y ~ 0 + (x || g) + (1 | h)", {}),
}
PRIORS = {"sigma": blm.HalfNormal(5), "sd_g": blm.Gamma(2.5, 1 / 3)}


def posterior(name: str = "correlated", priors=None) -> Posterior:
    formula, options = MODELS[name]
    post = case(formula, **options).post
    data = post.data.copy()
    data.attrs = {"formula": formula, "seed": 2**62, "target_accept": 0.95, "store": None, "resume": True}
    model = Model.of_design(post.design, priors, "my data")
    return replace(post, data=data, model=model, priors=model.priors)


def assert_same(one: Posterior, other: Posterior) -> None:
    xr.testing.assert_identical(one.data, other.data)
    new = frame(seed=2).assign(g="new")
    for options in ({}, {"newdata": new, "new_levels": "sample", "kind": "predictive", "seed": 1}):
        pd.testing.assert_frame_equal(one.predict(**options), other.predict(**options))
    pd.testing.assert_frame_equal(one.ranef(), other.ranef())
    pd.testing.assert_frame_equal(one.priors.table, other.priors.table)
    assert str(one.summary()) == str(other.summary())


# -- there and back ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".nc", ".zarr"])
@pytest.mark.parametrize("name", MODELS)
def test_what_is_loaded_is_what_was_saved(name, suffix, tmp_path):
    post = posterior(name)
    path = tmp_path / f"post{suffix}"
    for _ in range(2):  # a second time over the first
        post.save(path)
        assert os.listdir(tmp_path) == [path.name]
    again = blm.load(path)
    assert_same(post, again)
    assert again.data.attrs == post.data.attrs
    assert again.model.data_name == "my data"


def test_a_loaded_posterior_fits_and_has_the_log_likelihood_of_before(tmp_path):
    post = posterior()
    post.save(tmp_path / "post.nc")
    again = blm.load(str(tmp_path / "post.nc"), data=frame())
    with pytest.warns(blm.errors.SingularFitWarning):
        assert again.fit().criterion == post.fit().criterion
    assert_array_equal(again.log_likelihood(), post.log_likelihood())
    xr.testing.assert_identical(again.prior(seed=1), post.prior(seed=1))


def test_another_process_predicts_the_same(tmp_path):
    post = posterior("nested, weights", {"sigma": blm.HalfNormal(5)})
    post.save(tmp_path / "post.nc")
    frame(seed=3).to_csv(tmp_path / "new.csv", index=False)
    code = """
import sys, pandas as pd, bayeslmm as blm
post = blm.load("post.nc")
post.predict(pd.read_csv("new.csv"), new_levels="sample", seed=4, kind="predictive").to_csv("out.csv", index=False)
print(post.summary())
assert not {"pymc", "nutpie", "pytensor"} & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.rstrip() == str(post.summary()).rstrip()
    expected = post.predict(pd.read_csv(tmp_path / "new.csv"), new_levels="sample", seed=4, kind="predictive")
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "out.csv"), expected, check_exact=True)


def test_the_draws_in_a_file_are_for_arviz(tmp_path):
    post = posterior().extended("log_likelihood")
    post.save(tmp_path / "post.nc")
    with xr.open_datatree(tmp_path / "post.nc", engine="h5netcdf") as tree:
        xr.testing.assert_identical(tree["posterior"].load().to_dataset(), post.data["posterior"].to_dataset())
    assert "log_likelihood" in blm.load(tmp_path / "post.nc").data.children


def test_functions_and_another_response(tmp_path):
    half = {"half": lambda x: x / 2}
    post = case("y ~ half(x) + (1 | g)", functions=half).post
    other = replace(post, design=replace(post.design, y=np.arange(60.0)))
    post = replace(other, model=Model.of_design(other.design), priors=resolve(other.design))
    post.save(tmp_path / "post.nc")
    with pytest.raises(ArgumentError, match="functions="):
        blm.load(tmp_path / "post.nc")
    again = blm.load(tmp_path / "post.nc", functions=half)
    assert_array_equal(again.design.y, np.arange(60.0))
    pd.testing.assert_frame_equal(again.predict(frame()), post.predict(frame()))


@pytest.mark.parametrize("reml", [True, False])
def test_a_fit(reml, tmp_path):
    fit = blm.lmer("y ~ x + (1 | h)", frame(4).assign(y=lambda d: d["y"] + d["h"].str[1:].astype(float)), reml=reml)
    fit.save(tmp_path / "fit.nc")
    again = blm.load(tmp_path / "fit.nc")
    assert again.reml is reml
    assert str(again.summary()) == str(fit.summary())
    with h5py.File(tmp_path / "fit.nc", "r+") as file:
        header = json.loads(file["bayeslmm/header"][()])
        header["about"]["criterion"] += 1
        file["bayeslmm/header"][()] = json.dumps(header)
    with pytest.raises(DataError, match="fitted again has the criterion"):
        blm.load(tmp_path / "fit.nc")


def test_a_singular_fit_is_not_warned_of_again(tmp_path):
    with pytest.warns(blm.errors.SingularFitWarning):
        fit = blm.lmer("y ~ x + (x | g)", frame())
    fit.save(tmp_path / "fit.nc")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert blm.load(tmp_path / "fit.nc").is_singular


BOUNDED = {"sd_g[x]": blm.TruncatedNormal(1, 2, lower=0), "beta": blm.Cauchy(0, 1)}

# -- priors --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given", [None, "flat", PRIORS | {"beta": blm.StudentT(3, 0, 0.1), "cor": blm.LKJ(4)}, BOUNDED]
)
def test_priors_come_back_as_they_were(given):
    design = case("y ~ x + f + (1 + x | g)").design
    priors = resolve(design, given)
    packed = pack_priors(priors)
    packed = replace(packed, header=json.loads(json.dumps(packed.header)))
    again = unpack_priors(packed)
    assert again.slots == priors.slots
    for name in ("levels", "centre", "start"):
        assert_array_equal(getattr(again, name), getattr(priors, name))
    once_more = resolve(design, given_priors(again))
    assert [s.prior for s in once_more.slots] == [s.prior for s in priors.slots]


def test_priors_that_are_objects_stay_in_words(tmp_path):
    class Foreign(blm.HalfNormal):
        pass

    Foreign.__module__ = "elsewhere"
    post = posterior(priors={"sigma": Foreign(3)})
    post.save(tmp_path / "post.nc")
    again = blm.load(tmp_path / "post.nc")
    assert str(again.summary()) == str(post.summary())
    with pytest.raises(ArgumentError, match="priors in words only"):
        _ = again.model.priors
    assert blm.load(tmp_path / "post.nc", priors=PRIORS).model.priors.sigma.prior == PRIORS["sigma"]


# -- what goes wrong -----------------------------------------------------------------------------------------------


def test_other_data_are_refused(tmp_path):
    posterior().save(tmp_path / "post.nc")
    with pytest.raises(DataError, match="other data: column `y` differs in 60 of 60 rows"):
        blm.load(tmp_path / "post.nc", data=frame(seed=9))


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_a_truncated_file(share, tmp_path):
    path = tmp_path / "post.nc"
    posterior().save(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(DataError, match=r"post.nc` cannot be read: it is damaged"):
        blm.load(path)


def test_files_of_others(tmp_path):
    (tmp_path / "text.nc").write_text("y,x\n1,2\n")
    with pytest.raises(DataError, match="is damaged, or of another kind"):
        blm.load(tmp_path / "text.nc")
    case("y ~ x + (1 | g)").post.data.to_netcdf(tmp_path / "draws.nc", engine="h5netcdf")
    with pytest.raises(DataError, match="was not written by save"):
        blm.load(tmp_path / "draws.nc")
    (tmp_path / "empty.zarr").mkdir()
    with pytest.raises(DataError, match="cannot be read"):
        blm.load(tmp_path / "empty.zarr")
    with pytest.raises(ArgumentError, match="there is no file"):
        blm.load(tmp_path / "none.nc")
    with pytest.raises(ArgumentError, match=r"ends in .nc"):
        blm.load(tmp_path / "fit.rds")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda h: h | {"format": 2, "version": "9.1"}, "written by bayeslmm 9.1 in format 2; .* update bayeslmm"),
        (lambda h: {"format": 1}, "cannot be read"),
        (lambda h: h | {"parts": {}}, "cannot be read"),
    ],
)
def test_files_of_other_versions(change, message, tmp_path):
    path = tmp_path / "post.nc"
    posterior().save(path)
    with h5py.File(path, "r+") as file:
        file["bayeslmm/header"][()] = json.dumps(change(json.loads(file["bayeslmm/header"][()])))
    with pytest.raises(DataError, match=message):
        blm.load(path)


def test_a_design_that_comes_out_otherwise(tmp_path):
    path = tmp_path / "post.nc"
    posterior().save(path)
    with h5py.File(path, "r+") as file:
        file["bayeslmm/design_moments"][3] += 1
    with pytest.raises(DataError, match="come out otherwise than they were"):
        blm.load(path)


@pytest.mark.parametrize("suffix", [".nc", ".zarr"])
def test_paths_that_cannot_be_written(suffix, tmp_path):
    post = posterior()
    with pytest.raises(ArgumentError, match=r"cannot be written: No such file or directory\. Nothing is lost"):
        post.save(tmp_path / "missing" / f"post{suffix}")
    (tmp_path / "file").write_text("")
    with pytest.raises(ArgumentError, match=r"cannot be written: .*Nothing is lost: the posterior is still in memory"):
        post.save(tmp_path / "file" / f"post{suffix}")
    with pytest.raises(ArgumentError, match=r"ends in .nc .* or in .zarr"):
        post.save(tmp_path / "post.rds")


def test_content_that_no_file_can_hold(tmp_path):
    post = posterior()
    post.data["posterior"].attrs["made by"] = object()
    with pytest.raises(ArgumentError, match=r"cannot be written: .*Nothing is lost"):
        post.save(tmp_path / "post.nc")
    assert os.listdir(tmp_path) == []


def test_without_zarr(monkeypatch, tmp_path):
    monkeypatch.setattr(saved_files, "find_spec", lambda name: None)
    with pytest.raises(NotAvailableError, match="Zarr is not installed"):
        posterior().save(tmp_path / "post.zarr")


@pytest.mark.parametrize("suffix", [".nc", ".zarr"])
def test_a_full_disk_leaves_the_old_file(suffix, tmp_path):
    resource = pytest.importorskip("resource")
    path, post = tmp_path / f"post{suffix}", posterior()
    post.save(path)
    larger = post.extended("log_likelihood")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        with pytest.raises(ArgumentError, match=r"File too large\. Nothing is lost: .* is untouched"):
            larger.save(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert os.listdir(tmp_path) == [path.name]
    assert_same(blm.load(path), post)
