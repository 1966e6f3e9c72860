"""Which workers TF_CONFIG names, how they meet, and which devices a process has."""

import json

import pytest
import tensorflow as tf
import worker_processes as processes

import tfp_flows as tff
from tfp_flows.models.clusters import Cluster, cluster_of, meet

pytestmark = pytest.mark.keras
ADDRESSES = ["a:1", "b:2"]


def config(**changes):
    whole = {"cluster": {"worker": ADDRESSES}, "task": {"type": "worker", "index": 1}, **changes}
    return {"TF_CONFIG": json.dumps(whole)}


def test_the_cluster_of_an_environment():
    assert cluster_of({}) is None
    assert cluster_of({"TF_CONFIG": " "}) is None
    assert cluster_of(config()) == Cluster(("a:1", "b:2"), 1)
    one = config(cluster={"worker": ["a:1"]}, task={"type": "worker", "index": 0})
    assert cluster_of(one) is None
    with_chief = {"cluster": {"worker": ADDRESSES, "chief": ["c:3"]}}
    assert cluster_of(config(**with_chief)) == Cluster(("c:3", "a:1", "b:2"), 2)
    chief = config(**with_chief, task={"type": "chief", "index": 0})
    assert cluster_of(chief) == Cluster(("c:3", "a:1", "b:2"), 0)


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"TF_CONFIG": "{worker"}, "TF_CONFIG is not JSON"),
        ({"TF_CONFIG": "[1]"}, "lacks a cluster or a task"),
        (config(task=None), "lacks a cluster or a task"),
        (config(task={"type": "worker", "index": 2}), "task worker 2, which is none"),
        (config(task={"type": "worker", "index": "0"}), "task worker 0, which is none"),
        (config(cluster={"worker": ["a", "b:2"]}), "address 'a'; write it host:port"),
        (config(cluster={"worker": ["b:2", "b:2"]}), "an address twice"),
        (config(cluster={"worker": 3}), "has 3 as the addresses of its worker; set it like"),
        (config(cluster={"worker": None}), "has None as the addresses of its worker"),
        (config(cluster={"worker": ADDRESSES, "chief": None}), "addresses of its chief"),
        (config(cluster={"worker": ["a:1", 7]}), "address 7; write it host:port"),
        (config(cluster={"worker": ["a:1", "b:99999"]}), "'b:99999'; .* a port from 1 to 65535"),
        (config(cluster={"worker": ["a:1", "b:0"]}), "'b:0'; .* a port from 1 to 65535"),
        (config(cluster={"worker": ["a:1", "a..b:2"]}), "address 'a..b:2'; write it host:port"),
        (config(cluster={"worker": ["a:1", ":2"]}), "address ':2'; write it host:port"),
        (config(cluster={"worker": ADDRESSES, "ps": ["c:3"]}), "a job 'ps'"),
        (config(cluster={"worker": ADDRESSES, "chief": ["c:3", "d:4"]}), "2 chiefs"),
    ],
)
def test_a_config_that_will_not_do(environment, words):
    with pytest.raises(tff.InputError, match=words):
        cluster_of(environment)


def test_ports_in_use_and_workers_that_do_not_come():
    mine, other = processes.free_ports(2)
    cluster = Cluster((f"localhost:{mine}", f"localhost:{other}"), 0)
    with pytest.raises(tff.InputError, match=rf"has waited 0 s for localhost:{other}"):
        meet(cluster, wait=0)
    with processes.socket.socket() as taken:
        taken.bind(("", mine))
        taken.listen()
        with pytest.raises(tff.InputError, match=f"cannot listen on port {mine}"):
            meet(cluster, wait=0)


def test_devices_that_are_not_there():
    tf.config.list_logical_devices()  # after which the processor is split no more
    with pytest.raises(tff.InputError, match="devices is 0"):
        tff.models.training_strategy(0)
    with pytest.raises(tff.InputError, match="99 devices were asked for, and there are 1"):
        tff.models.training_strategy(99)
    assert tff.models.training_strategy("all") is tf.distribute.get_strategy()
