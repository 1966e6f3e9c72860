"""Tables of mixed columns: types, missing cells, the columns of a model, and files of them."""

import datetime

import numpy as np
import pandas as pd
import pytest
from texts import cells, written

from tfp_flows.datasets import load_frame, load_matching_frame, load_table, save_frame
from tfp_flows.errors import InputError

PEOPLE = pd.DataFrame(
    {
        "age": [31, 45, 2],
        "file": ["a,b", None, 'say "x"\nand # more'],
        "born": pd.to_datetime(
            ["1989-02-03", "1975-01-01", "2018-12-31 10:30:05"], format="ISO8601"
        ),
        "member": [True, False, True],
        "income": [0.1, np.nan, 1e-300],
        "level": pd.Categorical(["low", None, "high"]),
    }
)


def shown(frame):
    """Types and cells of a frame, with None for what is missing."""
    return {n: (str(frame.data[n].dtype), found) for n, found in cells(frame).items()}


def test_types_of_columns(tmp_path):
    text = (
        "n,x,city,b,half,gap,late\n1,1.0,Rome,True,True,1,\n2,inf,,False,,,\n3,3.5,NA,True,no,3,\n"
    )
    frame = load_frame(written(tmp_path, text))
    assert shown(frame) == {
        "n": ("int64", [1, 2, 3]),
        "x": ("float64", [1.0, np.inf, 3.5]),
        "city": ("object", ["Rome", None, None]),
        "b": ("bool", [True, False, True]),
        "half": ("object", ["True", None, "no"]),
        "gap": ("float64", [1, None, 3]),
        "late": ("float64", [None, None, None]),
    }
    assert (frame.named, frame.remarks, frame.rows.tolist()) == (True, (), [1, 2, 3])
    assert shown(load_frame(tmp_path / "t.csv", columns=["city", 0])) == {
        "city": ("object", ["Rome", None, None]),
        "n": ("int64", [1, 2, 3]),
    }


def test_columns_of_a_model(tmp_path):
    path = written(tmp_path, "city,age,more\nRome,1,2\nBonn,3,4\n")
    frame = load_matching_frame(path, ["age", "label", "city"], optional=["label"])
    assert shown(frame) == {"age": ("int64", [1, 3]), "city": ("object", ["Rome", "Bonn"])}
    with pytest.raises(InputError, match=r"lacks the columns 'ages', 'z' .*did you mean 'age' for"):
        load_matching_frame(path, ["ages", "z"])
    path = written(tmp_path, "Rome,1\nBonn,3\n")
    for optional in ([], ["label"]):
        frame = load_matching_frame(path, ["city", "age", *optional], optional=optional)
        assert shown(frame) == {"city": ("object", ["Rome", "Bonn"]), "age": ("int64", [1, 3])}
    assert not load_frame(path).named
    with pytest.raises(InputError, match=r"has 2 columns without names.* fitted to 3 \(a, b, c\)"):
        load_matching_frame(path, ["a", "b", "c"])


@pytest.mark.parametrize(
    "suffix", [".csv", ".tsv", ".csv.gz", ".npz", ".parquet", ".feather", ".xlsx"]
)
def test_frames_come_back_from_their_files(tmp_path, suffix):
    frame = load_frame(save_frame(tmp_path / f"t{suffix}", PEOPLE))
    text = ".csv" in suffix or suffix == ".tsv"
    times = [pd.Timestamp(time) for time in PEOPLE["born"]]
    born = frame.data.pop("born")
    assert [pd.Timestamp(time) for time in born] == times
    assert born.dtype.kind == ("O" if text else "M")
    assert shown(frame) == {
        "age": ("int64", [31, 45, 2]),
        "file": ("object", ["a,b", None, 'say "x"\nand # more']),
        "member": ("bool", [True, False, True]),
        "income": ("float64", [0.1, None, 1e-300]),
        "level": ("object", ["low", None, "high"]),
    }
    again = load_frame(save_frame(tmp_path / f"u{suffix}", frame))
    assert shown(again) == shown(frame)
    alone = load_frame(save_frame(tmp_path / f"v{suffix}", PEOPLE[["level"]]))
    assert shown(alone)["level"] == ("object", ["low", None, "high"])


def test_text_that_looks_like_comments_or_blanks_is_kept(tmp_path):
    data = pd.DataFrame({"#": ["#1", " b ", "c"], "2": ["x", "y", "z"]})
    assert load_frame(save_frame(tmp_path / "t.csv", data)).data.equals(data.astype(object))


def test_frames_that_cannot_be_written(tmp_path):
    with pytest.raises(InputError, match=r"column 'file' is not of numbers, and a \.npy file"):
        save_frame(tmp_path / "t.npy", PEOPLE)
    with pytest.raises(InputError, match=r"needs columns with different names, got .'a', 'a'"):
        save_frame(tmp_path / "t.csv", pd.DataFrame([[1, 2]], columns=["a", "a"]))
    with pytest.raises(InputError, match=r"Column 'a' of .* nested values \('\[1, 2\]'\)"):
        save_frame(tmp_path / "t.csv", pd.DataFrame({"a": [[1, 2]]}))
    assert list(tmp_path.iterdir()) == []
    numbers = load_frame(save_frame(tmp_path / "t.npy", PEOPLE[["age", "income"]]))
    assert shown(numbers)["x0"] == ("float64", [31, 45, 2])


def test_times_that_are_out_of_reach_are_text(tmp_path):
    days = [datetime.date(2020, 1, 2), None]
    frame = load_frame(save_frame(tmp_path / "t.parquet", pd.DataFrame({"day": days, "n": 1})))
    assert shown(frame)["day"][1] == [pd.Timestamp("2020-01-02"), None]
    mixed = [pd.Timestamp("2020-01-02"), pd.Timestamp("2020-01-02", tz="UTC")]
    frame = load_frame(save_frame(tmp_path / "t.parquet", pd.DataFrame({"time": mixed})))
    assert shown(frame)["time"][1] == ["2020-01-02 00:00:00", "2020-01-02 00:00:00+00:00"]


def test_repeated_names(tmp_path):
    path = written(tmp_path, "a,b,a,a.1,a\n1,2,3,4,5\n6,7,8,9,0\n")
    frame = load_frame(path)
    assert list(frame.data) == ["a", "b", "a.2", "a.1", "a.3"]
    assert frame.data["a.3"].tolist() == [5, 0]
    assert frame.remarks == (
        "3 columns of t.csv are called 'a'; the others are read as 'a.2', 'a.3'.",
    )
    assert load_frame(path, columns=[2]).data["a.2"].tolist() == [3, 8]
    assert load_table(path, columns=["a.3"]).values[:, 0].tolist() == [5, 0]
    with pytest.raises(InputError, match=r"3 columns called 'a' .numbers 0 and 2 and 4"):
        load_frame(path, columns="a")
    with pytest.raises(InputError, match="choose one by its number, or rename it"):
        load_matching_frame(path, ["b", "a"])
    assert load_matching_frame(path, ["a", "a.2", "a.3"]).data.iloc[0].tolist() == [1, 3, 5]
