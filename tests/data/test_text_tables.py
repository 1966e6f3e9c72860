"""Tables of text as people have them: headers, indices, decimal commas, encodings, packing."""

import bz2
import gzip
import lzma
import zipfile

import numpy as np
import pandas as pd
import pytest
from texts import written

from tfp_flows.datasets import load_matching, load_table, save_table
from tfp_flows.errors import InputError

RNG = np.random.default_rng(0)
REAL = RNG.normal(size=(40, 3))
WHOLE = RNG.integers(20, 1000, (40, 3))


def frame_as(values, columns=None, **options):
    return pd.DataFrame(values, columns=columns).to_csv(**options)


# Headers


@pytest.mark.parametrize("values", [REAL, WHOLE, REAL[:, :1], WHOLE[:, :2], 1000 + 50 * REAL])
@pytest.mark.parametrize("index", [False, True])
@pytest.mark.parametrize("packed", [False, True])
def test_a_data_frame_without_names_keeps_its_rows(tmp_path, values, index, packed):
    path = tmp_path / ("t.csv.gz" if packed else "t.csv")
    pd.DataFrame(values).to_csv(path, index=index)
    table = load_table(path)
    np.testing.assert_array_equal(table.values, values)
    assert table.columns == tuple("012"[: values.shape[1]])
    assert table.named
    assert "header=False (--no-header) reads it as data" in table.remarks[0]
    assert ("labels of its rows (0 to 39); it is left out" in table.remarks[-1]) == index
    again = load_table(path, header=True)
    np.testing.assert_array_equal(again.values, values)
    # Only without an index may its first row, which has a blank, be data.
    if not index:
        assert len(load_table(path, header=False).values) == 41


@pytest.mark.parametrize(
    "names",
    [(1990, 1991, 1992), (2020, 2015, 2010), (1990, 1995, 2001), (400.0, 400.5, 401.0)],
)
def test_years_and_wavelengths_are_names(tmp_path, names):
    values = 0.01 * REAL if names[0] == 400 else WHOLE * 1.001 if names[0] == 2020 else REAL
    path = written(tmp_path, frame_as(values, names, index=False))
    table = load_table(path)
    np.testing.assert_array_equal(table.values, values)
    assert table.columns == tuple(map(str, names))
    assert len(table.remarks) == 1


def test_years_beside_text(tmp_path):
    rows = "\n".join(f"c{i},{i % 7}.5,{(3 * i) % 11}.25" for i in range(20))
    table = load_table(written(tmp_path, "country,1990,1991\n" + rows), columns=["1991"])
    assert table.values.shape == (20, 1)
    with pytest.raises(InputError, match=r"'country' of .* holds text"):
        load_table(tmp_path / "t.csv")


@pytest.mark.parametrize("values", [REAL, WHOLE, REAL.round(1), RNG.integers(0, 2, (40, 2))])
def test_rows_without_a_header_are_all_kept(tmp_path, values):
    path = written(tmp_path, frame_as(values, index=False, header=False))
    table = load_table(path)
    np.testing.assert_array_equal(table.values, values)
    assert (table.columns[0], table.named, table.remarks) == ("x0", False, ())
    if values.shape[1] == 3:
        assert load_table(path, header=True).columns == tuple(
            path.read_text().split()[0].split(",")
        )


@pytest.mark.parametrize(
    ("text", "kept", "remarked"),
    [
        # Numbers that count up, but do so as their columns do.
        ("2000,2001\n2001,2003\n2002,2005\n2003,2006\n", [2000, 2001], True),
        ("0,1\n1,0\n0,0\n1,1\n", [0, 1], True),
        ("1,2\n2,4\n3,6\n", [1, 2], True),
        # Neither NA, nor a mark for it, nor a text above texts makes a header.
        ("NA,1.5\n2.5,3.5\n4.5,0.5\n", None, True),
        ("1.5,\n2.5,3.5\n4.5,0.5\n", None, True),
        ("nan,NaN\n2.5,3.5\n", None, True),
    ],
)
def test_a_first_row_of_data_is_kept(tmp_path, text, kept, remarked):
    table = load_table(written(tmp_path, text), drop_invalid=True)
    assert len(table.values) + table.dropped == text.count("\n")
    assert table.columns == ("x0", "x1")
    if kept:
        np.testing.assert_array_equal(table.values[0], kept)
    assert ("header=True (--header) reads it as names" in "".join(table.remarks)) == remarked


