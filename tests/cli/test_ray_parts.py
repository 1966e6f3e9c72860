"""`score` and `sample` with ``--engine ray``: parts side by side, each as one process writes it."""

import types
from pathlib import Path

import numpy as np
import pytest
import typer
from commands import good
from ray_cases import ended, start, there, two_nodes

from tfp_flows.errors import InputError
from tfp_flows.kinds.tables.into_parts import check_engine
from tfp_flows.runs import ray_cluster, ray_parts


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"engine": None, "workers": 2}, "--workers is of --engine ray; give that too"),
        ({"engine": "ray", "output": Path("x.csv")}, "-o x.csv is a file; give a folder"),
    ],
)
def test_what_is_refused(options, words):
    with pytest.raises(InputError, match=words):
        check_engine(types.SimpleNamespace(**{"workers": None, **options}))


class TaskFailed(Exception):
    def __init__(self, cause):
        super().__init__()
        self.cause = cause


class WorkerLost(Exception):
    pass


class FakeRay:
    """Runs a task when it is asked for; tells how many were wanted at once."""

    exceptions = types.SimpleNamespace(RayTaskError=TaskFailed, RayError=WorkerLost)

    def __init__(self):
        self.most = 0

    def remote(self, function):
        task = types.SimpleNamespace(remote=lambda *given: lambda: function(*given))
        return types.SimpleNamespace(options=lambda **_: task)

    def cluster_resources(self):
        return {}

    def wait(self, begun, num_returns):
        self.most = max(self.most, len(begun))
        return begun[:num_returns], begun[num_returns:]

    def get(self, done):
        try:
            return done()
        except InputError as error:
            raise TaskFailed(error) from None

    def shutdown(self):
        pass

    def init(self, **_):
        pass


def write(run, options):
    if options is None:
        raise WorkerLost
    if options < 0:
        raise InputError("It is negative.")
    (run.path / str(options)).write_text("a part")
    typer.echo("Note: a remark.", err=True)


def test_parts_are_handed_out(tmp_path, monkeypatch, capsys):
    fake, run = FakeRay(), types.SimpleNamespace(path=tmp_path)
    monkeypatch.setattr(ray_cluster, "imported", lambda: fake)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    ray_parts.side_by_side(write, run, {f"part {k}": k for k in range(5)}, 2)
    assert sorted(path.name for path in tmp_path.iterdir()) == list("01234")
    assert fake.most == 2
    said = capsys.readouterr().err.splitlines()
    assert said == [f"Note: part {k}: a remark." for k in range(5)]
    with pytest.raises(InputError, match="It is negative"):
        ray_parts.side_by_side(write, run, {"a": -1}, 1)
    with pytest.raises(InputError, match="The worker of b was lost 4 times; what is finished"):
        ray_parts.side_by_side(write, run, {"b": None}, 1)


@pytest.mark.deep
def test_a_node_is_killed_and_all_parts_are_there(tmp_path):
    generator = np.random.default_rng(0)
    np.save(tmp_path / "table.npy", generator.normal(size=(300, 2)))
    (tmp_path / "parts").mkdir()
    for k in range(6):
        rows = generator.normal(size=(20_000, 2))
        np.save(tmp_path / "parts" / f"{k}.npy", np.where(k == 3, np.nan, rows))
    small = ["--layers", "1", "--hidden", "8", "--epochs", "2", "--no-plots"]
    good("fit", tmp_path / "table.npy", *small, "--out", tmp_path / "run")
    options = ["--p-values", "--drop-invalid"]
    with two_nodes() as (cluster, victim):
        given = ["run", "parts", *options, "-o", "scores"]
        score = start(tmp_path, "score", *given, RAY_ADDRESS=cluster.address)
        there(score, tmp_path / "scores" / "?.npy")
        cluster.remove_node(victim, allow_graceful=False)
        status, _, err = ended(score)
    assert status == 0, err
    assert "Note: 3.npy: 20,000 rows with empty, NaN or infinite cells were dropped." in err
    good("score", tmp_path / "run", tmp_path / "parts", *options, "-o", tmp_path / "alone")
    names = [f"{k}.npy" for k in range(6)]
    assert sorted(path.name for path in (tmp_path / "scores").glob("[!.]*")) == names
    assert not list((tmp_path / "scores").glob(".*.npy"))
    for name in names:
        one, other = (np.load(tmp_path / place / name) for place in ("scores", "alone"))
        np.testing.assert_array_equal(one, other)
