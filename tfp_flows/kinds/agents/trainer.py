"""The rounds of the command on the learning of an agent."""

import math

from tfp_flows.rl.agent import Agent, Diverged
from tfp_flows.runs.rounds import Rounds
from tfp_flows.training_state import Arrays

# Start states of the episodes by which rounds are judged, and of those that come at the end.
_JUDGED_SEED, HEADLINE_SEED = 2_000_000, 1_000_000


class AgentTrainer:
    """See `tfp_flows.runs.work.Trainer`; the loss of a round is minus the mean return after it.

    Args:
        agent: What learns.
        episodes: By which a round is judged, always from the same start states.
        seed: Of the training.
    """

    unit = "of return"
    shift = 0.0
    monitor = "loss"
    min_delta = 0.0

    def __init__(self, agent: Agent, episodes: int, seed: int):
        self._agent, self._episodes, self._seed = agent, episodes, seed

    def run(self, rounds: Rounds) -> None:
        """Learns until the rounds are over."""
        for _ in rounds:
            try:
                logs = self._agent.round()
            except Diverged as error:
                rounds.diverged = f"{error} The policy is that of the best round."
                rounds.end({"loss": math.nan, "return": math.nan, "steps": self._agent.steps})
                break
            found = self._agent.evaluate(self._episodes, seed=_JUDGED_SEED + self._seed)
            rounds.end({"loss": -found.mean, **logs})

    def state(self) -> Arrays:
        """All that learning changes."""
        return self._agent.state()

    def restore(self, arrays: Arrays) -> None:
        """Puts it back."""
        self._agent.restore(arrays)
