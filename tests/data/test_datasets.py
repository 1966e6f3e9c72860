"""Toys, potentials, tables, splits: values, exact densities, files, and every error's message."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tfp_flows
from tfp_flows import datasets
from tfp_flows.datasets import (
    POTENTIALS,
    TOYS,
    Table,
    check_table,
    checkerboard_log_prob,
    eight_gaussians_log_prob,
    load_maf_table,
    load_table,
    potential_log_prob,
    power_from_household,
    save_table,
    split,
    toy,
)
from tfp_flows.errors import InputError
from tfp_flows.files import atomic_path

SUFFIXES = (".csv", ".npy", ".npz", ".parquet", ".feather", ".xlsx")


def cells(half_width, count):
    """Centres [count, count, 2] and area of the cells of a square around 0."""
    centres = half_width * (2 * (np.arange(count) + 0.5) / count - 1)
    return np.stack(np.meshgrid(centres, centres), axis=-1), (2 * half_width / count) ** 2


def chi_square(samples, log_density, half_width, bins, refine=8):
    """Chi-square per degree of freedom of a 2-D histogram against the density, about 1 if equal."""
    grid, area = cells(half_width, bins * refine)
    mass = np.exp(log_density(grid)) * area
    mass = mass.reshape(bins, refine, bins, refine).sum(axis=(1, 3))
    edges = np.linspace(-half_width, half_width, bins + 1)
    counts = np.histogram2d(samples[:, 1], samples[:, 0], [edges, edges])[0]
    expected = mass * len(samples)
    used = expected > 10
    rest = abs(counts[~used].sum() - expected[~used].sum())
    assert rest < 5 * np.sqrt(expected[~used].sum() + 1)
    return np.sum((counts[used] - expected[used]) ** 2 / expected[used]) / used.sum()


# Toys


@pytest.mark.parametrize("name", TOYS)
def test_toys_are_seeded_and_float32(name):
    first = toy(name, 500, seed=7)
    assert first.shape == (500, 2)
    assert first.dtype == np.float32
    assert np.isfinite(first).all()
    np.testing.assert_array_equal(first, toy(name, 500, seed=7))
    assert not np.array_equal(first, toy(name, 500, seed=8))
    assert toy(name, 1).shape == (1, 2)


@pytest.mark.parametrize("name", [name for name in TOYS if name not in POTENTIALS])
def test_toys_are_centred_and_of_unit_scale(name):
    points = toy(name, 50_000)
    assert np.abs(points.mean(axis=0)).max() < 0.03
    scale = 0.714 if name == "two_moons" else 1.155 if name == "checkerboard" else 1.0
    assert np.sqrt(np.mean(points**2)) == pytest.approx(scale, abs=0.04)


def test_noise_free_toys_lie_on_their_curves():
    moons = datasets.two_moons(200, noise=0)
    upper, lower = (
        np.abs(np.hypot(*(moons + sign * np.array([0.5, 0.25])).T) - 1) for sign in (1.0, -1.0)
    )
    assert np.minimum(upper, lower).max() < 1e-5
    radius = np.hypot(*datasets.rings(200, noise=0).T)
    np.testing.assert_allclose(radius, np.round(2 * radius) / 2, atol=1e-5)
    spiral = datasets.spirals(200, noise=0, turns=0)
    np.testing.assert_allclose(spiral[:, 1], 0, atol=1e-6)


def test_checkerboard_density():
    grid, area = cells(2.5, 200)
    assert np.exp(checkerboard_log_prob(grid)).sum() * area == pytest.approx(1)
    # 300,000 draws, so that some would be rounded into a neighbour's square if they could.
    points = toy("checkerboard", 300_000)
    np.testing.assert_allclose(checkerboard_log_prob(points), -np.log(8))
    assert chi_square(points, checkerboard_log_prob, 2, 20) < 1.3


def test_eight_gaussians_density():
    grid, area = cells(3, 300)
    assert np.exp(eight_gaussians_log_prob(grid)).sum() * area == pytest.approx(1)
    assert chi_square(toy("eight_gaussians", 50_000), eight_gaussians_log_prob, 3, 40) < 1.3
    wide = datasets.eight_gaussians(50_000, noise=0.4)
    log_prob = eight_gaussians_log_prob(grid, noise=0.4)
    entropy = -np.sum(np.exp(log_prob) * log_prob) * area
    assert -eight_gaussians_log_prob(wide, noise=0.4).mean() == pytest.approx(entropy, abs=0.02)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: toy("two_moon", 5), "Unknown toy 'two_moon'; did you mean 'two_moons'"),
        (lambda: toy("rings", 0), "num_samples is 0; give a whole number of at least 1"),
        (lambda: toy("u1", 2.5), "num_samples is 2.5"),
        (lambda: toy("rings", 5, seed=-1), "The seed is -1"),
        (lambda: datasets.rings(5, noise=-0.1), "noise is -0.1; give a finite number"),
        (lambda: datasets.pinwheel(5, tangential_noise="x"), "tangential_noise is 'x'"),
        (lambda: datasets.pinwheel(5, arms=1), "arms is 1; give at least 2"),
        (lambda: eight_gaussians_log_prob(np.zeros(2), noise=0), "noise is 0; .* positive"),
        (lambda: potential_log_prob("u5", np.zeros(2)), "Unknown potential 'u5'"),
    ],
)
def test_toy_errors(call, message):
    with pytest.raises(InputError, match=message):
        call()


# Potentials


def table_1(name, z1, z2):
    """The paper's table, term by term."""
    w1 = np.sin(2 * np.pi * z1 / 4)
    w2 = 3 * np.exp(-0.5 * ((z1 - 1) / 0.6) ** 2)
    w3 = 3 / (1 + np.exp(-(z1 - 1) / 0.3))

    def bell(x):
        return np.exp(-0.5 * x**2)

    ring = 0.5 * ((np.hypot(z1, z2) - 2) / 0.4) ** 2
    return {
        "u1": ring - np.log(bell((z1 - 2) / 0.6) + bell((z1 + 2) / 0.6)),
        "u2": 0.5 * ((z2 - w1) / 0.4) ** 2,
        "u3": -np.log(bell((z2 - w1) / 0.35) + bell((z2 - w1 + w2) / 0.35)),
        "u4": -np.log(bell((z2 - w1) / 0.4) + bell((z2 - w1 + w3) / 0.35)),
    }[name]


