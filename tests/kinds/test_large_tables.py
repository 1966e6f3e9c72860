"""Tables in parts from the command line: fits in constant memory, scores, samples, restarts."""

import numpy as np
import pandas as pd
import pytest
from commands import bad, good
from depth import quick
from planted_tables import rows

import tfp_flows as tff
from tfp_flows.datasets import blocks
from tfp_flows.kinds.tables import sampling, streamed

QUICK = ["--epochs", 2, "--no-plots", "--batch-size", 64, "--hidden", 8]
PLAIN = ["--flow", "maf", "--layers", 1, "--columns", "a,b"]


def written(folder, parts, count, seed=0):
    folder.mkdir()
    for k in range(parts):
        rows(count, seed + k).to_csv(folder / f"part-{k}.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with parts."""
    place = tmp_path_factory.mktemp("large")
    written(place / "table", 3, 400)
    return place


def fitted(place, name):
    """A run of the parts that were streamed."""
    if not (place / name).exists():
        options = PLAIN if name == "plain" else ["--flow", "columns"]
        done = good("fit", place / "table", "--stream", *options, *QUICK, "--out", place / name)
        assert "The table was streamed: 1,200 rows in 3 files" in done.stdout
    return place / name


@pytest.mark.parametrize("name", quick(["plain", "mixed"], "plain"))
def test_the_record_of_a_streamed_fit(place, name):
    run = tff.open_run(fitted(place, name))
    splits = run.metrics["splits"]
    assert sum(splits.values()) == run.metrics["data"]["rows"] == 1200
    assert 80 < splits["validation"] < 160 > splits["test"] > 80
    assert run.settings.stream is True
    source = run.source()
    whole = pd.concat([rows(400, k) for k in range(3)])
    held = source.parts.test
    scores = run.model.log_prob(held) if name == "mixed" else run.model.predict(held, verbose=0)
    value = run.metrics["test"]["headline"]["value"]
    assert np.mean(scores) == pytest.approx(value, abs=1e-4)
    if name == "plain":
        ranges = run.metrics["data"]["ranges"]
        assert ranges["b"] == pytest.approx([whole["b"].min(), whole["b"].max()], rel=1e-12)
        parts = [{tuple(row) for row in part} for part in source.parts]
        assert not parts[0] & parts[1] | parts[0] & parts[2] | parts[1] & parts[2]
        (x,) = zip(*source.batches(_Led(), 64), strict=True)
        assert {tuple(row) for row in np.concatenate(x)} <= parts[0]


class _Led:
    def led(self, feed):
        return feed.of_epoch(0)


@pytest.mark.parametrize("name", quick(["plain", "mixed"], "plain"))
def test_parts_are_scored_one_by_one(place, tmp_path, monkeypatch, name):
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 10_000)
    run, data, out = fitted(place, name), place / "table", tmp_path / "scores"
    good("score", run, data, "-o", out, "--p-values")
    parts = [f"part-{k}.csv" for k in range(3)]
    assert sorted(p.name for p in out.iterdir()) == [".parts.json", *parts]
    good("score", run, data / "part-1.csv", "-o", tmp_path / "one.csv", "--p-values")
    assert (out / "part-1.csv").read_bytes() == (tmp_path / "one.csv").read_bytes()
    good("score", run, data, "-o", tmp_path / "all.parquet")
    whole = pd.read_parquet(tmp_path / "all.parquet")["log_prob"]
    found = pd.concat([pd.read_csv(out / part) for part in parts])["log_prob"]
    np.testing.assert_allclose(whole, found, rtol=1e-6)
    model = tff.open_run(run).model
    frame = pd.concat([rows(400, k) for k in range(3)], ignore_index=True)
    direct = model.log_prob(frame) if name == "mixed" else model.predict(frame[["a", "b"]])
    np.testing.assert_allclose(whole, direct, rtol=1e-4, atol=1e-4)
    (out / parts[2]).unlink()
    before = (out / parts[0]).stat().st_mtime_ns
    said = good("score", run, data, "-o", out, "--p-values").stderr
    assert "2 of 3 parts are finished and left out." in said
    assert (out / parts[2]).exists()
    assert (out / parts[0]).stat().st_mtime_ns == before
    assert "parts of another command" in bad("score", run, data, "-o", out)


def test_groups_and_numbers_of_rows_go_through_all_parts(place, tmp_path):
    out, options = tmp_path / "s.csv", ["--by", "kind", "--drop-invalid"]
    said = good("score", fitted(place, "plain"), place / "table", "-o", out, *options).stdout
    found = pd.read_csv(out)
    assert found["row"].tolist() == list(range(1, 1201))
    frame = pd.concat([rows(400, k) for k in range(3)], ignore_index=True)
    means = found["log_prob"].groupby(frame["kind"]).mean()
    for kind, mean in means.items():
        (line,) = [line for line in said.splitlines() if line.startswith(kind)]
        assert f"{mean:.3f}" in line


