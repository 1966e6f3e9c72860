"""What an agent is for: acting."""

import dataclasses
from pathlib import Path

from tfp_flows.errors import InputError
from tfp_flows.files import atomic_path, check_folder
from tfp_flows.kinds.agents.settings import AgentSettings
from tfp_flows.options import COUNT, OUTPUT, again, option
from tfp_flows.runs.kind import Verb
from tfp_flows.runs.opened import Run
from tfp_flows.terminal import result_console

_SHOWN = "rgb_array"
_LONGEST = 10_000


@dataclasses.dataclass(frozen=True, kw_only=True)
class PlayOptions:
    """Options of `play`."""

    output: Path | None = option(
        None, **OUTPUT, shown="none", help="Film of the episodes, one after another: .gif."
    )
    count: int = option(1, **COUNT, min=1, help="Number of episodes.")
    chance: bool = option(False, help="Draw actions of the policy, where it has any chance.")
    seed: int = again(AgentSettings, "seed")


def play(run: Run, options: PlayOptions) -> list[Path]:
    """Let an agent act, tell its returns, and film it where the environment renders."""
    output = options.output
    if output is not None:
        if output.suffix.lower() != ".gif":
            raise InputError(f"--output is {output}; films are .gif.")
        check_folder(output)
    source, model = run.source(), run.model
    import gymnasium as gym

    from tfp_flows.rl.registration import missing

    if output is not None and _SHOWN not in source.render_modes:
        raise InputError(
            f"{source.name} cannot be filmed, it renders "
            f"{', '.join(source.render_modes) or 'nothing'}; leave --output out."
        )
    env = source.make(**({"render_mode": _SHOWN} if output is not None else {}))
    returns, frames = [], []
    try:
        for episode in range(options.count):
            returns.append(_episode(env, model, options, episode, frames, output is not None))
    except gym.error.DependencyNotInstalled as error:
        raise missing(source.name, error) from error
    finally:
        env.close()
    console = result_console()
    for number, value in enumerate(returns, 1):
        console.print(f"episode {number}: return {value:.2f}")
    console.print(f"mean return {sum(returns) / len(returns):.2f} of {len(returns)} episodes")
    if output is None:
        return []
    with atomic_path(output) as temporary:
        first, *rest = frames
        first.save(
            temporary,
            format="GIF",
            save_all=True,
            append_images=rest,
            duration=max(20, round(1000 / source.frames_a_second)),
            loop=0,
        )
    return [output]


def _episode(env, model, options: PlayOptions, episode: int, frames: list, filmed: bool) -> float:
    """The return of an episode; its pictures join ``frames``."""
    from PIL import Image

    observation, _ = env.reset(seed=options.seed + episode)
    total = 0.0
    for step in range(_LONGEST):
        if filmed:
            frames.append(Image.fromarray(env.render()).convert("P", palette=Image.ADAPTIVE))
        (action,) = model.act(
            observation[None],
            deterministic=not options.chance,
            seed=options.seed + _LONGEST * episode + step,
        )
        action = action if action.ndim else int(action)
        observation, reward, ended, cut, _ = env.step(action)
        total += float(reward)
        if ended or cut:
            break
    if filmed:
        frames.append(Image.fromarray(env.render()).convert("P", palette=Image.ADAPTIVE))
    return total


PLAY = Verb(play, PlayOptions, "tfp-flows play run -n 10 -o play.gif")