@pytest.mark.parametrize("name", POTENTIALS)
def test_potentials_are_those_of_the_paper(name):
    z = np.random.default_rng(0).uniform(-3, 3, (200, 2))
    np.testing.assert_allclose(POTENTIALS[name](z), table_1(name, *z.T), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", POTENTIALS)
def test_potentials_keep_precision_and_stay_finite(name):
    import tensorflow as tf

    for dtype in (np.float32, np.float64):
        z = tf.constant([[[0, 0], [40, -40.0]]], dtype)
        with tf.GradientTape() as tape:
            tape.watch(z)
            energy = POTENTIALS[name](z)
        assert energy.dtype == dtype
        assert energy.shape == (1, 2)
        assert np.isfinite(energy).all()
        assert np.isfinite(tape.gradient(energy, z)).all()


@pytest.mark.parametrize("name", POTENTIALS)
def test_potential_density_and_samples(name):
    grid, area = cells(4, 400)
    log_prob = potential_log_prob(name, grid).numpy()
    assert np.exp(log_prob).sum() * area == pytest.approx(1, abs=1e-4)
    outside = potential_log_prob(name, np.float32([[4.1, 0], [0, -1e30]]))
    assert outside.dtype == np.float32
    np.testing.assert_array_equal(outside, [-np.inf, -np.inf])
    samples = toy(name, 30_000)
    assert chi_square(samples, lambda z: potential_log_prob(name, z).numpy(), 4, 25) < 1.4


@pytest.mark.parametrize("name", POTENTIALS)
def test_rejection_bound_holds(name):
    grid, _ = cells(4, 800)
    assert np.exp(-POTENTIALS[name](grid)).max() <= datasets.potentials._BOUND[name]


def test_potential_log_prob_in_a_graph():
    import tensorflow as tf

    graph = tf.function(lambda z: potential_log_prob("u2", z))
    datasets.potentials._log_normaliser.cache_clear()
    z = tf.constant([[0.5, 0.5]])
    np.testing.assert_allclose(graph(z), potential_log_prob("u2", z), rtol=1e-6)


# Tables


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_round_trip_is_exact(tmp_path, suffix, dtype):
    rng = np.random.default_rng(0)
    values = (rng.standard_normal((300, 3)) * 10.0 ** rng.integers(-30, 30, (300, 3))).astype(dtype)
    path = save_table(tmp_path / f"t{suffix}", values, ["a, b", 'quoted "c"', "x2"])
    table = load_table(path)
    np.testing.assert_array_equal(table.values.astype(dtype), values)
    names = ("x0", "x1", "x2") if suffix == ".npy" else ("a, b", 'quoted "c"', "x2")
    assert table.columns == names
    assert table.named == (suffix != ".npy")
    assert table.dropped == 0
    if suffix not in (".csv", ".xlsx"):
        assert table.values.dtype == dtype


def load_text(tmp_path, text, **options):
    path = tmp_path / "t.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_table(path, **options)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a,b\n1,2\n3,4\n", ("a", "b")),
        ("1,2\n3,4", ("x0", "x1")),
        ("\n\na;b\n1;2\n3;4\n", ("a", "b")),
        ("a\tb\n1\t2\n\n3\t4\n", ("a", "b")),
        ("# a,b\n1 , 2 \n 3,4\n", ("a", "b")),
        (",b\n1,2\n3,4\n", ("x0", "b")),
        ('"a;a",b\n1,2\n3,4\n', ("a;a", "b")),
        ('"a\na",b\n1,2\n3,4\n', ("a\na", "b")),
        ("\ufeffa,b\r\n1,2\r\n3,4\r\n", ("a", "b")),
    ],
)
def test_csv_dialects(tmp_path, text, names):
    table = load_text(tmp_path, text)
    np.testing.assert_array_equal(table.values, [[1, 2], [3, 4]])
    assert table.columns == names
    assert table.named == (names != ("x0", "x1"))


