from pathlib import Path

import pandas as pd
import pytest

from bayeslmm import datasets
from bayeslmm.cli.read import read_data
from bayeslmm.errors import ArgumentError, DataError

TABLE = "y,x,g\n1.5,2,a\nNA,3,b\n,4,NA\n2.5,5,b\n"


def write(folder, name, text, encoding="utf-8"):
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return str(path)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("d.csv", TABLE),
        ("d.CSV", TABLE.replace("\n", "\r\n")),
        ("d.tsv", TABLE.replace(",", "\t")),
        ("tabs.csv", TABLE.replace(",", "\t")),
        ("spaces.csv", TABLE.replace(",", ", ")),
        ("quoted.csv", TABLE.replace("a\n", '"a"\n').replace("g\n", '"g"\n')),
        ("german.csv", TABLE.replace(",", ";").replace(".", ",")),
        ("semicolons.csv", TABLE.replace(",", ";")),
        ("bom.csv", "\ufeff" + TABLE),
    ],
)
def test_text_files_give_the_same_table(tmp_path, name, text):
    data, called = read_data(write(tmp_path, name, text))
    assert called == name
    assert list(data.columns) == ["y", "x", "g"]
    assert data["y"].tolist()[0] == 1.5
    assert data["y"].isna().tolist() == [False, True, True, False]
    assert data["x"].tolist() == [2, 3, 4, 5]
    assert data["g"].isna().tolist() == [False, False, True, False]
    assert data["g"].dropna().tolist() == ["a", "b", "b"]


def test_words_that_pandas_takes_for_missing_stay_words(tmp_path):
    data, _ = read_data(write(tmp_path, "d.csv", "g,y\nNone,1\nnull,2\nNA,3\n"))
    assert data["g"].dropna().tolist() == ["None", "null"]


def test_parquet_keeps_factors(tmp_path):
    frame = datasets.load("oats")
    frame.to_parquet(tmp_path / "oats.parquet")
    data, _ = read_data(str(tmp_path / "oats.parquet"))
    pd.testing.assert_frame_equal(data, frame)


def test_parquet_without_pyarrow(tmp_path, monkeypatch):
    path = write(tmp_path, "d.parquet", "")
    monkeypatch.setattr(pd, "read_parquet", lambda _: (_ for _ in ()).throw(ImportError("no pyarrow")))
    with pytest.raises(DataError, match=r"bayeslmm\[parquet\]"):
        read_data(path)


def test_a_packaged_data_set_by_name():
    data, called = read_data("Sleepstudy")
    assert called == "sleepstudy"
    pd.testing.assert_frame_equal(data, datasets.load("sleepstudy"))


def test_a_file_comes_before_a_packaged_data_set(tmp_path, monkeypatch):
    write(tmp_path, "rail", "y\n1\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ArgumentError, match="cannot tell what kind of file"):
        read_data("rail")


@pytest.mark.parametrize(
    ("name", "content", "error", "sentence"),
    [
        ("empty.csv", b"", DataError, "empty.csv is empty"),
        ("blank.csv", b"\n\n", DataError, "blank.csv is empty"),
        ("twice.csv", b"y,x,x\n1,2,3\n", DataError, "more than one column called `x`"),
        ("ragged.csv", b"y,x\n1,2\n1,2,3,4\n", DataError, "not a table: Expected 2 fields in line 3, saw 4"),
        ("latin.csv", b"y,x\n1,\xe4\n", DataError, "not UTF-8 text"),
        ("zeros.csv", b"\x00\x01\x02\xff" * 40, DataError, "not UTF-8 text"),
        ("fake.parquet", b"y,x\n1,2\n", DataError, "fake.parquet is not a parquet file"),
        ("data.xlsx", b"PK", ArgumentError, r"must end in \.csv, \.tsv, \.parquet"),
    ],
)
def test_files_that_cannot_be_read(tmp_path, name, content, error, sentence):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(error, match=sentence):
        read_data(str(path))


def test_a_file_that_is_not_there_names_the_nearest(tmp_path):
    write(tmp_path, "salaries.csv", TABLE)
    with pytest.raises(ArgumentError, match=r"there is no file .*salary\.csv; did you mean `salaries\.csv`"):
        read_data(str(tmp_path / "salary.csv"))
    with pytest.raises(ArgumentError, match=r"there is no file no/such/folder/d\.csv; `bayeslmm datasets` lists"):
        read_data("no/such/folder/d.csv")


def test_a_folder_is_not_a_file(tmp_path):
    with pytest.raises(ArgumentError, match="is a folder"):
        read_data(str(tmp_path))


def test_a_file_that_the_system_will_not_give(tmp_path, monkeypatch):
    path = write(tmp_path, "d.csv", TABLE)

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(DataError, match=r"d\.csv cannot be read: Permission denied"):
        read_data(path)
