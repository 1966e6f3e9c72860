"""Settings of the whole suite."""

import gc
import os
import random
import zlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import numpy as np
import pytest
from depth import without_quick_cases

LEGACY = os.environ.get("TF_USE_LEGACY_KERAS") == "1"


def pytest_addoption(parser):
    parser.addoption("--share", metavar="K/N", help="the K-th of N shares of the tests")


def pytest_configure(config):
    if config.getoption("numprocesses", None) and not hasattr(config, "workerinput"):
        # It hands tests out and runs none: 0.7 GB less without TensorFlow.
        return
    import tensorflow as tf

    # Two workers share two cores.
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    whole_files = not any("::" in argument for argument in config.args)
    if whole_files and not LEGACY and (deep := without_quick_cases(items)):
        raise pytest.UsageError(f"Every case is deep in {', '.join(deep)}; keep quick ones.")
    if LEGACY:
        for item in items:
            mark = item.get_closest_marker("keras")
            if mark and not mark.kwargs.get("quick"):
                item.add_marker(pytest.mark.deep)
        _keep(config, items, _runs_again)
    share = config.getoption("--share")
    if share:
        number, count = map(int, share.split("/"))
        _keep(config, items, lambda item: zlib.crc32(item.nodeid.encode()) % count == number - 1)


def _keep(config, items, wanted):
    out = [item for item in items if not wanted(item)]
    config.hook.pytest_deselected(items=out)
    items[:] = [item for item in items if wanted(item)]


def _runs_again(item) -> bool:
    """Whether a case is among those that its mark names for tf_keras, which are all if it does not.

    Named is one of its parameters; none of ``cases=()``.
    """
    mark = item.get_closest_marker("keras")
    cases = mark and mark.kwargs.get("cases")
    return cases is None or (bool(cases) and bool(set(item.callspec.id.split("-")) & set(cases)))


def pytest_collection_finish():
    # What imports made stays until the end: a collection of garbage need not walk through it.
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 10, 10)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    # Before what a whole file shares is made. It imports the package, which is to see the settings.
    import programs

    programs.choose(item)


@pytest.fixture(autouse=True)
def _seeds():
    import tensorflow as tf

    # tf_keras draws the seeds of its initializers from Python's own generator.
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002
    tf.random.set_seed(0)