def test_timestamps_keep_their_spread(tmp_path):
    table = load_text(tmp_path, "t\n1700000000.125\n1700000100\n")
    assert table.values.dtype == np.float64
    np.testing.assert_array_equal(table.values[:, 0], [1700000000.125, 1700000100])


@pytest.mark.parametrize(
    ("dtype", "kept"),
    [("f2", "f4"), (">f4", "f4"), ("i2", "f4"), ("u1", "f4"), ("i4", "f8"), ("i8", "f8")],
)
def test_precision_of_arrays(tmp_path, dtype, kept):
    path = tmp_path / "a.npy"
    np.save(path, np.arange(6, dtype=dtype))
    table = load_table(path)
    assert table.values.dtype == np.dtype(kept)
    np.testing.assert_array_equal(table.values, np.arange(6)[:, None])


def test_choosing_columns(tmp_path):
    text = "a,city,2\n1,Rome,3\n4,Bonn,6\n"
    for columns in (["2", "a"], [2, 0], ("2", "0")):
        table = load_text(tmp_path, text, columns=columns)
        assert table.columns == ("2", "a")
        np.testing.assert_array_equal(table.values, [[3, 1], [6, 4]])
    assert load_text(tmp_path, text, columns="a").columns == ("a",)


def test_drop_invalid(tmp_path):
    table = load_text(tmp_path, "a,b\n1,\n2,3\ninf,4\n5,6\n", drop_invalid=True)
    np.testing.assert_array_equal(table.values, [[2, 3], [5, 6]])
    assert table.dropped == 2