def test_what_has_no_rows(place, tmp_path):
    run, out = fitted(place, "plain"), tmp_path / "scores"
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "1.csv").write_text("a,b\n,1\n2,\n")
    (tmp_path / "t" / "2.csv").write_text("a,b\n1,2\n,3\n")
    said = bad("score", run, tmp_path / "t" / "1.csv", "--drop-invalid", "-o", tmp_path / "s.csv")
    assert "Every row of" in said
    assert not (tmp_path / "s.csv").exists()
    said = good("score", run, tmp_path / "t", "--drop-invalid", "-o", out).stderr
    assert "3 rows with empty, NaN or infinite cells were dropped" in said
    assert [len(pd.read_csv(out / f"{k}.csv")) for k in (1, 2)] == [0, 1]


def test_samples_go_on_where_they_were(place, tmp_path, monkeypatch):
    monkeypatch.setattr(sampling, "PART_ROWS", 200_000)
    run, out = fitted(place, "plain"), tmp_path / "draws"
    arguments = ["sample", run, "-n", 250_000, "-o", out]
    good(*arguments)
    second = out / "part-00001.parquet"
    expected = second.read_bytes()
    assert [len(pd.read_parquet(p)) for p in sorted(out.glob("*.parquet"))] == [200_000, 50_000]
    second.unlink()
    assert "1 of 2 parts are finished" in good(*arguments).stderr
    assert second.read_bytes() == expected
    good("sample", run, "-n", 250_000, "-o", tmp_path / "all.npy")
    values = np.load(tmp_path / "all.npy")
    np.testing.assert_array_equal(values[200_000:], pd.read_parquet(second))


@pytest.mark.deep
def test_samples_of_mixed_columns_come_in_blocks(place, tmp_path, monkeypatch):
    from tfp_flows.kinds.tables import mixed_verbs

    monkeypatch.setattr(mixed_verbs, "_BLOCK", 100)
    out = tmp_path / "s.csv"
    run = fitted(place, "mixed")
    good("sample", run, "-n", 250, "-o", out)
    assert len(pd.read_csv(out).drop_duplicates()) == 250
    given = rows(7, 9)[["kind", "a"]]
    given.to_csv(tmp_path / "given.csv", index=False)
    good("sample", run, "-n", 250, "--given", tmp_path / "given.csv", "-o", out)
    found = pd.read_csv(out)
    np.testing.assert_allclose(found["a"], np.resize(given["a"], 250))


def test_large_tables_are_streamed_unless_told_otherwise(place, monkeypatch, tmp_path):
    from tfp_flows.kinds.tables.settings import TableSettings

    data = str(place / "table")
    assert TableSettings(data=data, flow="maf").check().stream is None
    monkeypatch.setattr(streamed, "WHOLE_BYTES", 1000)
    assert TableSettings(data=data, flow="maf", columns=["a"]).check().stream is True
    assert TableSettings(data=data, flow="maf", stream=False).check().stream is False
    assert TableSettings(data=data, flow="maf", by="kind").check().stream is None
    found = TableSettings(data=data).check()
    assert (found.flow, found.minutes) == ("columns", None)
    assert "is a toy" in bad("fit", "two_moons", "--stream", "--out", tmp_path / "r")
    np.save(tmp_path / "t.npy", np.zeros((99, 2)))
    said = bad("fit", tmp_path / "t.npy", "--stream", "--flow", "maf", "--out", tmp_path / "r")
    assert "cannot be read block by block" in said


def test_what_was_begun_in_memory_goes_on_in_memory(place, monkeypatch):
    """Fits of large tables that are older than streams."""
    from tfp_flows.kinds.tables.settings import TableSettings

    begun = TableSettings(data=str(place / "table"), flow="maf", epochs=9).check()
    monkeypatch.setattr(streamed, "WHOLE_BYTES", 1000)
    for given in ({"epochs": 9}, {"stream": False}, {"data": begun.data}):
        assert begun.differs(begun.repeated(given)) == []
    assert begun.differs(begun.repeated({"stream": True, "epochs": 8})) == ["epochs", "stream"]
    large = TableSettings(data=str(place / "table"), flow="maf").check()
    assert large.differs(large.repeated({"flow": "maf"})) == []
    assert large.differs(large.repeated({"stream": False})) == ["stream"]


def test_a_part_with_another_schema(place, tmp_path):
    data = written(tmp_path / "table", 2, 100)
    rows(100, 1).drop(columns="b").to_csv(data / "part-1.csv", index=False)
    said = bad("fit", data, "--stream", *PLAIN, "--out", tmp_path / "r")
    assert "part-1.csv lacks the column 'b'" in said
    assert "part-1.csv lacks the column 'b'" in bad(
        "score", fitted(place, "plain"), data, "-o", tmp_path / "scores"
    )
    assert not (tmp_path / "scores").exists()


@pytest.mark.deep
def test_streamed_fits_are_as_good(tmp_path):
    data = written(tmp_path / "table", 4, 2500)
    x = rows(5000, 77)[["a", "b", "c"]].to_numpy("float32")
    own = ["--flow", "maf", "--epochs", 5, "--no-plots", "--hidden", 32, "--columns", "a,b,c"]
    scores = []
    for how in ("--stream", "--no-stream"):
        good("fit", data, how, *own, "--out", tmp_path / how)
        scores.append(tff.open_run(tmp_path / how).model.predict(x, verbose=0))
    error = np.std(scores[0]) / np.sqrt(len(x))
    assert abs(np.mean(scores[0] - scores[1])) < 2 * error
