"""Ranks of a tensorflow job find their cluster in TF_CONFIG."""

from __future__ import annotations

import json

import pytest

from localrun.distributions import tensorflow
from localrun.distributions.layout import Layout, list_members
from localrun.distributions.tensorflow import place_tasks
from localrun.plan import MASTER_PORT, make_port_token


@pytest.mark.parametrize(
    ("nodes", "workers", "servers", "placed"),
    [
        (1, 2, 1, ((("worker", 0), ("worker", 1), ("ps", 0)),)),
        (2, 2, 1, ((("worker", 0), ("ps", 0)), (("worker", 1),))),
        (2, 3, 0, ((("worker", 0), ("worker", 1)), (("worker", 2),))),
        (2, 2, 3, ((("worker", 0), ("ps", 0), ("ps", 2)), (("worker", 1), ("ps", 1)))),
    ],
)
def test_workers_are_shared_out_evenly_and_parameter_servers_in_turn(nodes, workers, servers, placed):
    assert place_tasks(nodes, workers, servers) == placed


def describe(nodes, workers, servers):
    sizes = tuple(map(len, place_tasks(nodes, workers, servers)))
    hosts = tuple(f"n{node}" for node in range(nodes))
    layout = Layout(hosts=hosts, sizes=sizes, workers=workers, parameter_servers=servers)
    return [json.loads(tensorflow.describe_rank(layout, member)["TF_CONFIG"]) for member in list_members(layout)]


def test_every_task_sees_the_same_cluster_and_its_own_place():
    told = describe(2, 2, 1)
    cluster = {"worker": [f"n0:{MASTER_PORT}", f"n1:{make_port_token(2)}"], "ps": [f"n0:{make_port_token(1)}"]}
    assert [item["cluster"] for item in told] == [cluster] * 3
    assert [item["task"] for item in told] == [
        {"type": "worker", "index": 0},
        {"type": "ps", "index": 0},
        {"type": "worker", "index": 1},
    ]
    assert {item["environment"] for item in told} == {"cloud"}


def test_without_parameter_servers_the_cluster_has_none():
    assert list(describe(1, 2, 0)[0]["cluster"]) == ["worker"]


def test_more_than_ten_workers_stand_in_the_order_of_their_index():
    workers = describe(1, 12, 0)[0]["cluster"]["worker"]
    assert workers == [f"n0:{make_port_token(rank)}" for rank in range(12)]