def test_nullable_parquet_columns(tmp_path):
    import pandas as pd

    frame = pd.DataFrame({"a": pd.array([1, None, 3], "Int64"), "b": pd.array([1, 2, 3], "Int32")})
    frame.to_parquet(tmp_path / "t.parquet")
    table = load_table(tmp_path / "t.parquet", drop_invalid=True)
    np.testing.assert_array_equal(table.values, [[1, 1], [3, 3]])
    with pytest.raises(InputError, match=r"1 in 1 of 3 rows .first: row 2 column 'a'"):
        load_table(tmp_path / "t.parquet")


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("", {}, "is empty"),
        (" \n\n", {}, "nothing but blank lines"),
        ("a,b\n", {}, "a header but no rows"),
        ("a,b\n1,Rome\n", {}, "Column 'b' of .* holds text .*'Rome' in row 1"),
        ("a,b\n1,2\n3,?\n", {}, r"Column 'b' .*'\?' in row 2.*--columns"),
        ("a,b\n1,2\n3,4,5\n", {}, "Expected 2 fields in line 3, saw 3; give every row"),
        ("a,b\n1,2,3\n", {}, "2 cells in its first row and 3 in the next"),
        ("a,b,a\n1,2,3\n", {"columns": "a"}, r"two columns called 'a' \(numbers 0 and 2"),
        ("a,b\n1,\nnan,inf\n", {}, r"3 in 2 of 2 rows \(first: row 1 column 'b', row 2 column 'a'"),
        ("a,b\n1,\n", {}, "--drop-invalid"),
        ("a,b\n1,\n", {"drop_invalid": True}, "Every row of .* nothing is left"),
        ("a,b\nTrue,1\n", {}, "Column 'a' of .* holds true/false values"),
        ("a,b\n,1\n1e39,1\n", {"drop_invalid": True}, r"'a' of .* 1e\+39 in row 2, beyond"),
        ("alpha,b\n1,2\n", {"columns": ["alpa"]}, "Unknown column 'alpa'; did you mean 'alpha'"),
        ("a,b\n1,2\n", {"columns": [2]}, "no column 2; it has 2, numbered 0 to 1"),
        ("a,b\n1,2\n", {"columns": [-1]}, "no column -1"),
        ("a,b\n1,2\n", {"columns": [1.5]}, "Unknown column 1.5"),
        ("a,b\n1,2\n", {"columns": ["a", 0]}, "Column 'a' is chosen twice"),
        ("a,b\n1,2\n", {"columns": []}, "list of columns is empty"),
        ("a,b\n1,2\n", {"key": "k"}, "only a .npz file has keys"),
        (b"a,b\n1,\xe9\0\n", {}, "not UTF-8 text"),
        (b"a,b\n1,\x81\n", {}, "not UTF-8 text"),
    ],
)
def test_csv_errors(tmp_path, text, options, message):
    with pytest.raises(InputError, match=message) as caught:
        load_text(tmp_path, text, **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((2, 2, 2)), r"shape \(2, 2, 2\); a table needs \[rows, columns\]"),
        (np.float32(3), r"shape \(\)"),
        (np.zeros((0, 3)), "holds no values"),
        (np.zeros((3, 0)), "holds no values"),
        (np.array([True, False]), "Column 'x0' of .* holds true/false values"),
        (np.array([1j]), "complex numbers"),
        (np.array(["2020-01-01"], "M8[D]"), "holds dates"),
        (np.array(["1", "a"]), "holds text .*'a' in row 2"),
        (np.array([1, "a"], dtype=object), "holds pickled Python objects"),
        (np.zeros(2, [("p", "f4"), ("q", "f4")]), "structured array with fields p, q"),
    ],
)
def test_array_errors(tmp_path, array, message):
    np.save(tmp_path / "a.npy", array, allow_pickle=True)
    with pytest.raises(InputError, match=message):
        load_table(tmp_path / "a.npy")
    if array.dtype != object:
        np.savez(tmp_path / "a.npz", array)
        with pytest.raises(InputError, match=message):
            load_table(tmp_path / "a.npz")


