"""Text and Parquet whose blocks and parts are not alike: read as whole files, or refused."""

import numpy as np
import pandas as pd
import pytest

from tfp_flows.datasets import _arrow, appended, blocks, load_frame, load_table
from tfp_flows.datasets.units import Units
from tfp_flows.errors import InputError

SIZE = 20_000
MANY = 4000


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK_ROWS", 700)
    monkeypatch.setattr(blocks, "BLOCK_BYTES", SIZE)


def written(path, *lines, encoding="utf-8"):
    path.write_bytes("".join(f"{line}\n" for line in lines).encode(encoding))
    return path


def in_blocks(path, *names):
    return list(blocks.frames(path, blocks.Wanted(names)))


def in_units(path, *, mixed=True):
    source = Units(path, mixed=mixed)
    return source, list(source.scan())


def check_as_whole(path, *names):
    whole = load_frame(path, columns=names).data
    found = in_blocks(path, *names)
    assert len(found) > 1
    pd.testing.assert_frame_equal(pd.concat([f.data for f in found], ignore_index=True), whole)
    source, read = in_units(path)
    place = source.wanted.names.index(names[0])
    again = np.concatenate([source_raw.columns[place] for _, source_raw in read])
    np.testing.assert_array_equal(again, whole[names[0]])
    return found


def refused(path, said, *names):
    with pytest.raises(InputError, match=said):
        in_blocks(path, *names)
    with pytest.raises(InputError, match=said):
        in_units(path)


def test_a_later_block_with_another_decimal_sign_is_refused(tmp_path):
    path = written(tmp_path / "t.csv", "a;b", *["1.500;1"] * MANY, *["1.234,5;1"] * MANY)
    assert load_frame(path).data["a"].iloc[[0, -1]].tolist() == [1500, 1234.5]
    said = r"counted from there: Column 'a' .* with decimal commas, and further up with .* points"
    refused(path, said, "a")
    assert len(in_blocks(path, "b")) > 2
    path = written(tmp_path / "u.csv", "a;b", *["5;1"] * 3 * MANY, *["5 %;1"] * MANY)
    refused(path, "'a' .* as text, since .* and further up as numbers", "a")
    # What no cell decided may be decided later, once.
    path = written(tmp_path / "v.csv", "a", *["5"] * MANY, *["1.5"] * MANY)
    check_as_whole(path, "a")


@pytest.mark.parametrize(
    ("one", "two", "said"),
    [
        ("1.500", "1.234,5", "with decimal commas, and in 1.csv with decimal points"),
        ("0.5 %", "0.005", "without a unit, and in 1.csv in %"),
        ("7", "7 €", "in €, and in 1.csv without a unit"),
    ],
)
def test_parts_of_another_sign_or_unit_are_refused(tmp_path, one, two, said):
    written(tmp_path / "1.csv", "a;b", *[f"{one};1"] * 30)
    written(tmp_path / "2.csv", "a;b", *[f"{two};1"] * 30)
    with pytest.raises(InputError, match=said):
        Units(tmp_path, mixed=True)
    with pytest.raises(InputError, match=said):
        load_frame(tmp_path)
    wanted = blocks.Wanted(("a",))
    list(blocks.frames(tmp_path / "1.csv", wanted))
    with pytest.raises(InputError, match=said):
        list(blocks.frames(tmp_path / "2.csv", wanted))
    assert Units(tmp_path, ["b"]).wanted.names == ("b",)


def test_quotes_that_open_nothing(tmp_path):
    rows = [f'{k};"two\nlines; of ""{k}"""' for k in range(MANY)]
    inches = [*rows[:700], '1.5;5" pipe', *rows[700:]]
    for lines in (["a;k", *inches], ['# pipe of 1" diameter', "a;k", *rows, '# 2"', *inches]):
        path = written(tmp_path / "t.csv", *lines)
        found = check_as_whole(path, "k", "a")
        assert max(len(f.rows) for f in found) < 2000
    # One that is never closed cuts what is left at the ends of lines.
    path = written(tmp_path / "t.csv", "a,k", '1,"open', *["2,b"] * MANY * 20)
    with pytest.raises(InputError, match="EOF inside string"):
        in_blocks(path, "a")


