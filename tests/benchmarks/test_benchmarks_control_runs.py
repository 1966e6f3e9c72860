"""The benchmark of agents: runs that are as short as they can be."""

import pytest

pytest.importorskip("gymnasium")

from benchmarks.control import cells, ours, worker

SMALL = {**cells.SAME, "hidden_units": [8], "batch_size": 8, "learning_starts": 10}


def job(env, agent):
    told = {"env": env, "agent": agent, "seed": 0, "steps": 80, "temperature": None}
    return told | {"episodes": 2, "drawn": 3, "threads": 1}


@pytest.fixture
def short(monkeypatch):
    worlds = {name: world._replace(round=40) for name, world in cells.WORLDS.items()}
    monkeypatch.setattr(worker, "WORLDS", worlds)


def test_speeds_leave_the_first_round_out():
    told = worker.speeds(1000, [9.0, 2.0, 3.0], [(500, 8.0), (1500, 9.0), (2500, 12.0)])
    assert told == {
        "gradient_steps": 2500,
        "steps_a_second": 400.0,
        "gradient_steps_a_second": 500.0,
    }
    alone = worker.speeds(1000, [9.0], [(500, 8.0)])
    assert alone["gradient_steps_a_second"] is None
    assert worker.speeds(10, [1.0, 1.0], [(0, 0.0), (0, 0.0)])["gradient_steps_a_second"] is None


def test_ours_learns_is_judged_and_its_goals_are_counted(short, monkeypatch):
    monkeypatch.setattr(ours, "SAME", SMALL)
    told, _ = worker.run(job("MultiGoal-v0", "gaussian"))
    assert [point["steps"] for point in told["curve"]] == [40, 80]
    assert all(-20_000 < point["mean"] < 10 for point in told["curve"])
    assert told["policy"] == "gaussian"
    # A step of learning for each step from the tenth on.
    assert told["gradient_steps"] == 71
    assert told["gradient_steps_a_second"] > told["steps_a_second"] > 0
    assert len(told["goals"]) == 4
    assert sum(told["goals"]) <= 1
    assert 0 <= told["entropy"] <= 1.387


def test_a_peer_learns_is_judged_and_its_goals_are_counted(short, monkeypatch):
    pytest.importorskip("stable_baselines3")
    from benchmarks.control import stable

    monkeypatch.setattr(stable, "SAME", SMALL)
    told, _ = worker.run(job("MultiGoal-v0", "sb3"))
    assert [point["steps"] for point in told["curve"]] == [40, 80]
    assert told["gradient_steps"] == 70
    assert told["gradient_steps_a_second"] > told["steps_a_second"] > 0
    assert sum(told["goals"]) <= 1
    held, _ = worker.run(job("MountainCarContinuous-v0", "sb3_sde") | {"episodes": 1})
    assert held["gradient_steps"] == 80
    assert held["use_sde"] is True