def test_npz_keys(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, train=np.ones((2, 1)), test=np.zeros((2, 1)))
    assert load_table(path, key="test").values.max() == 0
    with pytest.raises(InputError, match=r"2 arrays \(train, test\); choose one with key="):
        load_table(path)
    with pytest.raises(InputError, match="Unknown key 'tset'; did you mean 'test'"):
        load_table(path, key="tset")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_missing_folder_empty_and_damaged(tmp_path, suffix):
    path = tmp_path / f"t{suffix}"
    with pytest.raises(InputError, match="no such file"):
        load_table(path)
    (tmp_path / f"d{suffix}").mkdir()
    with pytest.raises(InputError, match="is a folder"):
        load_table(tmp_path / f"d{suffix}")
    path.touch()
    with pytest.raises(InputError, match="is empty"):
        load_table(path)
    save_table(path, np.random.default_rng(0).standard_normal((500, 3)))
    whole = path.read_bytes()
    if suffix != ".csv":
        path.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(InputError, match=r"damaged|not a"):
            load_table(path)
    path.write_bytes(b"\x89 neither \xff of them")
    with pytest.raises(InputError):
        load_table(path)


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".parquet", ".feather", ".xlsx"])
def test_flipped_bytes_never_raise_anything_else(tmp_path, suffix):
    path = save_table(tmp_path / f"t{suffix}", np.ones((20, 2), np.float32))
    whole = bytearray(path.read_bytes())
    rng = np.random.default_rng(0)
    outcomes = []
    for position in rng.choice(min(len(whole), 400), 60, replace=False):
        broken = whole.copy()
        broken[position] ^= 1 << rng.integers(8)
        path.write_bytes(broken)
        try:
            finite = np.isfinite(load_table(path).values).all()
            outcomes.append("read" if finite else "not finite")
        except InputError:
            outcomes.append("refused")
    # Any other exception would have ended the test.
    assert len(outcomes) == 60
    assert set(outcomes) <= {"read", "refused"}


def test_unknown_suffix_and_missing_pyarrow(tmp_path, monkeypatch):
    (tmp_path / "t.xls").touch()
    with pytest.raises(InputError, match=r"'.xls'; use one of .csv, .tsv, .txt, .npy"):
        load_table(tmp_path / "t.xls")
    save_table(tmp_path / "t.parquet", np.ones((2, 2)))
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(InputError, match=r"pip install 'tfp-flows\[parquet\]'"):
        load_table(tmp_path / "t.parquet")
    with pytest.raises(InputError, match=r"pip install 'tfp-flows\[parquet\]'"):
        save_table(tmp_path / "u.parquet", np.ones((2, 2)))
    assert sorted(os.listdir(tmp_path)) == ["t.parquet", "t.xls"]


def test_check_table():
    values = np.random.default_rng(0).standard_normal((20, 3))
    table = Table(values, ("a", "b", "c"))
    check_table(table)
    check_table(Table(values[:3], table.columns), min_rows=3)
    with pytest.raises(InputError, match="9 rows for 3 columns; give at least 10 rows"):
        check_table(Table(values[:9], table.columns))
    with pytest.raises(InputError, match="give at least 21 rows"):
        check_table(Table(np.ones((20, 20)), tuple("abcdefghijklmnopqrst")))
    values[:, 1] = 2.5
    with pytest.raises(InputError, match=r"Column 'b' holds the same value 2.5 in every row"):
        check_table(table)


@pytest.mark.parametrize(
    ("name", "values", "columns", "message"),
    [
        ("t.txt", np.ones((2, 2)), None, "suffix is '.txt'; use one of .csv"),
        ("t.csv", np.ones(2), None, r"float64 of shape \(2,\)"),
        ("t.csv", np.ones((2, 2), complex), None, "complex128"),
        ("t.csv", np.ones((2, 2)), ["a"], "2 columns need 2 different names"),
        ("t.csv", np.ones((2, 2)), ["a", "a"], "different names"),
        ("no/t.csv", np.ones((2, 2)), None, "the folder .* does not exist"),
    ],
)
def test_save_errors(tmp_path, name, values, columns, message):
    with pytest.raises(InputError, match=message):
        save_table(tmp_path / name, values, columns)
    assert not list(tmp_path.iterdir())