@pytest.mark.parametrize("first", ["NA,Rome,1.5", "?,Rome,1.5", "2020-01-01,Rome,1.5"])
def test_a_first_row_with_text_above_text_is_data(tmp_path, first):
    second = first.replace("NA", "3").replace("Rome", "Bonn").replace("?", "4")
    path = written(tmp_path, f"{first}\n{second}\n")
    table = load_table(path, columns=[2])
    np.testing.assert_array_equal(table.values, [[1.5], [1.5]])
    assert "is taken as data" in table.remarks[0]


def test_header_says_what_the_first_row_is(tmp_path):
    path = written(tmp_path, "1,2\n3,4\n5,6\n")
    assert load_table(path).values.shape == (3, 2)
    named = load_table(path, header=True)
    assert (named.columns, named.values.shape, named.remarks) == (("1", "2"), (2, 2), ())
    with pytest.raises(InputError, match=r"Column 'x0' of .* holds text .*'a' in row 1"):
        load_table(written(tmp_path, "a,b\n1,2\n"), header=False)
    np.save(tmp_path / "a.npy", REAL)
    with pytest.raises(InputError, match=r"header=True was given .* only a text file"):
        load_table(tmp_path / "a.npy", header=True)


def test_texts_beside_numbers_in_a_header_are_remarked(tmp_path):
    table = load_table(written(tmp_path, "id,0,1\n7,.5,.6\n3,.1,.2\n"))
    assert table.columns == ("id", "0", "1")
    assert "because 'id' is no number" in table.remarks[0]


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".csv.gz"])
@pytest.mark.parametrize(
    "names", [("0", "1"), ("7", "3.5"), ("NA", "?"), ("#a", "b"), ("1", "a b")]
)
@pytest.mark.parametrize("whole", [False, True])
def test_any_names_are_read_back(tmp_path, suffix, names, whole):
    values = np.array([[0, 1], [1, 2], [5, 3]]) if whole else REAL[:3, :2]
    table = load_table(save_table(tmp_path / f"t{suffix}", values, names))
    np.testing.assert_array_equal(table.values, values)
    assert table.columns == names


# Indices


def test_labels_of_rows_are_left_out(tmp_path):
    frame = pd.DataFrame(REAL, columns=["a", "b", "c"])
    for labelled in (
        frame,
        frame.sample(30, random_state=1),
        frame.set_index(frame.a.map("r{}".format)),
    ):
        labelled = labelled.rename_axis(index=None)
        labelled.to_csv(tmp_path / "t.csv")
        table = load_table(tmp_path / "t.csv")
        assert table.columns == ("a", "b", "c")
        np.testing.assert_array_equal(table.values, labelled.values)
        assert "is left out, columns= (--columns) would choose it" in table.remarks[-1]
        matching = load_matching(tmp_path / "t.csv", ("x0", "x1", "x2"), named=False)
        np.testing.assert_array_equal(matching.values, labelled.values)
    frame.to_csv(tmp_path / "t.csv")
    assert load_table(tmp_path / "t.csv", columns=[0, "b"]).values.shape == (40, 2)
    pd.read_csv(tmp_path / "t.csv").to_csv(tmp_path / "twice.csv")
    np.testing.assert_array_equal(load_table(tmp_path / "twice.csv").values, REAL)
    # A model that was fitted with the labels as a column goes on finding them.
    assert load_matching(tmp_path / "t.csv", ("x0", "a")).values[-1, 0] == 39


def test_columns_that_count_are_remarked(tmp_path):
    text = frame_as(REAL, ["a", "b", "c"], index_label="id")
    table = load_table(written(tmp_path, text))
    assert table.columns == ("id", "a", "b", "c")
    assert "Column 'id' counts the rows (0 to 39); leave it out" in table.remarks[0]
    text = frame_as(REAL, header=False)
    assert "'x0' counts the rows" in load_table(written(tmp_path, text)).remarks[0]


