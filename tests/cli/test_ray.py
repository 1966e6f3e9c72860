"""`fit --engine ray`: what is refused, who goes on when a worker is lost, and Ray itself."""

import functools
import json
import os
import signal
import sys
import types

import numpy as np
import pytest
import typer
from commands import bad, good
from ray_cases import ended, start, there, two_nodes

from tfp_flows.errors import InputError
from tfp_flows.models.clusters import Cluster, cluster_of
from tfp_flows.models.workers import WorkerLostError
from tfp_flows.runs import folder, ray_cluster, ray_fit, ray_worker
from tfp_flows.runs.devices import config_of
from tfp_flows.runs.ray_worker import DONE, ERR, LOST, OUT, REFUSED, Said
from tfp_flows.runs.restarts import persevere


@pytest.mark.parametrize(
    ("environment", "options", "words"),
    [
        ({}, ["--workers", "2"], "--workers is of --engine ray; give that too"),
        ({}, ["--engine", "ray", "--devices", "2"], "starts its workers itself; leave --devices"),
        ({"TF_CONFIG": "{}"}, ["--engine", "ray"], "leave TF_CONFIG out"),
        ({}, ["--engine", "ray", "--kind", "targets"], "train on one device; give --workers 1"),
        ({}, ["--engine", "ray"], 'needs Ray; pip install "tfp-flows[ray]"'),
    ],
)
def test_what_is_refused(environment, options, words, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert words in bad("fit", "two_moons", *options, "--out", tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("ray://head:10001", "for clients outside of a cluster"),
        ("localhost:1", "No cluster of Ray's to work on at RAY_ADDRESS=localhost:1: .* refused"),
    ],
)
def test_an_address_that_will_not_do(address, words, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", types.SimpleNamespace(shutdown=lambda: None))
    monkeypatch.setenv("RAY_ADDRESS", address)
    with pytest.raises(InputError, match=words), ray_cluster.connected(1):
        pass


def test_the_tf_config_of_each_worker():
    addresses = ("10.0.0.1:4000", "10.0.0.2:4001", "10.0.0.2:4002")
    for index in range(3):
        found = cluster_of({"TF_CONFIG": config_of(addresses, index)})
        assert found == Cluster(addresses, index)


class Losing:
    """An attempt that loses a worker so many times, after it has written what a fit writes."""

    def __init__(self, out, *losses):
        self.out, self.losses, self.asked = out, list(losses), []

    def __call__(self, again):
        self.asked.append(again)
        if not self.losses:
            return None
        kept = self.losses.pop(0)
        self.out.mkdir(exist_ok=True)
        (self.out / folder.SETTINGS).touch()
        if kept is KeyboardInterrupt:
            raise KeyboardInterrupt
        if kept:
            (self.out / folder.STATE).touch()
        return "Worker 1 is lost"


def test_restarts_are_from_the_last_state_and_bounded(tmp_path, capsys):
    attempt = Losing(tmp_path / "run", False, True)
    persevere(attempt, tmp_path / "run", restarts=2, command="go")
    assert attempt.asked == [False, True, True]
    said = capsys.readouterr().err.splitlines()
    assert said == [
        "Note: Worker 1 is lost; restart 1 of 2, from the beginning.",
        "Note: Worker 1 is lost; restart 2 of 2, from the last state.",
    ]
    attempt = Losing(tmp_path / "run", True, True)
    with pytest.raises(InputError, match=r"lost, and 1 of 1 restarts are used; go on with: go"):
        persevere(attempt, tmp_path / "run", restarts=1, command="go")


@pytest.mark.parametrize("kept", [False, True])
def test_an_interrupt_says_how_to_go_on(kept, tmp_path, capsys):
    losses = [True, KeyboardInterrupt] if kept else [KeyboardInterrupt]
    with pytest.raises(typer.Exit) as ended:
        persevere(Losing(tmp_path / "run", *losses), tmp_path / "run", restarts=3, command="go")
    assert ended.value.exit_code == 130
    assert ("go on with: go" in capsys.readouterr().err) is kept
    assert (tmp_path / "run").exists() is kept


def as_worker(again):
    typer.echo("a result")
    typer.echo(os.environ["TF_CONFIG"], err=True)
    if again:
        raise InputError("no such table.")


def loses(again):
    raise InputError("another is gone") from WorkerLostError("gone")


def fails(again):
    raise ZeroDivisionError


def test_what_a_worker_tells(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TF_CONFIG", "")

    def told(work, again, place=str(tmp_path)):
        return list(ray_worker.Worker().run("{}", place, {}, lambda: work(again)))

    texts = [Said(OUT, "a result\n"), Said(ERR, "{}\n")]
    assert told(as_worker, False) == [*texts, Said(DONE)]
    assert told(as_worker, True) == [*texts, Said(REFUSED, "no such table.")]
    assert told(loses, False) == [Said(LOST, "another is gone")]
    with pytest.raises(ZeroDivisionError):
        told(fails, False)
    (refused,) = told(as_worker, False, str(tmp_path / "elsewhere"))
    assert refused.what == REFUSED
    assert "must lie where all machines see them by the same path" in refused.text


class ActorDied(Exception):
    pass


class TaskFailed(Exception):
    pass


class Stream:
    """What comes of one worker."""

    def __init__(self, *items):
        self._items = iter(items)

    def __next__(self):
        return next(self._items)


def fake():
    def get(item):
        if isinstance(item, Exception):
            raise item
        return item

    errors = types.SimpleNamespace(RayActorError=ActorDied, RayTaskError=TaskFailed)
    return types.SimpleNamespace(
        wait=lambda streams, **_: (streams[-1:], streams[:-1]), get=get, exceptions=errors
    )


@pytest.mark.parametrize(
    ("chief", "other", "expected"),
    [
        ([Said(OUT, "Written"), Said(DONE)], [Said(DONE)], None),
        ([Said(DONE)], [ActorDied()], "Worker 1 on b is lost"),
        ([Said(DONE)], [Said(DONE), ActorDied()], None),
        ([Said(LOST)], [ActorDied()], "Worker 1 on b is lost"),
        ([ActorDied()], [Said(LOST)], "Worker 0 on a is lost"),
        ([Said(LOST)], [Said(LOST)], "Worker 0 on a does not reach another one any more"),
        ([Said(LOST)], [TaskFailed()], "Worker 0 on a does not reach another one any more"),
        ([Said(LOST)], [Said(REFUSED, "No file.")], InputError("worker 1 on b: No file.")),
        ([Said(REFUSED, "No file.")], [Said(REFUSED, "No file.")], InputError("No file.")),
        ([], [TaskFailed("a fault")], TaskFailed("a fault")),
    ],
)
def test_how_workers_end(chief, other, expected, capsys):
    streams = {Stream(*chief): 0, Stream(*other): 1}
    printed = {OUT: sys.stdout, ERR: sys.stderr}
    arguments = fake(), streams, ["a:1", "b:2"], printed
    if isinstance(expected, Exception):
        with pytest.raises(type(expected)) as raised:
            ray_fit._watch(*arguments)
        assert str(raised.value) == str(expected)
    else:
        assert ray_fit._watch(*arguments) == expected
    assert capsys.readouterr().out == ("Written" if expected is None and len(chief) > 1 else "")


class Group:
    """A placement group of a fake cluster that has room for some bundles."""

    def __init__(self, room, bundles, strategy):
        assert strategy == "SPREAD"
        self.bundle_count, self._fits = len(bundles), len(bundles) <= room

    def wait(self, seconds):
        return self._fits


@pytest.mark.parametrize(
    ("room", "again", "expected"), [(3, False, 3), (3, True, 3), (2, True, 2), (2, False, None)]
)
def test_fewer_workers_go_on_but_do_not_begin(room, again, expected):
    ray = types.SimpleNamespace(
        cluster_resources=lambda: {"CPU": 3.0},
        available_resources=lambda: {"CPU": float(room)},
        util=types.SimpleNamespace(
            placement_group=functools.partial(Group, room), remove_placement_group=lambda _: None
        ),
    )
    if expected is None:
        with pytest.raises(InputError, match="no room for 3 workers of 1 CPU within 10 minutes"):
            ray_fit._room(ray, 3, again)
    else:
        group, bundle = ray_fit._room(ray, 3, again)
        assert (group.bundle_count, bundle) == (expected, {"CPU": 1})


OPTIONS = ["--layers", "1", "--hidden", "8", "--epochs", "12", "--patience", "12", "--no-plots"]
RUN = ["--out", "run"]


def figures(run):
    """Of all epochs, and what came of it."""
    metrics = json.loads((run / folder.METRICS).read_text())
    history = metrics["training"]["history"]
    return [*history["loss"], *history["val_loss"], metrics["test"]["mean_nats"]]


@pytest.fixture
def table(tmp_path):
    x = np.random.default_rng(0).normal(size=(300, 2)) @ [[1.0, 0.4], [0.0, 3.0]]
    np.save(tmp_path / "table.npy", x)
    return tmp_path / "table.npy"


@pytest.mark.deep
def test_a_node_is_killed_and_the_fit_goes_on(table, tmp_path):
    with two_nodes() as (cluster, victim):
        fit = start(tmp_path, "fit", table, *OPTIONS, *RUN, RAY_ADDRESS=cluster.address)
        there(fit, tmp_path / "run" / folder.STATE)
        cluster.remove_node(victim, allow_graceful=False)
        good("fit", table, *OPTIONS, "--out", tmp_path / "alone")
        status, out, err = ended(fit)
    assert status == 0, err
    assert "is lost; restart 1 of 3, from the last state." in err
    assert out.count("Written to run") == 1
    assert out.startswith("maf: ")
    assert {path.name for path in (tmp_path / "run").iterdir()} == {"metrics.json", "model.keras"}
    together, alone = figures(tmp_path / "run"), figures(tmp_path / "alone")
    assert len(alone) == 2 * 12 + 1
    np.testing.assert_allclose(together, alone, atol=1e-5)


@pytest.mark.deep
def test_interrupted_and_resumed_on_a_ray_of_its_own(table, tmp_path):
    pytest.importorskip("ray")
    fit = start(tmp_path, "fit", table, *OPTIONS, *RUN)
    there(fit, tmp_path / "run" / folder.STATE)
    os.killpg(fit.pid, signal.SIGINT)
    status, _, err = ended(fit)
    command = "tfp-flows fit --resume --engine ray --workers 2 --out run"
    assert status == 130
    assert err.endswith(f"Interrupted; go on with: {command}\n")
    assert (tmp_path / "run" / folder.STATE).exists()
    status, out, err = ended(start(tmp_path, "fit", "--resume", *RUN, workers=1))
    assert status == 0, err
    assert "12 epochs in" in out