# Atomic files


def write_half(path, error):
    with atomic_path(path) as temporary:
        assert temporary.parent == path.parent
        assert temporary.name.endswith(path.name)
        temporary.write_text("half")
        raise error


def test_failure_keeps_the_old_file(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt):
        write_half(path, KeyboardInterrupt())
    with pytest.raises(InputError, match=r"Cannot write .*t.csv: No space left on device"):
        write_half(path, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["t.csv"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_save_table_is_atomic(tmp_path, monkeypatch, suffix):
    path = save_table(tmp_path / f"t{suffix}", np.ones((2, 2)))
    before = path.read_bytes()

    def full_disk(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "replace", full_disk)
    with pytest.raises(InputError, match="No space left"):
        save_table(path, np.zeros((2, 2)))
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == [path.name]


def fill_the_disk(path):
    with atomic_path(path) as temporary:
        temporary.unlink()
        temporary.symlink_to("/dev/full")
        with temporary.open("w") as file:
            file.write("x" * 100_000)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_full_disk_and_devices(tmp_path):
    with pytest.raises(InputError, match="not a regular file"), atomic_path("/dev/full"):
        pass
    with pytest.raises(InputError, match="No space left"):
        fill_the_disk(tmp_path / "t.csv")
    assert not os.listdir(tmp_path)


def test_replacing_keeps_mode_and_follows_links(tmp_path):
    target = tmp_path / "real.npy"
    save_table(target, np.ones((2, 2)))
    umask = os.umask(0)
    os.umask(umask)
    assert target.stat().st_mode & 0o777 == 0o666 & ~umask
    target.chmod(0o600)
    link = tmp_path / "link.npy"
    link.symlink_to(target)
    save_table(link, np.zeros((2, 2)))
    assert link.is_symlink()
    assert target.stat().st_mode & 0o777 == 0o600
    assert load_table(target).values.max() == 0
    with pytest.raises(InputError, match="is a folder"), atomic_path(tmp_path):
        pass


# Splits and published tables


def test_split_is_a_partition():
    rows = np.arange(103)
    parts = split(rows, seed=1)
    assert [len(part) for part in parts] == [83, 10, 10]
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), rows)
    np.testing.assert_array_equal(parts.train, split(rows, seed=1).train)
    assert not np.array_equal(parts.train, split(rows, seed=2).train)
    ordered = split(rows, fractions=(0.5, 0.0, 0.5), shuffle=False)
    np.testing.assert_array_equal(np.concatenate(ordered), rows)
    assert len(ordered.validation) == 0
    parts.train[:] = -1
    assert rows.min() == 0


@pytest.mark.parametrize("bad", [(0.8, 0.2), (0.8, 0.3, 0.1), (1.1, -0.1, 0), (0, 0.5, 0.5), "abc"])
def test_bad_fractions(bad):
    with pytest.raises(InputError, match="give three numbers from 0 to 1 that add up to 1"):
        split(np.arange(50), fractions=bad)


def test_too_few_rows_to_split():
    with pytest.raises(InputError, match=r"4 rows are too few .* at least about 10 rows"):
        split(np.zeros((4, 2)))


def test_power_from_household():
    values = np.arange(80.0).reshape(10, 8)
    prepared = power_from_household(values, seed=3)
    noise = prepared - values[:, [0, 2, 4, 5, 6, 7]]
    assert noise.min() >= 0
    assert (noise.max(axis=0) <= [0.001, 0.01, 1, 1, 1, 1]).all()
    assert (noise.std(axis=0) > 0).all()
    np.testing.assert_array_equal(prepared, power_from_household(values, seed=3))
    with pytest.raises(InputError, match=r"shape \(10, 7\); give \[rows, 8\]"):
        power_from_household(values[:, :7])


