"""The rounds of the command on the training of a posterior."""

from tfp_flows.runs.rounds import Rounds
from tfp_flows.training_state import Arrays
from tfp_flows.vi.training import Training


class PosteriorTrainer:
    """See `tfp_flows.runs.work.Trainer`.

    Args:
        training: What is trained; it ends by a rule of its own.
    """

    unit = "nats"
    shift = 0.0
    monitor = "loss"
    min_delta = 0.0

    def __init__(self, training: Training):
        self._training = training

    def run(self, rounds: Rounds) -> None:
        """Trains until the rounds are over."""
        for _ in rounds:
            spent = 0.0 if rounds.seconds is None else rounds.spent / rounds.seconds
            if self._training.over(spent if self._training.number else 0.0):
                break
            bound = self._training.round(spent)
            rounds.state.wait = 0
            rounds.end({"loss": -bound})

    def state(self) -> Arrays:
        """All that training changes."""
        return self._training.state()

    def restore(self, arrays: Arrays) -> None:
        """Puts it back."""
        self._training.restore(arrays)
