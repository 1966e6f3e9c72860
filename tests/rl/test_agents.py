"""Agents that learn: steps that can be checked, kills, checkpoints of others, and learning."""

import gymnasium as gym
import numpy as np
import pytest
import tensorflow as tf

import tfp_flows as tff
from tfp_flows import rl
from tfp_flows.rl.adam import Adam

TINY = {
    "hidden_units": (8, 8),
    "round_steps": 40,
    "batch_size": 16,
    "learning_starts": 20,
    "num_envs": 2,
}
SMALL = {"policy_options": {"flow_hidden": (8,), "num_layers": 1}}


def test_adam_takes_the_steps_of_the_paper():
    x = tf.Variable([1.0, -2.0])
    adam = Adam([x], 0.1)
    first = second = np.zeros(2)
    expected = x.numpy().astype(np.float64)
    for count in range(1, 4):
        gradient = np.array([0.5 * count, -3.0])
        adam.apply([tf.constant(gradient, tf.float32)])
        first, second = 0.9 * first + 0.1 * gradient, 0.999 * second + 0.001 * gradient**2
        right = first / (1 - 0.9**count), second / (1 - 0.999**count)
        expected -= 0.1 * right[0] / (np.sqrt(right[1]) + 1e-8)
    np.testing.assert_allclose(x, expected, rtol=1e-4)
    other = Adam([tf.Variable([0.0, 0.0])], 0.1)
    other.restore("a", adam.state("a"))
    for one, two in zip(adam.state("a")["a-moment"], other.state("a")["a-moment"], strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"env": "CartPole-v1"}, "use NFQ"),
        ({"env": "Pendulum-v3"}, "did you mean 'Pendulum-v1'"),
        ({"policy": "nfs"}, "did you mean 'nsf'"),
        ({"critics": "flows"}, "did you mean 'flow'"),
        ({"temperature": -1.0}, "temperature is 'auto' or a positive number"),
        ({"round_steps": 41}, "cannot be split over 2"),
        ({"updates_per_step": 0.3}, "must be a whole number"),
        ({"discount": 1.5}, "discount is a share"),
        ({"learning_rate": 0.0}, "learning_rate is a positive number"),
        ({"hold": 0}, "hold is a whole number"),
        ({"policy": rl.FlowPolicy(3, gym.spaces.Box(-1.0, 1.0, (2,)), flow=None)}, "given"),
    ],
)
def test_bad_agents(options, message):
    options = {"env": "Pendulum-v1", **TINY, **options}
    with pytest.raises(tff.InputError, match=message):
        rl.SAC(options.pop("env"), **options)


def test_continuous_actions_are_not_for_nfq():
    with pytest.raises(tff.InputError, match="use SAC or NFAC"):
        rl.NFQ("Pendulum-v1", **TINY)


AGENTS = {
    "sac": lambda **more: rl.SAC(
        "Pendulum-v1", policy="nsf", noise="stochastic", **(TINY | SMALL | more)
    ),
    "nfac": lambda **more: rl.NFAC("Pendulum-v1", policy="gaussian", **(TINY | more)),
    "nfq": lambda **more: rl.NFQ("CartPole-v1", **(TINY | more)),
}


def same(one, other):
    assert one.keys() == other.keys()
    for name in one:
        for a, b in zip(one[name], other[name], strict=True):
            np.testing.assert_array_equal(a, b, err_msg=name)


@pytest.mark.deep
@pytest.mark.parametrize("name", AGENTS)
def test_killed_and_resumed_is_bit_by_bit_as_uninterrupted(name, tmp_path):
    whole = AGENTS[name]()
    begun = whole.state()["weight"]
    whole.round()
    whole.save(tmp_path / "agent.npz")
    learned = whole.learn(120)
    assert learned["steps"] == [80, 120]
    assert any((a != b).any() for a, b in zip(begun, whole.state()["weight"], strict=True))
    resumed = AGENTS[name]()
    resumed.load(tmp_path / "agent.npz")
    again = resumed.learn(120)
    same(*({k: [np.array(v)] for k, v in each.items()} for each in (learned, again)))
    same(whole.state(), resumed.state())
    other = AGENTS[name](seed=1)
    with pytest.raises(tff.InputError, match="begun with seed 0, not 1"):
        other.load(tmp_path / "agent.npz")
    with pytest.raises(tff.InputError, match=r"The checkpoint is of (algorithm|environment)"):
        AGENTS["nfq" if name == "sac" else "sac"]().load(tmp_path / "agent.npz")
    seen = whole.observation_space.sample()[None]
    whole.model().save(tmp_path / "model.keras")
    loaded = tff.load(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded.act(seen), whole.act(seen), rtol=1e-6)
    with pytest.raises(tff.InputError, match="Observations are finite numbers"):
        loaded.act(seen[:, :1])