def check_standardised(parts, columns, sizes):
    assert [part.shape for part in parts] == [(size, columns) for size in sizes]
    assert all(part.dtype == np.float32 for part in parts)
    seen = np.concatenate(parts[:2])
    np.testing.assert_allclose(seen.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(seen.std(axis=0), 1, atol=1e-4)


@pytest.mark.filterwarnings("ignore:.*the paper")
def test_maf_tables_from_small_files_of_their_form(tmp_path):
    rng = np.random.default_rng(0)
    power = tmp_path / "power.txt"
    rows = [
        f"1/1/2007;{i // 60:02}:{i % 60:02}:00;{i}.5;0.1;{240 + i};3;1;2;{i}" for i in range(100)
    ]
    power.write_text(
        "\n".join(["Date;Time;" + "a;b;c;d;e;f;g", *rows, "1/1/2007;09:00:00" + ";?" * 7])
    )
    check_standardised(load_maf_table("power", power), 6, (81, 9, 10))

    gas = tmp_path / "gas.txt"
    sensors = rng.standard_normal((400, 4))
    sensors[:, 1] = sensors[:, 3] + 0.01 * sensors[:, 1]
    np.savetxt(gas, np.hstack([np.zeros((400, 3)), sensors]), header="Time (s), CO, Ethylene")
    check_standardised(load_maf_table("gas", gas), 3, (81, 9, 10))

    for part, extra in (("train", 0), ("test", 1)):
        values = rng.standard_normal((200, 4 + extra))
        values[:, 0] = np.arange(200) % 2
        values[:, 2] = values[:, 2] > 0
        np.savetxt(tmp_path / f"1000_{part}.csv", values, delimiter=",", header="label,f0,f1,f2")
    check_standardised(load_maf_table("hepmass", tmp_path), 2, (90, 10, 100))

    boone = tmp_path / "boone.txt"
    values = rng.standard_normal((150, 5))
    values[:, 1] = np.maximum(values[:, 1], 0)
    values[3] = -999
    with boone.open("w") as file:
        file.write(" 101 49\n")
        np.savetxt(file, values)
    check_standardised(load_maf_table("miniboone", boone), 4, (81, 9, 10))


def test_bsds300_and_wrong_files(tmp_path):
    import h5py

    path = tmp_path / "b.hdf5"
    with h5py.File(path, "w") as file:
        for part, rows in (("train", 5), ("validation", 2), ("test", 3)):
            file[part] = np.ones((rows, 63))
    with pytest.warns(UserWarning, match=r"bsds300 has \(63, 5, 2, 3\) .* do not compare"):
        parts = load_maf_table("bsds300", path)
    assert parts.test.dtype == np.float32
    with pytest.raises(InputError, match="as the gas file"):
        load_maf_table("gas", path)
    with pytest.raises(InputError, match="does not exist; give the gas file"):
        load_maf_table("gas", tmp_path / "none")
    with pytest.raises(InputError, match=r"There is no 1000_train.csv"):
        load_maf_table("hepmass", tmp_path)
    with pytest.raises(InputError, match="Unknown MAF table 'minibone'; did you mean 'miniboone'"):
        load_maf_table("minibone", path)


# The package


def test_importing_is_light():
    code = (
        "import sys, types\n"
        "package = types.ModuleType('tfp_flows')\n"
        "package.__path__ = [sys.argv[1]]\n"
        "sys.modules['tfp_flows'] = package\n"
        "import tfp_flows.datasets\n"
        "heavy = {'tensorflow', 'pandas', 'matplotlib', 'h5py', 'pyarrow'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    folder = str(Path(tfp_flows.__file__).parent)
    done = subprocess.run([sys.executable, "-c", code, folder], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_exports():
    assert all(hasattr(datasets, name) for name in datasets.__all__)
    assert len(set(datasets.__all__)) == len(datasets.__all__)
