"""The row of `kind_rows` for agents: an environment of one question, in a file."""

from pathlib import Path


def _environment(folder: Path, changed: bool = False) -> str:
    text = (
        "import gymnasium as gym\nimport numpy as np\n\n\nclass Near(gym.Env):\n"
        "    metadata = {'render_modes': ['rgb_array']}\n"
        "    observation_space = gym.spaces.Box(-1.0, 1.0, (1,))\n"
        "    action_space = gym.spaces.Box(-1.0, 1.0, (1,))\n\n"
        "    def __init__(self, render_mode=None):\n        self.render_mode = render_mode\n\n"
        "    def reset(self, *, seed=None, options=None):\n        super().reset(seed=seed)\n"
        "        self.seen, self.left = self.np_random.uniform(-1, 1, 1).astype('f4'), 5\n"
        "        return self.seen, {}\n\n"
        "    def step(self, action):\n        self.left -= 1\n"
        f"        reward = {float(changed)} - float((action[0] - self.seen[0]) ** 2)\n"
        "        return self.seen, reward, self.left == 0, False, {}\n\n"
        "    def render(self):\n        return np.full((8, 8, 3), 40 * self.left, np.uint8)\n"
    )
    (folder / "near.py").write_text(text)
    return f"{folder / 'near.py'}:Near"


AGENTS = {
    "kind": "agents",
    "write": _environment,
    "options": [
        *("--round", "40", "--envs", "2", "--random-steps", "20", "--judged", "2"),
        *("--hidden", "8,8", "--batch-size", "16"),
    ],
    "verbs": {
        "play": lambda folder: ["-n", "2", "--chance", "-o", "play.gif"],
        "plot": lambda folder: ["-o", "picture.png"],
    },
    "bad": [
        (["--policy", "nfs"], "did you mean 'nsf'"),
        (["--algorithm", "nfq"], "not discrete"),
        (["--learning-rate", "0"], "give a positive number"),
        (["--worst", "0.5"], "--worst is of nfq"),
        (["--round", "41"], "2 environments cannot share"),
        (["--layers", "3"], "gaussian has no layers"),
        (["--noisy"], "no layers to put noise between"),
        (
            ["--policy", "nsf", "--flow-option", "depth=3"],
            "Unknown option of nsf for actions of one entry 'depth'",
        ),
    ],
    "foreign": ["--columns", "a"],
}