def test_long_and_wide_heads(tmp_path, monkeypatch):
    monkeypatch.setattr(blocks, "LOOKED_AT", 2**12)
    rows = [f"{k},{k / 8}" for k in range(MANY)]
    notes = [f"# note {k} of many, which take more than a block" for k in range(700)]
    check_as_whole(written(tmp_path / "t.csv", *notes, "a,b", *rows), "b", "a")
    names = [f"a column with a long name, number {k}".replace(",", "") for k in range(400)]
    folder = tmp_path / "wide"
    folder.mkdir()
    for part in "12":
        lines = [",".join(map(str, range(k, 400 + k))) for k in range(30)]
        written(folder / f"{part}.csv", ",".join(names), *lines)
    source, found = in_units(folder, mixed=False)
    assert source.wanted.names == tuple(names)
    values = np.concatenate([raw.columns[-1] for _, raw in found])
    np.testing.assert_array_equal(values, [*range(399, 429)] * 2)
    blocks.check_parts(source.parts, blocks.Wanted(tuple(names)), mixed=False)


def test_bytes_that_are_not_utf_8(tmp_path):
    many = ["1,plain"] * MANY
    path = tmp_path / "t.csv"
    written(path, "a,k", "1,Zürich", *many).write_bytes(
        path.read_bytes() + "1,é\n".encode("cp1252")
    )
    refused(path, r"Some of .*t\.csv is UTF-8 text and some is not", "a", "k")
    written(path, "a,k", *many, "1,Zürich", encoding="cp1252")
    found = check_as_whole(path, "k")
    (remark,) = [r for f in found for r in f.remarks]
    assert "Windows-1252, in which it has the word '1,Zürich'" in remark


def test_blocks_of_comments_alone(tmp_path):
    rows = [f"{k},{k / 8}" for k in range(MANY)]
    path = written(tmp_path / "t.csv", "a,b", *rows, *["# a comment"] * 3000, *rows)
    path.write_bytes(path.read_bytes() + b"# end")
    check_as_whole(path, "b", "a")
    found = list(blocks.tables(path, blocks.Wanted(("b",))))
    assert sum(len(table.values) for table in found) == 2 * MANY


def test_rows_of_units_and_ragged_lines_are_numbered(tmp_path):
    from tfp_flows.datasets.tables import checked_table

    rows = [f"{k},{k / 8}" for k in range(3 * MANY)]
    rows[3500] = "3500,"
    source, found = in_units(written(tmp_path / "t.csv", "a,b", *rows), mixed=False)
    with pytest.raises(InputError, match=r"From row [\d,]+ on, .*row \d+ column 'b'") as caught:
        [checked_table(source.parts[0], raw, False, block=True) for _, raw in found]
    assert row_in(str(caught.value), r"row (\d+) column") == 3501
    rows[3500], rows[9500] = rows[0], "9500,1,2"
    path = written(tmp_path / "t.csv", "a,b", *rows)
    for read in (lambda: in_blocks(path, "a"), lambda: in_units(path)):
        with pytest.raises(InputError, match=r"From row [\d,]+ on, .*in line \d+") as caught:
            read()
        assert row_in(str(caught.value), r"in line (\d+)") == 9501


def row_in(said, pattern):
    (first,) = pd.Series([said]).str.extract(r"From row ([\d,]+) on")[0]
    (within,) = pd.Series([said]).str.extract(pattern)[0]
    return int(first.replace(",", "")) - 1 + int(within)


def test_a_name_that_comes_twice_is_streamed(tmp_path):
    rows = [f"{k},{k / 8}" for k in range(MANY)]
    source, found = in_units(written(tmp_path / "t.csv", "a,a", *rows), mixed=False)
    assert source.wanted.names == ("a", "a.1")
    values = np.concatenate([raw.columns[1] for _, raw in found])
    np.testing.assert_array_equal(values, np.arange(MANY) / 8)


