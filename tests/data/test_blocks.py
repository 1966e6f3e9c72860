"""Tables read and written block by block: as whole ones, and all of them or nothing."""

import errno
import json

import numpy as np
import pandas as pd
import pytest

from tfp_flows.datasets import (
    appended,
    blocks,
    load_frame,
    load_matching_frame,
    load_table,
    save_frame,
    save_table,
)
from tfp_flows.datasets.appending import Numbers
from tfp_flows.datasets.part_folders import PartFolder, stamp_of
from tfp_flows.datasets.units import Units, size_in_memory
from tfp_flows.errors import InputError

ROWS = 3000


def frame(seed=0, rows=ROWS):
    rng = np.random.default_rng(seed)
    words = np.array(["ant", 'a "bee"\nor two', "c, d", "#e"])
    columns = {"a": rng.normal(size=rows), "b": rng.integers(0, 9, rows)}
    texts = words[rng.integers(0, 4, rows)].astype(object)
    return pd.DataFrame({**columns, "k": pd.Series(texts, dtype=object)})


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK_ROWS", 700)
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 20_000)


def joined(path, names):
    found = list(blocks.frames(path, blocks.Wanted(names)))
    rows = np.concatenate([block.rows for block in found])
    np.testing.assert_array_equal(rows, np.arange(1, len(rows) + 1))
    assert len(found) > 2
    return pd.concat([block.data for block in found], ignore_index=True)


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.tsv", "t.parquet"])
def test_blocks_are_what_is_read_whole(tmp_path, name):
    path = tmp_path / name
    save_frame(path, frame())
    whole = load_matching_frame(path, ["k", "a"]).data
    pd.testing.assert_frame_equal(joined(path, ("k", "a")), whole)
    source = Units(path, ["k", "a"], mixed=True)
    units = dict.fromkeys(unit for unit, _ in source.scan())
    assert len(units) > 2 or name in ("t.csv.gz", "t.parquet")
    read = [raw.columns[1] for unit in units for raw in source.read(unit)]
    np.testing.assert_array_equal(np.concatenate(read), whole["a"])


