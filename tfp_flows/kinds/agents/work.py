"""The training of an agent, judged by whole episodes from fresh start states."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tfp_flows import plotting
from tfp_flows.kinds.agents.settings import AgentSettings
from tfp_flows.kinds.agents.source import AgentSource, load
from tfp_flows.runs.engine import first_line
from tfp_flows.runs.work import Drawing, headline

_PICTURE = "returns.png"
_EPISODES = 50


class AgentWork:
    """See `tfp_flows.runs.work.Work`."""

    def __init__(self, settings: AgentSettings):
        self.settings = settings
        self._agent = None

    def source(self) -> AgentSource:
        """Finds the environment."""
        return load(self.settings)

    def build(self, source: AgentSource):
        """The model that acts for an agent that has learned nothing."""
        from tfp_flows import rl

        classes = {"sac": rl.SAC, "nfac": rl.NFAC, "nfq": rl.NFQ}
        self._agent = classes[self.settings.algorithm](source.env, **self.settings.options)
        return self._agent.model()

    def trainer(self, model, source: AgentSource):
        """The agent, in rounds."""
        from tfp_flows.kinds.agents.trainer import AgentTrainer

        return AgentTrainer(self._agent, self.settings.judged, self.settings.seed)

    def measure(self, model, source: AgentSource) -> dict[str, Any]:
        """The mean return of 50 episodes without chance, from start states not seen before."""
        from tfp_flows.kinds.agents.trainer import HEADLINE_SEED

        found = self._agent.evaluate(_EPISODES, seed=HEADLINE_SEED + self.settings.seed)
        figure = headline("mean return", "", found.mean, found.standard_error)
        lengths = {"returns": found.returns.tolist(), "lengths": found.lengths.tolist()}
        learned = {"steps": self._agent.steps, "gradient_steps": self._agent.updates}
        return {"test": figure | lengths, "learning": learned}

    def draw(self, model, find: Callable[[], Any], metrics: Mapping[str, Any]) -> Iterator[Drawing]:
        """The learning curve: returns while learning, and without chance."""
        history, test = metrics["training"]["history"], metrics["test"]
        judged = [None if loss is None else -loss for loss in history["loss"]]
        figure = plotting.plot_returns(
            history["steps"],
            {
                "while learning": history["return"],
                f"without chance, {self.settings.judged} episodes": judged,
            },
            final=test["headline"]["value"],
            title=f"{self.settings.flow} on {self.name}",
        )
        yield _PICTURE, lambda path: plotting.save_figure(figure, path)

    def tell(self, metrics: Mapping[str, Any]) -> Iterator[str]:
        """Steps, and returns."""
        test, learning = metrics["test"], metrics["learning"]
        value, error = test["headline"]["value"], test["headline"]["standard_error"]
        yield first_line(metrics, f"{learning['steps']:,} steps")
        returns = test["returns"]
        yield (
            f"Mean return {value:.2f} ± {2 * error:.2f} (2 s.e.) of {len(returns)} episodes, from "
            f"{min(returns):.2f} to {max(returns):.2f}."
        )

    def event_shape(self, metrics: Mapping[str, Any]) -> list[int]:
        """That of actions, or of a return."""
        return metrics["data"]["events"]

    @property
    def name(self) -> str:
        """Of the environment, without folders."""
        return self.settings.data.rpartition("/")[2]
