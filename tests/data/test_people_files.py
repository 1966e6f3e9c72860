"""Files as people have them, each form once: what their columns become, and what is remarked."""

import gzip

import numpy as np
import pandas as pd
import pytest
from texts import cells, written

from tfp_flows.datasets import load_frame, load_matching_frame, load_table, save_frame, save_table
from tfp_flows.errors import InputError


def kinds(frame):
    return "".join(column.dtype.kind for _, column in frame.data.items())


GERMAN = (
    'Name;Größe;Gehalt;Anteil;PLZ\nÄnne;1,75;1.234,50 €;12 %;01067\n"B;ob";1,8;900 €;3,5%;10115\n'
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("packed", [False, True])
def test_a_german_file(tmp_path, encoding, packed):
    data = GERMAN.replace("\n", "\r\n").encode(encoding)
    name = "t.csv.gz" if packed else "t.csv"
    frame = load_frame(written(tmp_path, gzip.compress(data) if packed else data, name))
    assert cells(frame) == {
        "Name": ["Änne", "B;ob"],
        "Größe": [1.75, 1.8],
        "Gehalt": [1234.5, 900],
        "Anteil": [12, 3.5],
        "PLZ": ["01067", "10115"],
    }
    guessed = (
        f"{name} is not UTF-8 text and is read as Windows-1252, in which it has the word "
        "'Name;Größe;Gehalt;Anteil;PLZ'; save it as UTF-8 if that is wrong.",
    )
    assert frame.remarks == (guessed if encoding == "cp1252" else ()) + (
        f"Numbers in {name} are read with decimal commas: '1,75' is 1.75.",
        f"Column 'Gehalt' of {name} is in €: '1.234,50 €' is read as 1234.5.",
        f"Column 'Anteil' of {name} is in %: '12 %' is read as 12.",
        f"Column 'PLZ' of {name} is read as text, because cells such as '01067' begin with zero.",
    )


def test_quotes_hold_separators_and_lines(tmp_path):
    text = '"id, no","said"\n1,"a, ""b""\n#c\r\nd"\n2,e\n# a comment\n3,"f"\n'
    frame = load_frame(written(tmp_path, text))
    assert cells(frame) == {"id, no": [1, 2, 3], "said": ['a, "b"\n#c\r\nd', "e", "f"]}


def test_lines_that_may_be_comments_are_remarked(tmp_path):
    frame = load_frame(written(tmp_path, "#,tag,n\n1,#a,2\n#2,#b,3\n# the end\n"))
    assert cells(frame) == {"#": [1], "tag": ["#a"], "n": [2]}
    assert frame.remarks == (
        "Lines of t.csv that begin with # are left out as comments, but 1 of them have as many "
        "cells as a row; put their first cells into quotes if they are rows.",
    )


@pytest.mark.parametrize(
    ("text", "kind", "values", "remark"),
    [
        ('n\n"1,234"\n"12,345,678"\n', "i", [1234, 12345678], "points: '1,234' is 1234."),
        ('n\n"1,234"\n"12,345"\n', "i", [1234, 12345], "points: '1,234' is 1234."),
        ("n\n1 234\n12 345 678\n", "i", [1234, 12345678], "points: '1 234' is 1234."),
        ("n;m\n1.234;0,5\n2.500;1\n", "i", [1234, 2500], "commas: '1.234' is 1234."),
        ('n\n"-$1,234.50"\n$3\n', "f", [-1234.5, 3], "in $: '-$1,234.50' is read as -1234.5."),
        ("n\n5 USD\n7 USD\n", "i", [5, 7], "in USD: '5 USD' is read as 5."),
        ("n\n12.5%\n-3 %\n", "f", [12.5, -3], "in %: '12.5%' is read as 12.5."),
        ("n\n1\n?\n3\n-\n?\n", "f", [1, None, 3, None, None], "cells: '?' (2) and '-' (1)."),
        ("n,m\n1.5,1\nmissing,2\n,3\n#REF!,4\n", "f", [1.5, None, None, None], "'#REF!' (1)."),
        ("n\n$1\n€2\n", "O", ["$1", "€2"], "not all cells have one unit ('$1', '€2')."),
        ("n\n0\n5%\n", "O", ["0", "5%"], "not all cells have one unit ('0', '5%')."),
        ("n\n?\n-\n", "O", ["?", "-"], None),
        ("n\n1\na 2\n3\n", "O", ["1", "a 2", "3"], "cells are no numbers ('a 2' in row 2)."),
        ("n;m\n1,500;a\n2,750;b\n", "O", ["1,500", "2,750"], "may be a decimal sign or one of"),
        ("n\n0012\n3456\n", "O", ["0012", "3456"], "cells such as '0012' begin with zero."),
        ("n,m\n007,1\n,2\n", "f", [7, None], None),
        ("n\ninf\n-Infinity\n", "f", [np.inf, -np.inf], None),
    ],
)  # fmt: skip
def test_columns_of_text_that_may_be_numbers(tmp_path, text, kind, values, remark):
    frame = load_frame(written(tmp_path, text), columns="n")
    assert kinds(frame) == kind
    assert cells(frame)["n"] == values
    assert (remark in " ".join(frame.remarks)) if remark else frame.remarks == ()


def test_tables_of_numbers_have_units_too(tmp_path):
    table = load_table(written(tmp_path, "a;b\n1,5 %;3 €\n2 %;1.000 €\n"))
    np.testing.assert_array_equal(table.values, [[1.5, 3], [2, 1000]])
    assert table.remarks[0] == "Column 'a' of t.csv is in %: '1,5 %' is read as 1.5."
    with pytest.raises(InputError, match=r"Column 'a' .*'\?' in row 2"):
        load_table(written(tmp_path, "a\n1\n?\n"))


def test_headers_above_text(tmp_path):
    frame = load_frame(written(tmp_path, ",name,city\n0,x,Rome\n1,y,Bonn\n"))
    assert cells(frame) == {"name": ["x", "y"], "city": ["Rome", "Bonn"]}
    assert "labels of its rows (0 to 1); it is left out" in frame.remarks[-1]
    frame = load_frame(written(tmp_path, "name,city\nx,Rome\ny,Bonn\n"))
    assert cells(frame) == {"name": ["x", "y"], "city": ["Rome", "Bonn"]}
    assert "because all columns hold text" in frame.remarks[0]
    # Cells that stand in the rows below are data, as in tables of letters without a header.
    frame = load_frame(written(tmp_path, "p,x,s\np,y,s\ne,x,s\n"))
    assert cells(frame) == {"x0": ["p", "p", "e"], "x1": ["x", "y", "x"], "x2": ["s"] * 3}
    frame = load_frame(written(tmp_path, "Rome,12 %\nBonn,13 %\n"))
    assert cells(frame) == {"x0": ["Rome", "Bonn"], "x1": [12, 13]}
    matching = load_matching_frame(tmp_path / "t.csv", ["city", "share"])
    assert list(matching.data) == ["city", "share"]
    assert "no header; its columns are read in the order of the model's" in matching.remarks[-1]


def test_one_row_of_a_model(tmp_path):
    for text in ("Rome,1\n", "city,age\nRome,1\n", "age,city\n1,Rome\n"):
        frame = load_matching_frame(written(tmp_path, text), ["city", "age"])
        assert cells(frame) == {"city": ["Rome"], "age": [1]}


def test_blanks_between_cells_of_text(tmp_path):
    text = '18.0  8  ?      "chevy malibu"\n15.5  4  165.0  "buick"\n'
    frame = load_frame(written(tmp_path, text, "t.txt"))
    assert list(cells(frame).values()) == [
        [18, 15.5],
        [8, 4],
        [None, 165],
        ["chevy malibu", "buick"],
    ]
    frame = load_frame(written(tmp_path, "said\nhello there world\nhow are you\n"))
    assert cells(frame) == {"said": ["hello there world", "how are you"]}


def test_arrays_of_text(tmp_path):
    np.save(tmp_path / "t.npy", np.array([["1.5", "Rome"], ["2,5", ""], ["?", "Bonn"]]))
    assert cells(load_frame(tmp_path / "t.npy"))["x1"] == ["Rome", None, "Bonn"]
    np.save(tmp_path / "t.npy", np.array([["1.5", "Rome"], ["2.5", ""], ["?", "Bonn"]]))
    assert cells(load_frame(tmp_path / "t.npy"))["x0"] == [1.5, 2.5, None]


def test_types_of_parquet_and_feather(tmp_path):
    times = pd.to_datetime(["2020-07-01 10:00", "2020-01-01 10:00"])
    data = pd.DataFrame(
        {
            "zoned": times.tz_localize("Europe/Berlin"),
            "day": [times[0].date(), None],
            "maybe": pd.array([True, None], "boolean"),
            "count": pd.array([3, None], "Int64"),
            "code": ["01", "2"],
            "took": pd.to_timedelta([90, 0.5], "s"),
        },
        index=pd.Index(["u", "v"], name="who"),
    )
    data.to_parquet(tmp_path / "t.parquet")
    data.reset_index().to_feather(tmp_path / "t.feather")
    expected = {
        "zoned": [pd.Timestamp("2020-07-01 08:00"), pd.Timestamp("2020-01-01 09:00")],
        "day": [pd.Timestamp("2020-07-01"), None],
        "maybe": ["True", None],
        "count": [3, None],
        "code": ["01", "2"],
        "took": [90, 0.5],
    }
    frame = load_frame(tmp_path / "t.parquet")
    assert (cells(frame), kinds(frame)) == (expected, "MMOfOf")
    assert frame.remarks == (
        "The times of column 'zoned' of t.parquet are read in UTC.",
        "The index 'who' of t.parquet holds the labels of its rows (u to v); it is left out, "
        "columns= (--columns) would choose it.",
    )
    assert cells(load_frame(tmp_path / "t.parquet", columns=["who"])) == {"who": ["u", "v"]}
    assert cells(load_frame(tmp_path / "t.feather")) == {"who": ["u", "v"], **expected}


def test_sheets(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.title = "empty"
    people = book.create_sheet("people")
    for row in (
        ["Report for 2020"],
        [],
        [None, "name", "born", "size", "n", "age", "ok", "mixed"],
        [None, "Änne", pd.Timestamp("1980-05-01"), "1,75", 4, 3, True, 1],
        [None, None, None, "1,8", 5, "?", False, "two"],
        [None, "=1", pd.Timestamp("1990-01-02 03:04"), "2", 6, 5.5, True, 3],
    ):
        people.append(row)
    people["B6"].data_type = "s"
    other = book.create_sheet("other")
    other.append([1.5, 2])
    other.append([3, 4.5])
    book.save(tmp_path / "t.xlsx")
    frame = load_frame(tmp_path / "t.xlsx")
    assert kinds(frame) == "OMfifbO"
    assert cells(frame) == {
        "name": ["Änne", None, "=1"],
        "born": [pd.Timestamp("1980-05-01"), None, pd.Timestamp("1990-01-02 03:04")],
        "size": [1.75, 1.8, 2],
        "n": [4, 5, 6],
        "age": [3, None, 5.5],
        "ok": [True, False, True],
        "mixed": ["1", "two", "3"],
    }
    assert frame.remarks == (
        "t.xlsx has the sheets 'empty', 'people', 'other'; 'people' is read, key= (--key) would "
        "choose another.",
        "The rows above the table of t.xlsx that hold one cell ('Report for 2020') are left out.",
        "Numbers in t.xlsx are read with decimal commas: '1,75' is 1.75.",
        "Column 'age' of t.xlsx has marks that are read as missing cells: '?' (1).",
        "Column 'mixed' of t.xlsx is read as text: 1 of its 3 cells are no numbers ('two' in row "
        "2).",
    )
    table = load_table(tmp_path / "t.xlsx", key="other")
    np.testing.assert_array_equal(table.values, [[1.5, 2], [3, 4.5]])
    assert not table.named
    assert load_table(tmp_path / "t.xlsx", key="other", header=True).columns == ("1.5", "2")
    with pytest.raises(InputError, match="Unknown sheet 'othr'; did you mean 'other'"):
        load_frame(tmp_path / "t.xlsx", key="othr")
    with pytest.raises(InputError, match="holds nothing but empty sheets"):
        load_frame(tmp_path / "t.xlsx", key="empty")


def test_tables_in_sheets_come_back_exactly(tmp_path):
    pytest.importorskip("openpyxl")
    values = np.random.default_rng(0).normal(size=(30, 2)) * 10.0 ** np.arange(-15, 15)[:, None]
    path = save_table(tmp_path / "t.xlsx", values, ["a", "b"])
    np.testing.assert_array_equal(load_table(path).values, values)
    data = pd.DataFrame({"t": ["=1+1", "inf"], "w": [1.0, np.inf], "i": [2**60 + 1, -5]})
    frame = load_frame(save_frame(path, data))
    assert cells(frame) == {"t": ["=1+1", "inf"], "w": [1.0, np.inf], "i": [2**60 + 1, -5]}
    with pytest.raises(InputError, match="characters that a sheet cannot hold"):
        save_frame(path, pd.DataFrame({"t": ["a\x00b"]}))
    assert kinds(load_frame(path)) == "Ofi"


def test_missing_openpyxl_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "openpyxl", None)
    with pytest.raises(InputError, match=r"xlsx needs openpyxl; pip install 'tfp-flows\[excel\]'"):
        save_table(tmp_path / "t.xlsx", np.ones((2, 2)))
    with pytest.raises(InputError, match=r"xlsx needs openpyxl; pip install 'tfp-flows\[excel\]'"):
        load_frame(written(tmp_path, "x", "t.xlsx"))