@pytest.mark.parametrize(
    ("cells", "missing"),
    [
        ([True, False], None),
        (["x", "y"], None),
        ([1.5, 2.5], None),
        (pd.to_datetime(["2020-01-01", "2020-01-02"]), pd.NaT),
    ],
)
def test_parts_without_values_have_the_type_of_the_others(tmp_path, cells, missing):
    parts = [[], [missing] * 2, list(cells), [cells[0], missing]]
    for k, column in enumerate(parts):
        frame = pd.DataFrame({"a": [1.0] * len(column), "b": pd.Series(column, dtype=object)})
        frame.to_parquet(tmp_path / f"{k}.parquet")
    whole = load_frame(tmp_path).data["b"]
    expected = [missing] * 2 + list(cells) + [cells[0], missing]
    as_text = cells[0] is True  # as true/false values beside missing ones are
    for one, two in zip(whole, expected, strict=True):
        assert (pd.isna(one) and pd.isna(two)) or one == (str(two) if as_text else two)
    source, found = in_units(tmp_path)
    assert source.wanted.names == ("a", "b")
    assert sum(len(raw.columns[0]) for _, raw in found) == 6
    wanted = blocks.Wanted(("a", "b"))
    blocks.check_parts(source.parts, wanted, mixed=True)
    assert [len(f.rows) for part in source.parts for f in blocks.frames(part, wanted)] == [
        0,
        2,
        2,
        2,
    ]
    found = list(blocks.tables(source.parts[0], blocks.Wanted(("a",))))
    assert [table.values.shape for table in found] == [(0, 1)]
    with pytest.raises(InputError, match="holds no values"):
        load_table(source.parts[0], columns=["a"])
    (tmp_path / "e").mkdir()
    source.parts[0].rename(tmp_path / "e" / "0.parquet")
    with pytest.raises(InputError, match="holds no values"):
        Units(tmp_path / "e")


def test_true_and_false_beside_an_empty_part(tmp_path):
    written(tmp_path / "1.csv", "a,b", "1,", "2,")
    written(tmp_path / "2.csv", "a,b", "3,True", "4,False")
    assert load_frame(tmp_path).data["b"].tolist() == [None, None, "True", "False"]
    written(tmp_path / "1.csv", "a,b", "1,True", "2,True")
    assert load_frame(tmp_path).data["b"].tolist() == [True, True, True, False]


def test_folders_in_a_folder_are_refused(tmp_path):
    inner = tmp_path / "t.parquet" / "year=2023" / "month=1"
    inner.mkdir(parents=True)
    frame = pd.DataFrame({"a": [1.0, 2.0]})
    frame.to_parquet(inner / "1.parquet")
    said = r"t\.parquet holds parts in a folder of its own, year=2023"
    for _ in range(2):
        with pytest.raises(InputError, match=said):
            Units(tmp_path / "t.parquet")
        with pytest.raises(InputError, match=said):
            load_frame(tmp_path / "t.parquet")
        frame.to_parquet(tmp_path / "t.parquet" / "1.parquet")
    inner.parent.rename(tmp_path / "t.parquet" / "_old")
    assert len(load_frame(tmp_path / "t.parquet").data) == 2


@pytest.mark.parametrize("held", [500_000, 3])
def test_pieces_without_values_fix_no_type(tmp_path, monkeypatch, held):
    monkeypatch.setattr(_arrow, "_KEPT_ROWS", held)
    pieces = [
        {"a": [], "k": []},
        {"a": [1, 2], "k": [None, None]},
        {"a": [3], "k": ["x"]},
        {"a": [4], "k": [None]},
    ]
    frames = [pd.DataFrame(piece) for piece in pieces]
    path = tmp_path / "t.parquet"
    write(path, *frames)
    found = pd.read_parquet(path)
    assert found["a"].tolist() == [1, 2, 3, 4]
    assert found["a"].dtype == np.int64
    assert found["k"].fillna("-").tolist() == ["-", "-", "x", "-"]
    write(path, frames[0])
    assert pd.read_parquet(path).shape == (0, 2)
    other = pd.DataFrame({"a": ["x"], "k": ["y"]})
    with pytest.raises(InputError, match="other types than in the rows above"):
        write(path, frames[2], other)
    assert pd.read_parquet(path).shape == (0, 2)


def write(path, *frames):
    with appended(path) as append:
        for frame in frames:
            append(frame)
