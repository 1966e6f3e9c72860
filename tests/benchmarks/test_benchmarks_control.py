"""The benchmark of agents: what is chosen, counted, drawn and told, and tiny runs."""

import json
import math

import pytest
from typer.testing import CliRunner

from benchmarks import isolated
from benchmarks.control import __main__ as command
from benchmarks.control import cells, curves, report
from tfp_flows.errors import InputError


def result(means, **more):
    curve = [
        {"steps": 1000 * (i + 1), "mean": mean, "standard_error": 4.0}
        for i, mean in enumerate(means)
    ]
    told = {"status": "ok", "curve": curve, "policy": "nsf", "parameters": 1234}
    told |= {"seconds": 9.0, "versions": {"torch": "2.0"}, "gradient_steps": 1500}
    return told | {"steps_a_second": 100.0, "gradient_steps_a_second": 150.0} | more


def record(**runs):
    settings = {"steps": None, "temperature": None, "episodes": 50, "drawn": 400, "threads": 2}
    return {"settings": settings, "machine": {"processor": "P"}, "runs": runs}


def row(text, title):
    lines = [line for line in text.splitlines() if line.startswith(f"| {title} |")]
    assert len(lines) == 1, text
    return [cell.strip() for cell in lines[0].strip("|").split("|")]


def test_every_environment_has_the_four_agents_and_holding_is_for_one_of_them():
    chosen = cells.cells(None, None, None)
    for world in cells.WORLDS:
        learners = [learner for name, learner in chosen if name == world]
        assert learners[:4] == ["gaussian", "flow", "nfac", "sb3"]
        assert (len(learners) == 7) == (world == "MountainCarContinuous-v0")
    assert cells.cells(None, ["sb3"], ["Pendulum-v1:sb3", "Pendulum-v1:flow"]) == [
        ("Pendulum-v1", "sb3")
    ]
    with pytest.raises(InputError, match="did you mean 'Pendulum-v1'"):
        cells.cells(["Pendulum-v2"], None, None)
    with pytest.raises(InputError, match="did you mean 'Pendulum-v1:flow'"):
        cells.cells(None, None, ["Pendulum-v1:flows"])
    with pytest.raises(InputError, match="are for MountainCarContinuous-v0"):
        cells.cells(["Pendulum-v1"], ["flow_hold"], None)


@pytest.mark.parametrize("world", cells.WORLDS.values(), ids=str)
def test_rounds_are_whole_for_all_agents(world):
    size, rounds = cells.length(world, None)
    assert size * rounds == world.steps
    # Of agents with several environments, and of those that learn every so many steps.
    assert world.round % cells.HOLD == world.round % cells.COUNT == 0
    assert cells.length(world, 30) == (40, 1)
    assert cells.length(world, world.round + 1) == (world.round, 2)


def test_bands_are_two_standard_errors_between_seeds():
    points = [{"mean": mean, "standard_error": 9.0} for mean in (1.0, 2.0, 6.0)]
    middle, error = report.band(points)
    assert middle == 3.0
    assert error == pytest.approx(2 * math.sqrt(7.0 / 3))
    assert report.band(points[:1]) == (1.0, 18.0)
    assert report.band([{"mean": 1.0, "standard_error": None}]) == (1.0, None)


def test_tables_tell_the_last_round_and_what_did_not_run():
    missing = {"status": "not installed", "message": "pip install torch"}
    flow = {"0": result([-900, -150]), "1": result([-800, -160]), "2": {"status": "failed"}}
    text = report.markdown(record(**{"Pendulum-v1": {"flow": flow, "sb3": {"0": missing}}}))
    assert row(text, "flow SAC")[1:] == ["nsf", "1,234", "2 of 3", "-155.0 ± 10.0", "100", "150"]
    assert row(text, "stable-baselines3 SAC")[1:] == ["not installed", *["-"] * 5]
    assert "2,000 steps, 2 rounds." in text
    assert "hidden layers 256x256, batches of 256, Adam at 0.001" in text
    assert "- torch 2.0." in text


def test_goals_are_counted_by_seed():
    even = result([1.0], goals=[0.25] * 4, entropy=math.log(4), steps_a_second=None)
    odd = result([1.0], goals=[0.05, 0.25, 0.3, 0.4], entropy=1.2, steps_a_second=None)
    runs = {"MultiGoal-v0": {"gaussian": {"0": even, "1": odd}}}
    cells_of = row(report.markdown(record(**runs)), "Gaussian SAC")
    assert cells_of[5] == "-"
    assert cells_of[-4:] == ["0.150", "0.325", f"{(math.log(4) + 1.2) / 2:.3f}", "1 of 2"]


def test_seeds_above_the_bound_are_counted():
    seeds = {str(i): result([mean]) for i, mean in enumerate((92.0, 90.0, 0.0))}
    text = report.markdown(record(**{"MountainCarContinuous-v0": {"flow_hold": seeds}}))
    assert row(text, "flow SAC, held")[-1] == "1 of 3"
    assert "a draw of exploring lasts 40 steps, 4 environments" in text


def test_curves_show_a_line_and_a_band_for_each_agent(tmp_path):
    runs = {
        "Pendulum-v1": {
            "flow": {"0": result([-900, -150]), "1": result([-800, -160])},
            "sb3": {"0": {"status": "failed", "message": "no"}},
        },
        "Hopper-v5": {"sb3": {"0": {"status": "failed", "message": "no"}}},
    }
    figure = curves.draw(runs)
    (axes,) = figure.axes
    (line,) = axes.get_lines()
    assert line.get_ydata().tolist() == [-850, -155]
    (area,) = axes.collections
    assert area.get_paths()[0].vertices[:, 1].min() == pytest.approx(-950)
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["flow SAC (2)"]
    assert not curves.write(tmp_path / "x.json", {"Hopper-v5": runs["Hopper-v5"]})
    assert not list(tmp_path.iterdir())


def test_a_record_goes_on_and_a_missing_package_is_said_once(tmp_path, monkeypatch):
    begun, out = [], tmp_path / "control.json"

    def launch(module, job, needs, threads):
        begun.append((job["agent"], job["seed"]))
        if "torch" in needs:
            return {"status": "not installed", "message": "pip install torch"}, None
        if job["seed"] == 1 and len(begun) < 5:
            return {"status": "failed", "message": "killed by signal 9"}, None
        return result([-150.0]), None

    monkeypatch.setattr(isolated, "launch", launch)
    arguments = ["--envs", "Pendulum-v1", "--agents", "flow", "sb3", "--out", str(out), "--seeds"]
    first = CliRunner().invoke(command.app, [*arguments, "2"])
    assert first.exit_code == command.FAILED
    assert "flow, seed 1: failed: killed by signal 9" in " ".join(first.output.split())
    assert first.output.count("sb3: not installed: pip install torch") == 1
    assert out.with_suffix(".png").stat().st_size > 1000
    begun.clear()
    begun.extend([None] * 5)
    again = CliRunner().invoke(command.app, [*arguments, "3"])
    assert again.exit_code == 0, again.output
    assert begun[5:] == [("sb3", 0), ("flow", 1), ("sb3", 1), ("flow", 2), ("sb3", 2)]
    assert set(json.loads(out.read_text())["runs"]["Pendulum-v1"]["flow"]) == {"0", "1", "2"}
    other = CliRunner().invoke(command.app, [*arguments, "3", "--steps", "7"])
    assert other.exit_code == 2
    assert "holds results of --steps None, not 7" in " ".join(other.output.split())
