from __future__ import annotations

import pytest

from localrun.plan import ContainerPlan
from localrun.targets.docker_request import Node, describe_container, read_ports
from localrun.values import replace

NODE = Node(
    node=1,
    run_id="exp_1_ab",
    home="/home/me/localrun",
    image="sha256:1",
    ranks=(2, 3),
    bootstrap=-1,
    folder="/dev/shm/localrun-x/node-1",
    mounts=(("/data", True), ("/run", False)),
)


def test_container_has_an_init_no_log_and_nothing_of_the_ranks_variables():
    request = describe_container(NODE, ContainerPlan(user="1000:1000"))
    host = request["HostConfig"]
    assert (host["Init"], host["LogConfig"], host["AutoRemove"]) == (True, {"Type": "none"}, False)
    assert host["ShmSize"] == 2 * 1024**3
    assert request["User"] == "1000:1000"
    assert request["Env"] == ["TINI_KILL_PROCESS_GROUP=1"]
    assert request["Entrypoint"] == ["/bin/sh", "/localrun/launcher.sh", "/localrun", "-", "2", "3"]
    assert request["Labels"] == {
        "localrun.run": "exp_1_ab", "localrun.owner": "/home/me/localrun", "localrun.node": "1",
    }  # fmt: skip
    assert (request["Hostname"], host["NetworkMode"]) == ("node-1", "default")
    assert "Memory" not in host
    assert "Privileged" not in host


def test_paths_are_the_same_inside_and_inputs_are_only_read():
    mounts = describe_container(NODE, ContainerPlan())["HostConfig"]["Mounts"]
    assert [(item["Source"], item["Target"], item["ReadOnly"]) for item in mounts] == [
        ("/dev/shm/localrun-x/node-1", "/localrun", True),
        ("/data", "/data", True),
        ("/run", "/run", False),
    ]


def test_terminal_lies_over_the_pipe_of_its_rank():
    request = describe_container(replace(NODE, terminal=("/dev/pts/7", 3)), ContainerPlan())
    mount = {"Type": "bind", "Source": "/dev/pts/7", "Target": "/localrun/out-3"}
    assert request["HostConfig"]["Mounts"][-1] == mount


def test_port_of_a_debugger_is_published_by_the_node_of_its_rank():
    plan = ContainerPlan(ports=("8080:80",))
    host = describe_container(replace(NODE, ports=("127.0.0.1:5678:5678",)), plan)["HostConfig"]
    assert host["PortBindings"] == {"5678/tcp": [{"HostIp": "127.0.0.1", "HostPort": "5678"}]}


def test_bootstrap_shares_the_output_of_the_first_rank():
    assert describe_container(replace(NODE, bootstrap=2), ContainerPlan())["Entrypoint"][3:] == ["2", "2", "3"]


def test_nodes_know_each_other_in_the_network_of_the_run():
    request = describe_container(replace(NODE, network="localrun-exp"), ContainerPlan())
    assert request["HostConfig"]["NetworkMode"] == "localrun-exp"
    assert request["NetworkingConfig"] == {"EndpointsConfig": {"localrun-exp": {"Aliases": ["node-1"]}}}


def test_nodes_know_each_other_in_a_network_of_the_user_whoever_else_is_there():
    request = describe_container(replace(NODE, nodes=3), ContainerPlan(network="mine"))
    assert request["HostConfig"]["NetworkMode"] == "mine"
    links = ["localrun-exp_1_ab-0:node-0", "localrun-exp_1_ab-2:node-2"]
    assert request["NetworkingConfig"] == {"EndpointsConfig": {"mine": {"Aliases": ["node-1"], "Links": links}}}
    assert "NetworkingConfig" not in describe_container(replace(NODE, nodes=3), ContainerPlan(network="host"))


def test_limits_and_docker_arguments_reach_the_engine_and_the_init_stays():
    plan = ContainerPlan(
        memory_bytes=1 << 30,
        nano_cpus=1_500_000_000,
        gpus="device=0,2",
        mounts=("/a:/b:ro", "/a:b:/c:ro"),
        network="host",
        options=(("Privileged", "true"), ("PidsLimit", "100"), ("Init", "false")),
    )
    request = describe_container(NODE, plan)
    host = request["HostConfig"]
    assert (host["Memory"], host["NanoCpus"], host["Binds"]) == (1 << 30, 1_500_000_000, ["/a:/b:ro"])
    assert host["DeviceRequests"][0]["DeviceIDs"] == ["0", "2"]
    assert host["Mounts"][-1] == {"Type": "bind", "Source": "/a:b", "Target": "/c", "ReadOnly": True}
    assert (host["Privileged"], host["PidsLimit"], host["Init"]) == (True, 100, True)
    assert (host["NetworkMode"], request["Hostname"]) == ("host", "")


def test_ports_are_published_by_node_0_only():
    plan = ContainerPlan(ports=("127.0.0.1:8080:80",))
    assert describe_container(NODE, plan)["HostConfig"]["PortBindings"] == {}
    first = describe_container(replace(NODE, node=0), plan)
    assert first["HostConfig"]["PortBindings"] == {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}]}
    assert first["ExposedPorts"] == {"80/tcp": {}}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("80", [("80/tcp", "", "")]),
        ("8080:80/udp", [("80/udp", "", "8080")]),
        ("127.0.0.1::80", [("80/tcp", "127.0.0.1", "")]),
        ("[::1]:8080:80", [("80/tcp", "::1", "8080")]),
        ("8080-8081:80-81", [("80/tcp", "", "8080"), ("81/tcp", "", "8081")]),
        ("8080-8090:80", [("80/tcp", "", "8080-8090")]),
    ],
)
def test_ports_are_read_as_docker_reads_them(text, expected):
    found = [(port, place["HostIp"], place["HostPort"]) for port, place in read_ports(text)]
    assert found == expected
