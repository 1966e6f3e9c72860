"""Commands with ``--engine ray``, in processes of their own, and a cluster for them."""

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@contextlib.contextmanager
def two_nodes():
    """A cluster of two nodes on this machine, and the one that can be killed; skips without Ray."""
    utilities = pytest.importorskip("ray.cluster_utils")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    small = {"object_store_memory": 80 * 2**20, "include_dashboard": False}
    cluster = utilities.Cluster(initialize_head=True, head_node_args={"num_cpus": 2, **small})
    try:
        yield cluster, cluster.add_node(num_cpus=1, **small)
    finally:
        cluster.shutdown()


def start(where, verb, *options, workers=2, **environment):
    """Starts a command in a folder."""
    command = [sys.executable, "-c", "from tfp_flows.cli import main; main()", verb]
    command += [str(option) for option in options]
    environment = {"PYTHONPATH": str(ROOT), "TF_CONFIG": "", "RAY_ADDRESS": "", **environment}
    return subprocess.Popen(
        [*command, "--engine", "ray", "--workers", str(workers)],
        cwd=where,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def there(process, pattern, seconds=120):
    """Waits until a command has written a file."""
    where, until = Path(pattern), time.monotonic() + seconds
    while not any(where.parent.glob(where.name)):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < until
        time.sleep(0.02)


def ended(process, seconds=200):
    """Status and texts of a command, once it has ended."""
    try:
        out, err = process.communicate(timeout=seconds)
    finally:
        process.kill()
    return process.returncode, out, err
