"""The command `list`: which flows and toys there are."""

import functools
import inspect

from rich.table import Table

from tfp_flows import datasets
from tfp_flows.datasets import potentials
from tfp_flows.flows.catalogue import RECIPES
from tfp_flows.terminal import import_tensorflow, result_console


def print_list() -> None:
    """Prints flows and toys with a line about each."""
    import_tensorflow()
    from tfp_flows import flows

    console = result_console()
    table = Table(title="Flows (--flow)", title_justify="left", box=None, pad_edge=False)
    table.add_column("name", style="bold", no_wrap=True)
    table.add_column("fast", no_wrap=True)
    table.add_column("what it is good for")
    for name, recipe in flows.FLOWS.items():
        table.add_row(name, RECIPES[name].fast, first_line(recipe).partition(": ")[2])
    console.print(table)
    console.print()
    table = Table(title="Toys (DATA)", title_justify="left", box=None, pad_edge=False)
    table.add_column("name", style="bold", no_wrap=True)
    table.add_column("what it looks like")
    for name, sampler in datasets.TOYS.items():
        table.add_row(name, toy_line(name, sampler))
    console.print(table)


def first_line(function) -> str:
    """The first line of a docstring."""
    return inspect.getdoc(function).partition("\n")[0]


def toy_line(name: str, sampler) -> str:
    """What a toy's docstring says; a potential's is that of its formula."""
    if isinstance(sampler, functools.partial):
        return f"{first_line(potentials.POTENTIALS[name])[:-1]} (Rezende and Mohamed 2015)."
    return first_line(sampler).replace("``", "")
