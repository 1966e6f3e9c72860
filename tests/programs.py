"""How models train in most tests: in graphs, as XLA compiles longer than they train."""

import functools

import tfp_flows as tff
from tfp_flows.kinds.targets.trainer import ReverseKL

_COMPILE, _TRAINER = tff.FlowModel.compile, ReverseKL.__init__


@functools.wraps(_COMPILE)
def _in_graphs(self, *args, jit_compile="auto", **options):
    return _COMPILE(self, *args, jit_compile=jit_compile != "auto" and jit_compile, **options)


@functools.wraps(_TRAINER)
def _trainer_in_graphs(self, *args, compiled=False, **options):
    return _TRAINER(self, *args, compiled=compiled, **options)


def choose(item) -> None:
    """Whether a test's models are compiled by XLA as they are for users: if it is marked so."""
    as_for_users(item.get_closest_marker("xla") is not None)


def as_for_users(default: bool) -> None:
    """Sets what ``jit_compile="auto"`` means: what it does for users, or no XLA."""
    tff.FlowModel.compile = _COMPILE if default else _in_graphs
    ReverseKL.__init__ = _TRAINER if default else _trainer_in_graphs
