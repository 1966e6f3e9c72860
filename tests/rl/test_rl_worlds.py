"""Environments of our own and others', the memory, and what is refused."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import tfp_flows as tff
from tfp_flows import rl
from tfp_flows.rl.collecting import Collector
from tfp_flows.rl.plane import evenness, goal_shares
from tfp_flows.rl.registration import OWN, environment
from tfp_flows.rl.spaces import number_of_actions, readable


@pytest.mark.parametrize("name", OWN)
def test_own_environments_keep_gymnasium_rules(name):
    check_env(gym.make(name).unwrapped, skip_render_check=True)


def test_the_plane():
    env = gym.make("tfp_flows/MultiGoal-v0")
    position, _ = env.reset(seed=0)
    assert np.abs(position).max() < 0.5
    after, reward, ended, cut, _ = env.step(np.array([1.0, 0.5], np.float32))
    np.testing.assert_allclose(after, np.add(position, [1, 0.5]), rtol=1e-6)
    gap = float(((after - [5, 0]) ** 2).sum())
    assert reward == pytest.approx(-30 * 1.25 - gap, rel=1e-5)
    assert not ended
    assert not cut
    for _ in range(3):
        after, reward, ended, cut, _ = env.step(np.array([1.0, -0.15], np.float32))
    assert ended
    assert reward == pytest.approx(-30 * 1.0225 - ((after - [5, 0]) ** 2).sum() + 10, rel=1e-5)
    np.testing.assert_allclose(goal_shares([after, [0, -5], [0, -4.5], [0, 0]]), [0.25, 0, 0, 0.5])
    assert evenness([0.25] * 4) == pytest.approx(np.log(4))
    env = gym.make("tfp_flows/MultiGoal-v0", render_mode="rgb_array")
    env.reset(seed=0)
    assert env.render().shape == (200, 200, 3)


def test_the_chain_has_the_law_that_it_says():
    env = rl.Chain()
    returns = []
    for seed in range(1000):
        env.reset(seed=seed)
        rewards = [env.step(1)[1] for _ in range(4)]
        returns.append(np.sum(rewards * 0.9 ** np.arange(4)))
    ranks = np.sort(rl.Chain.cdf(returns, 0, 1, 0.9))
    assert np.abs(ranks - (np.arange(1000) + 0.5) / 1000).max() < 1.63 / np.sqrt(1000)


def test_the_ring_has_a_best_policy():
    assert rl.Ring.reward([0.6, 0.0]) == 0
    assert rl.Ring.reward([0.0, 0.7]) == pytest.approx(-0.5)
    # A narrow ring: its circumference times the width of a normal.
    exact = np.log(2 * np.pi * 0.6 * 0.1 * np.sqrt(2 * np.pi * 0.04))
    assert rl.Ring.log_normaliser(0.04, 400) == pytest.approx(exact, abs=1e-3)


def test_the_memory_forgets_the_oldest():
    buffer = rl.ReplayBuffer(5, (1,), (1,))
    for start in (0, 3, 6):
        n = np.arange(start, start + 3, dtype=np.float32)
        buffer.add(n[:, None], n[:, None], n, n[:, None] + 1, n > 7)
    assert sorted(buffer.all()[2]) == [4, 5, 6, 7, 8]
    drawn = buffer.sample(np.random.default_rng(0), 2, 100)
    assert drawn[0].shape == (2, 100, 1)
    np.testing.assert_array_equal(drawn[3], drawn[0] + 1)
    np.testing.assert_array_equal(drawn[4], drawn[2] > 7)
    assert set(drawn[2].ravel()) == {4, 5, 6, 7, 8}
    other = rl.ReplayBuffer(5, (1,), (1,))
    other.restore(buffer.state())
    for held in (buffer, other):
        held.add([[9.0]], [[9.0]], [9.0], [[9.0]], [False])
    np.testing.assert_array_equal(other.all()[2], buffer.all()[2])
    with pytest.raises(tff.InputError, match="another environment or buffer size"):
        rl.ReplayBuffer(4, (1,), (1,)).restore(buffer.state())


def collector(make, count=2, hold=1):
    return Collector("mine", make, count, 1, hold=hold, seed=3)


def test_a_round_depends_on_its_number_alone():
    make = environment("Pendulum-v1")[1]
    one, other = collector(make), collector(make)

    def walk(those, number):
        those.begin(number, 0)
        return [those.step(np.clip(those.noise()[0], -2, 2), 0) for _ in range(5)]

    for number in (0, 1):
        expected = walk(one, number)
    for a, b in zip(expected, walk(other, 1), strict=True):
        for x, y in zip(a, b, strict=True):
            np.testing.assert_array_equal(x, y)
    assert not np.array_equal(walk(one, 0)[0][0], walk(one, 2)[0][0])


def test_latents_last_as_long_as_asked_for_and_no_longer_than_an_episode():
    class Short(gym.Env):
        observation_space = gym.spaces.Box(-9.0, 9.0, (1,))
        action_space = gym.spaces.Box(-1.0, 1.0, (1,))

        def reset(self, *, seed=None, options=None):
            self.time = 0
            return np.zeros(1, np.float32), {}

        def step(self, action):
            self.time += 1
            seen = np.full(1, self.time, np.float32)
            return seen, 1.0, self.time == 5, False, {}

    those = collector(Short, 1, hold=3)
    those.begin(0, 0)
    latents, steps = [], []
    for _ in range(10):
        latents.append(float(those.noise()[0][0, 0]))
        steps.append(those.step(np.zeros((1, 1)), 0))
    changes = np.flatnonzero(np.diff(latents)) + 1
    np.testing.assert_array_equal(changes, [3, 5, 8])
    assert those.finished == [5.0, 5.0]
    np.testing.assert_array_equal([step[2][0, 0] for step in steps], [1, 2, 3, 4, 5] * 2)
    np.testing.assert_array_equal([step[3][0] for step in steps], ([False] * 4 + [True]) * 2)


def broken(reward=0.0, seen=0.0):
    class Broken(gym.Env):
        observation_space = gym.spaces.Box(-9.0, 9.0, (1,))
        action_space = gym.spaces.Box(-1.0, 1.0, (1,))

        def reset(self, *, seed=None, options=None):
            return np.zeros(1, np.float32), {}

        def step(self, action):
            return np.full(1, seen, np.float32), reward, False, False, {}

    return Broken


def test_no_numbers_are_found_where_they_come_up():
    for made, message in (
        (broken(reward=np.nan), "mine: the reward of step 7 of environment number 0 of 2 is NaN"),
        (broken(seen=np.inf), "mine: the observation of step 7"),
    ):
        those = collector(made)
        those.begin(0, 0)
        with pytest.raises(tff.InputError, match=message):
            those.step(np.zeros((2, 1)), 7)


@pytest.mark.parametrize(
    ("env", "message"),
    [
        ("Pendulum-v2", "did you mean 'Pendulum-v1'"),
        ("Pendulun-v1", "did you mean 'Pendulum-v1'"),
        ("qqq", "Unknown environment 'qqq'; choose one of"),
        ("no_such_module:Env-v0", "no module 'no_such_module'"),
        (3, "a name, a gymnasium.Env or a function"),
        (lambda: 3, "makes no gymnasium.Env but a int"),
    ],
)
def test_bad_environments(env, message):
    with pytest.raises(tff.InputError, match=message):
        environment(env)[1]()


def test_an_environment_that_nobody_can_make_again():
    with pytest.raises(tff.InputError, match="give a function"):
        environment(rl.Ring())
    name, make = environment(gym.make("Pendulum-v1"))
    assert (name, type(make().unwrapped).__name__) == ("Pendulum-v1", "PendulumEnv")


def test_missing_packages_are_named(monkeypatch):
    def missing(name, **options):
        raise gym.error.DependencyNotInstalled("MuJoCo is not installed")

    monkeypatch.setattr(gym, "make", missing)
    with pytest.raises(tff.InputError, match=r'pip install "gymnasium\[mujoco\]"'):
        environment("Hopper-v5")[1]()


def test_observations_of_several_parts_become_one_array():
    class Parts(gym.Env):
        observation_space = gym.spaces.Dict(
            {"place": gym.spaces.Box(-1.0, 1.0, (2,)), "gear": gym.spaces.Discrete(3)}
        )
        action_space = gym.spaces.Box(-1.0, 1.0, (1,))

        def reset(self, *, seed=None, options=None):
            return {"place": np.array([0.5, -0.5], np.float32), "gear": 2}, {}

    env = readable(Parts(), embedded=False)
    np.testing.assert_allclose(env.reset()[0], [0, 0, 1, 0.5, -0.5])
    image = gym.spaces.Box(0, 255, (8, 8, 3), np.uint8)
    monkey = Parts()
    monkey.observation_space = image
    assert readable(monkey, embedded=True) is monkey
    with pytest.raises(tff.InputError, match="images perhaps"):
        readable(monkey, embedded=False)
    assert number_of_actions(gym.spaces.Discrete(4)) == 4
    with pytest.raises(tff.InputError, match=r"not discrete.*use SAC"):
        number_of_actions(Parts.action_space)


def test_evaluation_counts_whole_episodes():
    found = rl.evaluate(lambda seen, step: np.zeros((len(seen), 1)), "Pendulum-v1", 3, seed=5)
    assert list(found.lengths) == [200] * 3
    again = rl.evaluate(lambda seen, step: np.zeros((len(seen), 1)), "Pendulum-v1", 2, seed=5)
    np.testing.assert_array_equal(found.returns[:2], again.returns)
    assert found.standard_error == pytest.approx(np.std(found.returns, ddof=1) / np.sqrt(3))
    with pytest.raises(tff.InputError, match="at least one episode"):
        rl.evaluate(lambda seen, step: seen, "Pendulum-v1", 0)