def test_a_checkpoint_that_is_not_there(tmp_path):
    agent = rl.SAC("Pendulum-v1", **TINY)
    with pytest.raises(tff.InputError, match="There is no checkpoint"):
        agent.load(tmp_path / "none.npz")


@pytest.mark.deep
def test_images_go_through_an_embedding():
    class Seen(gym.Env):
        observation_space = gym.spaces.Box(0, 255, (4, 4, 1), np.uint8)
        action_space = gym.spaces.Box(-1.0, 1.0, (1,))

        def reset(self, *, seed=None, options=None):
            super().reset(seed=seed)
            return self.observation_space.sample(), {}

        def step(self, action):
            return self.observation_space.sample(), float(action[0]), True, False, {}

    def network():
        layers = tf.keras.layers
        return tf.keras.Sequential(
            [
                tf.keras.Input([4, 4, 1]),
                layers.Rescaling(1 / 255),
                layers.Flatten(),
                layers.Dense(8),
            ]
        )

    agent = rl.SAC(Seen, embedding=network, **TINY)
    assert agent.buffer.all()[0].dtype == np.uint8
    before = agent.state()
    agent.round()
    for name in ("weight", "critic"):
        changed = [(a != b).any() for a, b in zip(before[name], agent.state()[name], strict=True)]
        assert all(changed)


@pytest.mark.deep
def test_learning_by_a_reward_for_the_action_alone():
    """A step whose best action is known, by a Gaussian and by a flow."""

    class Hit(gym.Env):
        observation_space = gym.spaces.Box(-1.0, 1.0, (1,))
        action_space = gym.spaces.Box(-3.0, 1.0, (1,))

        def reset(self, *, seed=None, options=None):
            super().reset(seed=seed)
            self.seen = self.np_random.uniform(-1, 1, 1).astype(np.float32)
            return self.seen, {}

        def step(self, action):
            return self.seen, -float((action[0] - self.seen[0]) ** 2), True, False, {}

    agent = rl.SAC(
        Hit,
        policy="nsf",
        hidden_units=(32,),
        num_envs=20,
        updates_per_step=0.5,
        learning_rate=3e-3,
        batch_size=64,
        temperature=0.01,
        **SMALL,
    )
    agent.learn(2000)
    seen = np.linspace(-0.9, 0.9, 10, dtype=np.float32)[:, None]
    np.testing.assert_allclose(agent.act(seen), seen, atol=0.2)


def test_an_agent_starts_from_another():
    def heavy(**options):
        env = gym.make("Pendulum-v1", **options)
        env.unwrapped.m = 2.0
        return env

    first, second = (rl.SAC(env, **TINY, seed=i) for i, env in enumerate(("Pendulum-v1", heavy)))
    critics = second.state()["critic"]
    second.start_from(first, critics=False)
    seen = np.ones((3, 3), np.float32)
    np.testing.assert_array_equal(second.act(seen), first.act(seen))
    for one, two in zip(critics, second.state()["critic"], strict=True):
        np.testing.assert_array_equal(one, two)
    second.start_from(first)
    for one, two in zip(first.state()["copy"], second.state()["copy"], strict=True):
        np.testing.assert_array_equal(one, two)
    other = rl.SAC("Pendulum-v1", **(TINY | {"hidden_units": (8, 9)}))
    with pytest.raises(tff.InputError, match="other networks"):
        second.start_from(other)
    with pytest.raises(tff.InputError, match="Nothing would be taken"):
        second.start_from(first, policy=False, critics=False)