def test_a_nameless_column_of_numbers_is_kept(tmp_path):
    table = load_table(written(tmp_path, ",b\n1.5,2\n0.5,4\n"))
    assert table.columns == ("x0", "b")


# The names of a model


def test_names_of_a_model_decide_about_a_header(tmp_path):
    path = written(tmp_path, "0,1\n1,0\n0,0\n1,1\n")
    assert load_matching(path, ("0", "1")).values.shape == (3, 2)
    assert load_matching(path, ("a", "b")).values.shape == (4, 2)
    assert load_matching(path, ("a", "b"), header=False).values.shape == (4, 2)
    path = written(tmp_path, frame_as(REAL, index=False))
    assert load_matching(path, ("0", "1", "2")).values.shape == (40, 3)
    # Without a header in either, or with names that are another model's.
    assert load_matching(path, ("a", "b", "c")).values.shape == (41, 3)
    with pytest.raises(InputError, match="lacks the columns 'a'"):
        load_matching(path, ("a", "b", "c"), header=True)


# Cells


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1,5;2,5\n3,1;4,2\n", [[1.5, 2.5], [3.1, 4.2]]),
        ("a;b\r\n1,5;2\r\n-0,25;1e-3\r\n", [[1.5, 2], [-0.25, 1e-3]]),
        ("1,5\t2,5\n3,1\t4,2\n", [[1.5, 2.5], [3.1, 4.2]]),
        ("Höhe, m;Masse, kg\n1,8;80,5\n1,7;70\n", [[1.8, 80.5], [1.7, 70]]),
        ("a;b\n1.234,5;2\n1.000.000,25;3\n", [[1234.5, 2], [1000000.25, 3]]),
        ("a;b\n1,500;2,5\n2,750;3,25\n", [[1.5, 2.5], [2.75, 3.25]]),
        ("a;b\n0,125;1\n1,500;2\n", [[0.125, 1], [1.5, 2]]),
        ("1,5;2.5\n3,25;4.75\n", [[1.5, 2.5], [3.25, 4.75]]),
        ('"a","b"\n"1,234.5","2"\n"12,345","3"\n', [[1234.5, 2], [12345, 3]]),
        ('"1,5","2,5"\n"3,1","4,2"\n', [[1.5, 2.5], [3.1, 4.2]]),
        ("a;b\n1'234.5;2\n2'000;3\n", [[1234.5, 2], [2000, 3]]),
        ("a;b\n1\u202f234,5;2\n12\u00a0000;3\n", [[1234.5, 2], [12000, 3]]),
        ("a,b\n\u22121.5,2\n3,4\n", [[-1.5, 2], [3, 4]]),
    ],
)
def test_decimal_commas_and_thousands(tmp_path, text, values):
    table = load_table(written(tmp_path, text))
    np.testing.assert_array_equal(table.values, values)
    assert any("are read with decimal" in remark for remark in table.remarks)


def test_quoted_numbers_and_three_decimals_are_plain(tmp_path):
    for text in ('"1.500","2.5"\n"3.125","4.5"\n', "1.500,2.5\n3.125,4.5\n"):
        table = load_table(written(tmp_path, text))
        np.testing.assert_array_equal(table.values, [[1.5, 2.5], [3.125, 4.5]])
        assert table.remarks == ()


@pytest.mark.parametrize("cells", ["1,500", "-12,345"])
def test_a_comma_that_may_be_either_is_refused(tmp_path, cells):
    path = written(tmp_path, f"a;b\n{cells};2\n2,750;3\n")
    with pytest.raises(InputError, match=f"holds '{cells}' in row 1, where the comma may be"):
        load_table(path)
    assert load_table(path, columns="b").values.shape == (2, 1)


def test_decimal_commas_between_commas_are_refused(tmp_path):
    with pytest.raises(InputError, match="semicolons between cells with decimal commas"):
        load_table(written(tmp_path, "x\n1,5\n2,5\n"))


