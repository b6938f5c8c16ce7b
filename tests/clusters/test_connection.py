"""A program's connection to a Ray cluster."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from ray_cluster import RayCluster, ray_cluster, turn_of_client
from ray_program import run

pytestmark = pytest.mark.any_engine

_TOKEN = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "ab" * 32}


@pytest.fixture(scope="module")
def with_token(temporary_folder: object) -> Iterator[RayCluster]:
    """A cluster that asks for a token, with a server for Ray Client."""
    with ray_cluster(with_client=True, token=_TOKEN) as cluster:
        yield cluster


def _other(there: str, wanted: str) -> str:
    return (
        f"AddressError: this program is connected to the Ray cluster at {there}, not at {wanted}; "
        "take address='auto', or call ray.shutdown() before"
    )


def test_is_made_once_and_ends_with_its_block(two_nodes: RayCluster) -> None:
    assert run(
        """
        with connected(address):
            import ray
            print(len(ray.nodes()), connect(address), connect("auto"), connect(None))
        print(ray.is_initialized())
        """,
        two_nodes.address,
    ) == ["2 False False False", "False"]


def test_stays_where_it_was_made_for_longer(two_nodes: RayCluster) -> None:
    assert run(
        """
        print(connect(address))
        with connected(address):
            pass
        import ray
        print(len(ray.nodes()))
        """,
        two_nodes.address,
    ) == ["True", "2"]


def test_of_the_program_is_used_whatever_name_the_head_has(two_nodes: RayCluster) -> None:
    assert run(
        """
        import ray
        ray.init(address, log_to_driver=False, logging_level="ERROR")
        port = address.rpartition(":")[2]
        print(connect("auto"), connect(f"localhost:{port}"), connect(f"127.0.0.1:{port}"))
        """,
        two_nodes.address,
    ) == ["False False False"]


def test_to_another_cluster_is_refused(two_nodes: RayCluster, nobody: str) -> None:
    told = run(f"connect(address); print(said(connect, {nobody!r}))", two_nodes.address)
    assert told == [_other(two_nodes.address, nobody)]


def test_by_ray_client(for_client: RayCluster) -> None:
    assert run(
        """
        with connected(address):
            import ray
            print(len(ray.nodes()), connect(address), connect("auto"))
            print(said(connect, "ray://127.0.0.1:1"))
        print(ray.is_initialized())
        """,
        for_client.client_address,
    ) == [
        "1 False False",
        _other(for_client.client_address, "ray://127.0.0.1:1"),
        "False",
    ]


def test_finds_the_cluster_that_the_environment_names(two_nodes: RayCluster) -> None:
    assert run("connect(); import ray; print(len(ray.nodes()))", RAY_ADDRESS=two_nodes.address) == ["2"]


def test_from_another_thread(two_nodes: RayCluster) -> None:
    script = """
        import threading
        thread = threading.Thread(target=lambda: print(connect(address)))
        thread.start()
        thread.join()
        """
    assert run(script, two_nodes.address) == ["True"]


def test_shows_no_lines_of_workers(two_nodes: RayCluster) -> None:
    script = """
        import ray
        connect(address)
        print(ray.get(ray.remote(num_cpus=0)(lambda: print("a line of a worker")).remote()))
        """
    assert run(script, two_nodes.address) == ["None"]


def test_of_a_process_is_not_that_of_its_forks(two_nodes: RayCluster) -> None:
    script = """
        import os
        connect(address)
        sys.stdout.flush()
        if not os.fork():
            print(said(connect, address), flush=True)
            os._exit(0)
        os.wait()
        print(connect(address))
        """
    told, still = run(script, two_nodes.address)
    assert told.startswith("ClusterError: this process was forked from one that is connected to a Ray cluster, ")
    assert still == "False"


def test_where_nobody_listens(nobody: str) -> None:
    for address in (nobody, f"ray://{nobody}"):
        (told,) = run("print(said(connect, address))", address)
        assert told.startswith("ClusterError: no Ray cluster can be reached at ")
        assert told.endswith(": Connection refused; on the machine of its head run: ray start --head")


def test_to_what_is_not_ray(for_client: RayCluster) -> None:
    client_port = for_client.client_address.removeprefix("ray://")
    host = for_client.address.partition(":")[0]
    with ThreadingHTTPServer((host, 0), SimpleHTTPRequestHandler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            other = f"{host}:{server.server_port}"
            told = run(f"for a in {[other, client_port, f'ray://{for_client.address}']}: print(said(connect, a))")
        finally:
            server.shutdown()
    assert [line.partition(": ")[2].partition(": ")[2].partition("; on the machine")[0] for line in told] == [
        "what listens there is not Ray",
        "no head listens there; of a server for Ray Client, write ray:// before it",
        "a head listens there, without ray:// before it",
    ]


def test_to_another_server_of_grpc() -> None:
    script = """
        from concurrent.futures import ThreadPoolExecutor
        import grpc
        server = grpc.server(ThreadPoolExecutor(1))
        other = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
        server.start()
        print(said(connect, f"ray://{other}"))
        print(said(connect, other))
        """
    client, head = run(script)
    assert ": what listens there is not Ray; on the machine of its head run: ray start --head" in client
    assert ": no head listens there; of a server for Ray Client, write ray:// before it" in head


def test_where_the_environment_names_a_cluster_that_is_gone(nobody: str) -> None:
    (told,) = run("print(said(connect))", RAY_ADDRESS=nobody)
    assert "Connection refused" in told


def test_to_what_is_no_address() -> None:
    wrong = ["head", "head:", "head:0", "head:70000", ":6379", "a b:6379", "ray://head", "http://head:8265"]
    assert run(f"for address in {wrong}: print(said(connect, address))") == [
        f"AddressError: {address!r} is no address of a Ray cluster; it is auto, HOST:PORT or ray://HOST:PORT"
        for address in wrong
    ]


def test_with_another_version_of_ray(for_client: RayCluster) -> None:
    for address in (for_client.address, for_client.client_address):
        (told,) = run(
            "import ray; has, ray.__version__ = ray.__version__, '2.1.0'; print(said(connect, address), has)", address
        )
        message, _, version = told.rpartition(" ")
        python = ".".join(map(str, sys.version_info[:3]))
        assert message == (
            f"ClusterError: the cluster at {address} has Ray {version} and Python {python}, this program Ray 2.1.0 and "
            f"Python {python}; they have to be the same: run pip install 'ray=={version}' in an environment of "
            f"Python {python}"
        )


@pytest.mark.parametrize("environment", [{"RAY_AUTH_MODE": "disabled"}, {"RAY_AUTH_TOKEN": "cd" * 32}])
def test_without_the_token(with_token: RayCluster, environment: dict[str, str]) -> None:
    for address in (with_token.address, with_token.client_address):
        (told,) = run("print(said(connect, address))", address, **{**_TOKEN, **environment})
        assert told == (
            f"ClusterError: the cluster at {address} asks for its token, which this program does not have; set "
            "RAY_AUTH_MODE=token, and copy the file ~/.ray/auth_token from its head to here"
        )


def test_with_the_token(with_token: RayCluster) -> None:
    with turn_of_client():
        for address in (with_token.address, with_token.client_address):
            assert run("print(connect(address))", address, **_TOKEN) == ["True"]


def test_without_ray() -> None:
    assert run("sys.modules['ray'] = None; print(said(connect))") == [
        "InstallationError: the Python package ray is not installed; run: pip install 'dcp-evaluator[ray]'"
    ]
