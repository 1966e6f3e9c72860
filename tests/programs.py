"""How models train in the quick profile: in graphs, as XLA compiles longer than they train."""

import functools

import tfp_flows as tff

_COMPILE = tff.FlowModel.compile


@functools.wraps(_COMPILE)
def _in_graphs(self, *args, jit_compile="auto", **options):
    return _COMPILE(self, *args, jit_compile=jit_compile != "auto" and jit_compile, **options)


def choose(item) -> None:
    """Whether a test's models are compiled by XLA as they are for users: if deep, or marked so."""
    default = any(item.get_closest_marker(mark) for mark in ("deep", "xla"))
    tff.FlowModel.compile = _COMPILE if default else _in_graphs
