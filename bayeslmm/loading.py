"""`load`: what `Posterior.save`, `Fit.save` and `sample(store=...)` wrote."""

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bayeslmm.bayes.dress import dress
from bayeslmm.bayes.files import PathLike
from bayeslmm.bayes.packed_priors import PriorsInWords, given_priors, unpack_priors
from bayeslmm.bayes.store import HEADER, Store
from bayeslmm.design import Design
from bayeslmm.design.packed import unpack
from bayeslmm.design.rebuild import check_same_data
from bayeslmm.errors import PACKAGE, BayeslmmWarning, DataError, SamplingWarning
from bayeslmm.model import Model
from bayeslmm.results.fit import Fit
from bayeslmm.results.posterior import Posterior
from bayeslmm.results.saved import Saved, read

SAME = 1e-6


def load(
    path: PathLike,
    data: Any = None,
    functions: Mapping[str, Callable[..., Any]] | None = None,
    priors: Any = None,
) -> Posterior | Fit:
    """Load a posterior or a fit; it does all that it did before: predict, sample again, fit.

    Parameters
    ----------
    path
        What `save` or `sample(store=...)` wrote.
    data
        Where given: checked to be the data of the model. The file has the columns that the formula uses.
    functions
        The functions of one's own that the formula calls: no file can hold them.
    priors
        For sampling again, where the priors were objects that no file can hold.

    Raises
    ------
    ArgumentError
        There is no such file, or functions are missing.
    DataError
        The file is damaged, of another program or of a later version; or `data` are others.

    Warns
    -----
    SamplingWarning
        The run that wrote a store did not finish: what it has drawn is loaded.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> import bayeslmm as blm
    >>> fit = blm.lmer("Reaction ~ Days + (1 | Subject)", blm.datasets.load("sleepstudy"))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     fit.save(pathlib.Path(folder) / "fit.nc")
    ...     again = blm.load(pathlib.Path(folder) / "fit.nc")
    >>> bool(abs(again.criterion - fit.criterion) < 1e-9)
    True
    """
    if (Path(path) / HEADER).is_file():
        return _stored(Store.at(path), data, functions, priors)
    saved = read(path)
    design = unpack(saved.parts["design"], functions)
    if data is not None:
        check_same_data(design, data)
    return _fit(design, saved, priors) if saved.kind == "fit" else _posterior(design, saved, priors)


def _posterior(design: Design, saved: Saved, priors: Any) -> Posterior:
    assert saved.data is not None
    return Posterior(saved.data, design, unpack_priors(saved.parts["priors"]), _model(design, saved, priors))


def _stored(store: Store, data: Any, functions: Mapping[str, Callable[..., Any]] | None, priors: Any) -> Posterior:
    """What a run has written until now, or until it was killed."""
    header = store.header
    design = unpack(header.parts["design"], functions)
    if data is not None:
        check_same_data(design, data)
    raw, lengths = store.raw()
    if raw is None:
        raise DataError(f"`{store.path}` has no draws yet: the run was still warming up. {_goes_on(store)}")
    wanted = int(store.settings["draws"] or 0)
    if min(lengths) < wanted:
        chains, draws = raw.shape
        warnings.warn(
            f"`{store.path}`: the run did not finish. Its chains have {', '.join(map(str, lengths))} of {wanted} draws "
            f"each; {chains} x {draws} of {len(lengths)} x {wanted} are here. {_goes_on(store)}",
            SamplingWarning,
            skip_file_prefixes=PACKAGE,
        )
    attributes = dict(header.attributes)
    about = {"data_name": attributes.pop("data_name")}
    saved = Saved("posterior", about, header.parts, dress(design, raw, attributes))
    return _posterior(design, saved, priors)


def _goes_on(store: Store) -> str:
    return f"model.sample(store={str(store.path)!r}, resume=True) goes on with it"


def _fit(design: Design, saved: Saved, priors: Any) -> Fit:
    """Fit again: it takes no time, and the criterion says whether it is the same fit."""
    about = saved.about
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BayeslmmWarning)
        fit = _model(design, saved, priors).fit(about["reml"], about["optimizer"])
    if abs(fit.criterion - about["criterion"]) > SAME * max(1.0, abs(about["criterion"])):
        raise DataError(
            f"the model fitted again has the criterion {fit.criterion:.6f}, and the fit that was saved has "
            f"{about['criterion']:.6f}: another version of bayeslmm wrote it"
        )
    return fit


def _model(design: Design, saved: Saved, priors: Any) -> Model:
    """The model with the priors of then, whatever the defaults of this version, or with those given."""
    used, name = unpack_priors(saved.parts["priors"]), saved.about["data_name"]
    if priors is not None or isinstance(used, PriorsInWords):
        return Model.of_design(design, used if priors is None else priors, name)
    model = Model.of_design(design, given_priors(used), name)
    model.__dict__["priors"] = used
    return model
