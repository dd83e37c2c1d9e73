"""Draws on disk as they come: whatever kills the run, what was written is there and can be gone on with."""

import io
import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

import bayeslmm as blm
from bayeslmm.bayes.store import HEADER, Header, Store, _header_bytes
from bayeslmm.errors import ArgumentError, DataError, SamplingWarning
from bayeslmm.model import Model

RNG = np.random.default_rng(0)
DATA = pd.DataFrame({"y": RNG.normal(size=40), "x": RNG.normal(size=40), "g": [f"g{i % 5}" for i in range(40)]})
FORMULA = "y ~ x + (x | g)"
SETTINGS = {"engine": "marginal", "chains": 3, "draws": 20, "tune": 200, "seed": 7, "target_accept": 0.9}


def model(formula: str = FORMULA, data: pd.DataFrame = DATA, **options) -> Model:
    return Model(formula, data, **options)


def header(m: Model | None = None, **settings) -> Header:
    m = model() if m is None else m
    attributes = {"formula": m.design.formula.text, "seed": 7}
    return Header.of(m.design, m.priors, SETTINGS | settings, attributes, "DATA")


def draws(chain: int, start: int, n: int) -> tuple[dict, dict, dict]:
    """Draws that tell which they are, their statistics and a state."""
    number = 1000.0 * chain + np.arange(start, start + n)
    shapes = {"beta": (2,), "sigma": (), "sd_g": (2,), "cor_g": (1,), "b_g": (5, 2)}
    values = {
        k: number.reshape(n, *(1 for _ in s)) + np.arange(float(np.prod(s))).reshape(s) for k, s in shapes.items()
    }
    state = {"position": np.array([number[-1] if n else -1.0]), "rng": np.arange(4, dtype=np.uint64)}
    return values, {"diverging": np.zeros(n, dtype=bool), "lp": number}, state


def fill(store: Store, lengths: tuple[int, ...], size: int = 6) -> Store:
    for chain, length in enumerate(lengths):
        for start in range(0, length, size):
            store.block(chain, start, *draws(chain, start, min(size, length - start)))
    return store


def test_a_whole_run_is_a_posterior(tmp_path):
    fill(Store.begin(tmp_path / "run", header()), (20, 20, 20))
    post = blm.load(tmp_path / "run", data=DATA)
    assert post.draws.shape == (3, 20)
    for chain in range(3):
        values, statistics, _ = draws(chain, 0, 20)
        for name, value in values.items():
            assert_array_equal(post.data["posterior"][name][chain], value)
        for name, value in statistics.items():
            assert_array_equal(post.data["sample_stats"][name][chain], value)
            assert post.data["sample_stats"][name].dtype == value.dtype
    assert post.data.attrs == {"formula": FORMULA, "seed": 7}
    assert post.model.data_name == "DATA"
    post.save(tmp_path / "post.nc")
    pd.testing.assert_frame_equal(blm.load(tmp_path / "post.nc").predict(DATA), post.predict(DATA))


def test_chains_come_in_any_order_and_state_before_the_first_draw_is_kept(tmp_path):
    store = Store.begin(tmp_path / "run", header())
    for chain in (2, 0, 1):
        store.block(chain, 0, *draws(chain, 0, 0))
    with pytest.raises(DataError, match=r"no draws yet: .*model.sample\(store=.*resume=True\)"):
        blm.load(tmp_path / "run")
    store.block(1, 0, *draws(1, 0, 3))
    again = Store.open(tmp_path / "run", header())
    assert [again.blocks(c)[-1].stop for c in range(3)] == [0, 3, 0]
    assert again.blocks(0)[-1].state["position"] == -1


@pytest.mark.parametrize(("lengths", "kept"), [((20, 13, 0), (2, 13)), ((20, 2, 2), (1, 20)), ((0, 0, 5), (1, 5))])
def test_an_unfinished_run_is_loaded_with_what_is_there(lengths, kept, tmp_path):
    fill(Store.begin(tmp_path / "run", header()), lengths)
    said = rf"chains have {lengths[0]}, {lengths[1]}, {lengths[2]} of 20 draws each; {kept[0]} x {kept[1]} of 3 x 20"
    with pytest.warns(SamplingWarning, match=said):
        post = blm.load(tmp_path / "run")
    assert post.draws.shape == kept


def test_a_run_goes_on_where_it_stopped(tmp_path):
    fill(Store.begin(tmp_path / "run", header()), (13, 6, 0))
    (tmp_path / "run" / ".chain-0-000003.npz.0a1b.part").write_bytes(b"PK")  # what was being written then
    store = Store.open(tmp_path / "run", header(seed=None))
    assert not list((tmp_path / "run").glob(".*"))
    assert store.settings["seed"] == 7
    for chain in range(3):
        blocks = store.blocks(chain)
        done = blocks[-1].stop if blocks else 0
        if blocks:
            assert_array_equal(blocks[-1].state["position"], [1000.0 * chain + done - 1])
            assert blocks[-1].state["rng"].dtype == np.uint64
        store.block(chain, done, *draws(chain, done, 20 - done))
    raw, lengths = store.raw()
    assert lengths == [20, 20, 20]
    for chain in range(3):
        assert_array_equal(raw.values["b_g"][chain], draws(chain, 0, 20)[0]["b_g"])


# -- what goes wrong -----------------------------------------------------------------------------------------------