# Encodings, separators, comments, packing


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|", "  "])
def test_encodings_ends_and_separators(tmp_path, encoding, end, separator):
    rows = [["Höhe", "b"], ["1.5", "2"], ["3", "4"]]
    text = end.join(separator.join(row) for row in rows) + end
    for name in ("t.csv", "t.tsv", "t.txt"):
        table = load_table(written(tmp_path, text.encode(encoding), name))
        np.testing.assert_array_equal(table.values, [[1.5, 2], [3, 4]])
        assert table.columns == ("Höhe", "b")


@pytest.mark.parametrize(
    "text",
    [
        "# made on Monday, by me\na,b\n1,2\n# a pause\n3,4\n# the end",
        "#made on Monday\n\n  # twice\na,b\n1,2\n3,4\n",
        "# a,b\n1,2\n3,4\n",
        "# made by us\n# a b\n1 2\n3 4\n",
        "sep=;\na;b\n1;2\n3;4\n",
        "a,b,\n1,2,\n3,4,\n",
        "a,b\n\n1,2\n\n3,4\n\n",
    ],
)
def test_comments_and_other_lines(tmp_path, text):
    table = load_table(written(tmp_path, text))
    np.testing.assert_array_equal(table.values, [[1, 2], [3, 4]])
    assert table.columns == ("a", "b")


def test_numbers_of_lines_count_comments(tmp_path):
    with pytest.raises(InputError, match="Expected 2 fields in line 5, saw 3"):
        load_table(written(tmp_path, "# one\na,b\n# two\n1,2\n3,4,5\n"))
    table = load_table(written(tmp_path, "a,b\n1,#N/A\n3,4\n"), drop_invalid=True)
    np.testing.assert_array_equal(table.values, [[3, 4]])


def test_packed_text(tmp_path):
    text = b"a,b\n1,2\n3,4\n"
    packers = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}
    for suffix, pack in packers.items():
        for name in (f"t.csv{suffix}", f"T.TSV{suffix.upper()}", "named_wrongly.csv"):
            table = load_table(written(tmp_path, pack(text), name))
            np.testing.assert_array_equal(table.values, [[1, 2], [3, 4]])
    with zipfile.ZipFile(tmp_path / "t.csv.zip", "w") as archive:
        archive.writestr("t.csv", text)
    assert load_table(tmp_path / "t.csv.zip").columns == ("a", "b")
    with zipfile.ZipFile(tmp_path / "t.csv.zip", "a") as archive:
        archive.writestr("u.csv", text)
    with pytest.raises(InputError, match="holds 2 files; unpack it"):
        load_table(tmp_path / "t.csv.zip")
    with pytest.raises(InputError, match="damaged"):
        load_table(written(tmp_path, gzip.compress(text * 100)[:-9], "t.csv.gz"))
    with pytest.raises(InputError, match="unpack it first"):
        load_table(written(tmp_path, gzip.compress(text), "t.npy.gz"))
    first = save_table(tmp_path / "a.csv.gz", REAL).read_bytes()
    assert save_table(tmp_path / "a.csv.gz", REAL).read_bytes() == first


# Writing


def test_labels_of_rows_are_written(tmp_path):
    labels = ["a.png", 'b "2".png', "ü,c/d.png"]
    for name in ("t.csv", "t.tsv", "t.parquet"):
        path = save_table(tmp_path / name, REAL[:3, :1], ["bits"], labels=labels, label_column="f")
        np.testing.assert_array_equal(load_table(path, columns="bits").values, REAL[:3, :1])
        frame = (
            pd.read_parquet(path)
            if name.endswith("t")
            else pd.read_csv(path, sep=None, engine="python")
        )
        assert list(frame["f"]) == labels
    path = save_table(tmp_path / "t.npz", REAL[:3, :1], ["bits"], labels=labels)
    assert list(np.load(path)["name"]) == labels
    with pytest.raises(InputError, match="3 rows need as many labels, got 2"):
        save_table(path, REAL[:3, :1], ["bits"], labels=labels[:2])


def test_a_file_in_the_way_of_a_folder(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="file is a file, not a folder"):
        save_table(tmp_path / "file" / "below" / "t.csv", REAL)
    with pytest.raises(InputError, match=r"the folder .*none does not exist"):
        save_table(tmp_path / "none" / "below" / "t.csv", REAL)
