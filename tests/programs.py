"""How models train in most tests: in graphs, as XLA compiles longer than they train."""

import functools
import os

import tfp_flows as tff
from tfp_flows.kinds.targets.trainer import ReverseKL

LEGACY = os.environ.get("TF_USE_LEGACY_KERAS") == "1"
_COMPILE, _TRAINER = tff.FlowModel.compile, ReverseKL.__init__


@functools.wraps(_COMPILE)
def _in_graphs(self, *args, jit_compile="auto", **options):
    return _COMPILE(self, *args, jit_compile=jit_compile != "auto" and jit_compile, **options)


@functools.wraps(_TRAINER)
def _trainer_in_graphs(self, *args, compiled=False, **options):
    return _TRAINER(self, *args, compiled=compiled, **options)


def choose(item) -> None:
    """Whether a test's models are compiled by XLA as they are for users.

    They are if marked so, and if deep; where tests run again under tf_keras, only if marked.
    """
    marks = ("xla",) if LEGACY else ("deep", "xla")
    default = any(item.get_closest_marker(mark) for mark in marks)
    tff.FlowModel.compile = _COMPILE if default else _in_graphs
    ReverseKL.__init__ = _TRAINER if default else _trainer_in_graphs