SAMPLER = """
    import sys
    sys.path.insert(0, {root!r})
    from tests_store import Store, draws, header
    store = Store.begin({path!r}, header())
    print("begun", flush=True)
    start = 0
    while True:
        for chain in range(3):
            store.block(chain, start, *draws(chain, start, 2))
        start += 2
        print(start, flush=True)
"""


def test_a_run_that_is_killed_leaves_what_it_wrote(tmp_path):
    (tmp_path / "tests_store.py").write_text(Path(__file__).read_text(encoding="utf-8"), encoding="utf-8")
    code = textwrap.dedent(SAMPLER.format(root=str(tmp_path), path=str(tmp_path / "run")))
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as running:
        told = [running.stdout.readline() for _ in range(8)]
        os.kill(running.pid, signal.SIGKILL)
    assert told[0] == "begun\n"
    done = int(told[-1])
    store = Store.open(tmp_path / "run", header())
    assert min(b[-1].stop for b in map(store.blocks, range(3))) >= done
    raw, _ = store.raw()
    assert_array_equal(raw.values["sigma"][2, :done], 2000.0 + np.arange(done))


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "none of ours"])
def test_a_damaged_block_ends_its_chain(damage, tmp_path):
    fill(Store.begin(tmp_path / "run", header()), (20, 20, 20))
    path = tmp_path / "run" / "chain-1-000002.npz"
    content = path.read_bytes()
    middle = content.index(b"value:b_g") + 200
    flipped = content[:middle] + bytes([content[middle] ^ 255]) + content[middle + 1 :]
    path.write_bytes({"cut": content[:-50], "flip": flipped, "empty": b"", "none of ours": b"PK\x05\x06" * 9}[damage])
    with pytest.warns(SamplingWarning, match="20, 12, 20 of 20 draws"):
        assert blm.load(tmp_path / "run").draws.shape == (2, 20)
    store = Store.open(tmp_path / "run", header())
    assert not (tmp_path / "run" / "chain-1-000003.npz").exists()  # its draws came after those that are lost
    store.block(1, 12, *draws(1, 12, 8))
    assert store.raw()[1] == [20, 20, 20]


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (lambda: header(seed=8), "begun with seed=7, and this run has seed=8"),
        (lambda: header(target_accept=0.99), "begun with target_accept=0.9, and"),
        (lambda: header(draws=40), "begun with draws=20, and this run has draws=40"),
        (lambda: header(model("y ~ 1 + x + (1 + x | g)")), r"the formula 'y ~ x \+ \(x \| g\)'; this model has"),
        (lambda: header(model(data=DATA.assign(x=DATA["x"] + 1e-6))), "other data"),
        (lambda: header(model(weights=np.full(40, 2.0))), "other data, weights"),
        (lambda: header(model().with_response(DATA["y"] ** 2)), "other data"),
        (lambda: header(model(priors={"sigma": blm.HalfNormal(1)})), "other priors"),
    ],
)
def test_another_run_cannot_go_on(other, message, tmp_path):
    fill(Store.begin(tmp_path / "run", header()), (2, 2, 2))
    with pytest.raises((ArgumentError, DataError), match=message):
        Store.open(tmp_path / "run", other())


def test_a_store_is_not_begun_over_another_or_over_files(tmp_path):
    fill(Store.begin(tmp_path / "run", header()), (2, 2, 2))
    with pytest.raises(ArgumentError, match="has draws already: resume=True goes on"):
        Store.begin(tmp_path / "run", header())
    (tmp_path / "file.nc").write_text("")
    for path in (tmp_path, tmp_path / "file.nc"):
        with pytest.raises(ArgumentError, match="is there already and no store"):
            Store.begin(path, header())
    with pytest.raises(ArgumentError, match=r"is no store: it has no file header.npz"):
        Store.open(tmp_path / "none", header())


def test_paths_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ArgumentError, match=r"cannot be written: Not a directory\. Nothing was sampled"):
        Store.begin(tmp_path / "file" / "run", header())


def test_a_full_disk_keeps_the_blocks_before(tmp_path):
    resource = pytest.importorskip("resource")
    store = fill(Store.begin(tmp_path / "run", header()), (6, 6, 6))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, limits[1]))
    try:
        with pytest.raises(ArgumentError, match=r"cannot be written: File too large\. The 6 draws of chain 1 before"):
            store.block(1, 6, *draws(1, 6, 6))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not list((tmp_path / "run").glob(".*"))
    store.block(1, 6, *draws(1, 6, 6))
    assert store.raw()[1] == [6, 12, 6]


def test_headers_of_later_versions_and_damaged_ones(tmp_path):
    store = Store.begin(tmp_path / "run", header())
    path = tmp_path / "run" / HEADER
    content = path.read_bytes()
    path.write_bytes(content[:-100])
    with pytest.raises(DataError, match="is damaged or no header of a store"):
        blm.load(tmp_path / "run")
    with np.load(io.BytesIO(content)) as file:
        arrays = dict(file)
    about = json.loads(arrays["header"].tobytes()) | {"format": 2, "version": "9.1"}
    np.savez(path, **arrays | {"header": np.frombuffer(json.dumps(about).encode(), dtype=np.uint8)})
    with pytest.raises(DataError, match=r"was written by bayeslmm 9\.1"):
        Store.open(tmp_path / "run", header())
    path.write_bytes(_header_bytes(store.header))
    assert Store.open(tmp_path / "run", header()).written == {0: 0, 1: 0, 2: 0}
