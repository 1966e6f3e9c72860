"""What a posterior is for: draws of the flow, by weights if asked for, and of Markov chains."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from tfp_flows.files import atomic_path, check_folder
from tfp_flows.kinds.posteriors.settings import PosteriorSettings
from tfp_flows.options import COUNT, OUTPUT, TABLES, again, option
from tfp_flows.runs.kind import Verb
from tfp_flows.runs.opened import Run
from tfp_flows.terminal import note, result_console

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

_NETCDF = ".nc"
_FILES = f"{TABLES[:-1]}, or {_NETCDF} for ArviZ."


@dataclasses.dataclass(frozen=True, kw_only=True)
class SampleOptions:
    """Options of `sample`."""

    output: Path = option(**OUTPUT, help=_FILES)
    count: int = option(1000, **COUNT, min=1, help="Number of draws.")
    seed: int = again(PosteriorSettings, "seed")
    resample: bool = option(
        False, help="Resample draws by their importance weights, so that they are nearer the model."
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class ChainsOptions:
    """Options of `chains`."""

    output: Path = option(**OUTPUT, help=_FILES)
    count: int = option(1000, **COUNT, min=4, help="Draws of each chain.")
    chains: int = option(4, metavar="N", min=1, help="Number of chains.")
    warm_up: int = option(500, metavar="N", min=10, help="Draws of each chain before these.")
    kernel: str = option("nuts", choices=("nuts", "hmc"), help="Kind of chains.")
    seed: int = again(PosteriorSettings, "seed")


def sample(run: Run, options: SampleOptions) -> None:
    """Draw from a fitted posterior: a row a draw, a column an element of a part."""
    _check_output(options.output)
    source = run.source() if options.resample else None
    posterior = run.model
    if source is None:
        draws = posterior.draws(options.count, options.seed)
    else:
        posterior = posterior.attached(source.target)
        draws = posterior.by_name(posterior.importance_resample(options.count, options.seed))
        if not posterior.good:
            note(f"the weights are not to be trusted: {posterior.facts()['verdict']}")
    _write(options.output, run, {name: values[None] for name, values in draws.items()})


def chains(run: Run, options: ChainsOptions) -> None:
    """Draw by Markov chains in the latent space of a fitted posterior (NeuTra).

    They mix well where the flow is near the posterior, and are right where it is not; R-hat and the
    effective number of draws are printed.
    """
    _check_output(options.output)
    source = run.source()
    posterior = run.model.attached(source.target)
    made = posterior.neutra(kernel=options.kernel).run(
        options.count, chains=options.chains, warm_up=options.warm_up, seed=options.seed
    )
    _write(options.output, run, made.by_name)
    console = result_console()
    console.print(made.summary().to_string(float_format="{:.4g}".format), markup=False)
    console.print(f"{100 * made.accepted:.0f} % of the proposals accepted.")
    if not made.good:
        note(
            "R-hat is not below 1.01 everywhere: the chains do not agree yet; draw more with -n, "
            "or fit longer."
        )


def _check_output(path: Path) -> None:
    from tfp_flows import datasets

    if path.suffix != _NETCDF:
        datasets.check_output(path)
        return
    check_folder(path)
    from tfp_flows.vi.tables import need_arviz

    need_arviz()


def _write(path: Path, run: Run, draws: "Mapping[str, np.ndarray]") -> None:
    """Writes draws ``[chains, draws, *shape]``, in a table one chain after the other."""
    import numpy as np

    from tfp_flows import datasets

    if path.suffix == _NETCDF:
        from tfp_flows.vi.tables import inference_data

        with atomic_path(path) as temporary:
            inference_data(draws).to_netcdf(str(temporary))
        return
    first = next(iter(draws.values()))
    count = first.shape[0] * first.shape[1]
    rows = np.concatenate([values.reshape(count, -1) for values in draws.values()], axis=1)
    datasets.save_table(path, rows, list(run.metrics["data"]["columns"]))


SAMPLE = Verb(sample, SampleOptions, "tfp-flows sample run -n 1000 -o draws.csv")
CHAINS = Verb(chains, ChainsOptions, "tfp-flows chains run -n 1000 -o draws.nc")