def test_cells_mean_the_same_in_all_blocks(tmp_path):
    # The last half of the rows would not tell what their commas are.
    cells = ["1,5"] * (ROWS // 2) + ["2,500"] * (ROWS // 2)
    text = "".join(f"{cell};{cell}\n" for cell in cells)
    (tmp_path / "t.csv").write_text("a;b\n" + text)
    found = list(blocks.tables(tmp_path / "t.csv", blocks.Wanted(("b",))))
    values = np.concatenate([table.values for table in found])[:, 0]
    np.testing.assert_array_equal(values, np.repeat([1.5, 2.5], ROWS // 2))


def test_messages_tell_where_a_block_begins(tmp_path):
    x = np.random.default_rng(0).normal(size=(ROWS, 2))
    x[2500, 1] = np.nan
    save_table(tmp_path / "t.csv", x, ["a", "b"])
    with pytest.raises(InputError, match=r"From row (\d+,)?\d+ on, counted from there: .*'b'"):
        list(blocks.tables(tmp_path / "t.csv", blocks.Wanted(("a", "b"))))
    found = list(blocks.tables(tmp_path / "t.csv", blocks.Wanted(("b",)), drop_invalid=True))
    assert sum(table.dropped for table in found) == 1
    rows = np.concatenate([table.rows for table in found])
    np.testing.assert_array_equal(rows, np.delete(np.arange(1, ROWS + 1), 2500))


def test_folders_are_read_whole_too(tmp_path):
    for k in range(3):
        save_frame(tmp_path / f"part-{k}.parquet", frame(k, 40))
    (tmp_path / "_SUCCESS").touch()
    expected = pd.concat([frame(k, 40) for k in range(3)], ignore_index=True)
    pd.testing.assert_frame_equal(load_frame(tmp_path).data, expected)
    assert load_table(tmp_path, columns=["a"]).values.shape == (120, 1)
    assert size_in_memory(tmp_path, ["a"]) == 8 * 120


def test_parts_of_another_kind_are_refused(tmp_path):
    save_frame(tmp_path / "1.parquet", frame())
    save_frame(tmp_path / "2.parquet", frame().astype({"b": str}))
    said = r"Column 'b' of .*2\.parquet holds text, and in 1\.parquet it holds numbers"
    with pytest.raises(InputError, match=said):
        Units(tmp_path, mixed=True)
    with pytest.raises(InputError, match=said):
        load_frame(tmp_path)
    save_frame(tmp_path / "2.parquet", frame().drop(columns="b"))
    with pytest.raises(InputError, match=r"2\.parquet lacks the column 'b'"):
        Units(tmp_path, mixed=True)
    save_frame(tmp_path / "3.csv", frame())
    with pytest.raises(InputError, match=r"several formats, 1\.parquet and 3\.csv"):
        Units(tmp_path)


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.parquet", "t.npz"])
def test_pieces_are_what_is_written_at_once(tmp_path, name):
    x = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)
    # Labels of a .npz file are an array of their own, which no frame has.
    labels = None if name == "t.npz" else [f"r{i}" for i in range(50)]
    save_table(tmp_path / name, x, ["a", "b"], labels=labels, label_column="who")
    with appended(tmp_path / f"2-{name}") as append:
        for part in (slice(0, 20), slice(20, 50)):
            append(Numbers(x[part], ["a", "b"], labels and labels[part], "who"))
    one, two = (load_frame(tmp_path / n).data for n in (name, f"2-{name}"))
    pd.testing.assert_frame_equal(one, two)
    if ".csv" in name:
        assert (tmp_path / name).read_bytes() == (tmp_path / f"2-{name}").read_bytes()
    with appended(tmp_path / f"3-{name}") as append:
        append(frame(0, 30))
        append(frame(1, 30))
    expected = pd.concat([frame(0, 30), frame(1, 30)], ignore_index=True)
    pd.testing.assert_frame_equal(load_frame(tmp_path / f"3-{name}").data, expected)


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.parquet"])
def test_a_full_disk_leaves_nothing(tmp_path, name):
    def fill():
        with appended(tmp_path / name) as append:
            append(frame())
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(InputError, match=f"Cannot write .*{name}: No space left on device"):
        fill()
    assert not list(tmp_path.iterdir())


def test_finished_parts_are_left_out(tmp_path):
    out, source = tmp_path / "out", tmp_path / "a.csv"
    source.write_text("a\n1\n")
    stamps = {"a.csv": stamp_of(source), "b.csv": [0, 0]}
    with PartFolder(out, {"run": "x"}).left(stamps) as left:
        assert left == ["a.csv", "b.csv"]
        (out / "a.csv").write_text("1")
        (out / ".0123abcd-b.csv").write_text("half")
    with PartFolder(out, {"run": "x"}).left(stamps) as left:
        assert left == ["b.csv"]
        assert not list(out.glob(".0123*"))
        other = PartFolder(out, {"run": "x"}).left(stamps)
        with pytest.raises(InputError, match="Another process is writing into"):
            other.__enter__()
    source.write_text("a\n1\n2\n")
    with PartFolder(out, {"run": "x"}).left({**stamps, "a.csv": stamp_of(source)}) as left:
        assert left == ["a.csv", "b.csv"]
    with pytest.raises(InputError, match="parts of another command"):
        PartFolder(out, {"run": "y"})
    (out / ".parts.json").write_text(json.dumps([1]))
    with pytest.raises(InputError, match="is damaged"):
        PartFolder(out, {"run": "x"})
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.csv").touch()
    with pytest.raises(InputError, match="holds other files"):
        PartFolder(tmp_path / "full", {"run": "x"})
