"""This program's connection to a Ray cluster. Ray has one at most for a whole program."""

from __future__ import annotations

import logging
import os
import re
import signal
import socket
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from ..errors import AddressError, ClusterError, InstallationError

_AUTO = "auto"
_CLIENT = "ray://"
_DASHBOARD = "http://", "https://"
_ADDRESS_VARIABLE = "RAY_ADDRESS"
_SECONDS = 5.0
"""Within which a head must take a connection. Ray itself tries for minutes, and then ends the program."""
_HEAD_CALL = "/grpc.health.v1.Health/Check"
"""What a head answers, and a server for Ray Client does not know."""
_TOKEN_CALLS = {True: "/ray.rpc.RayletDriver/KVExists", False: "/ray.rpc.NodeInfoGcsService/GetClusterId"}
"""What a server for Ray Client and a head know, and answer only where the token is theirs."""
_OTHER = "what listens there is not Ray"
_NO_HEAD = f"no head listens there; of a server for Ray Client, write {_CLIENT} before it"
_VERSIONS = re.compile(r"Ray: (\S+)\s+Python: (\S+)")
_NOT_STARTED = "Initialization failure from server"
_START = "run: ray start --head"
_lock = threading.Lock()
_processes: set[int] = set()
"""Those that used the connection: this one. What is forked from it has none, though Ray says so."""


def load_ray() -> ModuleType:
    """The package. Raises InstallationError where there is none."""
    try:
        import ray
    except ImportError as error:
        reason = "is not installed" if error.name == "ray" else f"cannot be loaded: {error}"
        raise InstallationError(f"the Python package ray {reason}; run: pip install 'dcp-evaluator[ray]'") from None
    return ray


def connect(address: str | None = _AUTO) -> bool:
    """Connects the program to a cluster, unless it is connected to that one already. Returns whether it was not.

    ``address``: ``host:port`` of the head, ``ray://host:port`` of its server for Ray Client, or ``"auto"`` and None for
    the connection that there is, RAY_ADDRESS, or the cluster of which this machine is a node, in this order. A new
    connection stays until the program ends or calls ``ray.shutdown``; a second call finds it. Ray's messages are kept
    away.

    Raises InstallationError without Ray, ClusterError where no cluster can be reached there, and AddressError, a
    ValueError, where the program is connected to another, or this is no address.
    """
    ray = load_ray()
    with _lock:
        has_one = ray.is_initialized()
        if has_one:
            _check_process()
            _check_same(address or _AUTO)
        else:
            place = _resolved(address or _AUTO)
            _check_reachable(place)
            _check_token(place)
            _init(ray, place)
        _processes.add(os.getpid())
        return not has_one


@contextmanager
def connected(address: str | None = _AUTO) -> Iterator[None]:
    """The program is connected meanwhile, as by ``connect``; a connection that was there stays."""
    is_ours = connect(address)
    try:
        yield
    finally:
        if is_ours:
            load_ray().shutdown()


def _check_process() -> None:
    """Raises ClusterError."""
    if _processes and os.getpid() not in _processes:
        raise ClusterError(
            "this process was forked from one that is connected to a Ray cluster, and that connection does not work "
            'here; with multiprocessing, use the context "spawn"'
        )


def _check_same(address: str) -> None:
    """Raises AddressError."""
    here = _connected_to()
    if address != _AUTO and _canonical(address) != here:
        raise AddressError(
            f"this program is connected to the Ray cluster at {here}, not at {address}; take address='auto', or "
            "call ray.shutdown() before"
        )


def _connected_to() -> str:
    from ray.util.client import ray as client

    if client.is_connected():
        return f"{_CLIENT}{getattr(client.get_context().client_worker, '_conn_str', 'unknown')}"
    return str(load_ray().get_runtime_context().gcs_address)


def _resolved(address: str) -> str:
    """Where the head is. Raises ClusterError, AddressError."""
    named = os.environ.get(_ADDRESS_VARIABLE) if address == _AUTO else address
    if named and named != _AUTO:
        return _canonical(named)
    from ray._private.services import canonicalize_bootstrap_address

    try:
        found = canonicalize_bootstrap_address(_AUTO)
    except ConnectionError:
        found = None
    if found is None:
        raise ClusterError(
            f"this machine is no node of a Ray cluster, and {_ADDRESS_VARIABLE} names none; {_START}, or give the "
            "address of a head"
        )
    return str(found)


def _canonical(address: str) -> str:
    """As Ray writes it. Raises AddressError."""
    if "://" in address and not address.startswith((_CLIENT, *_DASHBOARD)):
        return address  # of a service that extends Ray
    host, _, port = address.removeprefix(_CLIENT).rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536 or re.search(r"[\s/]", host):
        raise AddressError(f"{address!r} is no address of a Ray cluster; it is auto, HOST:PORT or ray://HOST:PORT")
    if address.startswith(_CLIENT):
        return address
    from ray._private.services import resolve_ip_for_localhost

    return f"{resolve_ip_for_localhost(host)}:{port}"


def _check_reachable(place: str) -> None:
    """Raises ClusterError."""
    if "://" in place and not place.startswith(_CLIENT):
        return
    host, _, port = place.removeprefix(_CLIENT).rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), _SECONDS).close()
        reason = _no_ray(place)
    except OSError as error:
        reason = "nobody answers" if isinstance(error, TimeoutError) else error.strerror or str(error)
    if reason:
        raise ClusterError(_unreachable(place, reason))


def _unreachable(place: str, reason: str) -> str:
    return f"no Ray cluster can be reached at {place}: {reason}; on the machine of its head {_START}"


def _no_ray(place: str) -> str | None:
    """Why what listens there is not what the address says; None where it may be."""
    if _is_encrypted():
        return None
    import grpc

    is_client = place.startswith(_CLIENT)
    code = _call(place, _HEAD_CALL)
    if code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
        return _OTHER
    if is_client and code == grpc.StatusCode.OK:
        return "a head listens there, without ray:// before it"
    return _NO_HEAD if not is_client and code == grpc.StatusCode.UNIMPLEMENTED else None


def _check_token(place: str) -> None:
    """Raises ClusterError. Ray itself would ask in vain for half a minute."""
    if _is_encrypted() or ("://" in place and not place.startswith(_CLIENT)):
        return
    import grpc

    code = _call(place, _TOKEN_CALLS[place.startswith(_CLIENT)], _token())
    if code == grpc.StatusCode.UNIMPLEMENTED:
        raise ClusterError(_unreachable(place, _OTHER))
    if code == grpc.StatusCode.UNAUTHENTICATED:
        raise ClusterError(
            f"the cluster at {place} asks for its token, which this program does not have; set RAY_AUTH_MODE=token, "
            "and copy the file ~/.ray/auth_token from its head to here"
        )


def _is_encrypted() -> bool:
    return os.environ.get("RAY_USE_TLS", "0") != "0"


def _call(place: str, method: str, metadata: Any = ()) -> Any:
    """The status of the answer."""
    import grpc

    options = [("grpc.enable_http_proxy", 0)]  # as Ray's own
    with grpc.insecure_channel(place.removeprefix(_CLIENT), options) as channel:
        try:
            channel.unary_unary(method)(b"", timeout=_SECONDS, metadata=metadata)
        except grpc.RpcError as error:
            return error.code()
    return grpc.StatusCode.OK


def _token() -> Any:
    """Ray's, of this program, as a field of a call."""
    from ray._private.authentication import grpc_authentication_client_interceptor as ray_tokens
    from ray.exceptions import AuthenticationError

    try:
        return ray_tokens._get_authentication_metadata_tuple()
    except AuthenticationError:  # there is none, where one must be
        return ()


def _init(ray: ModuleType, place: str) -> None:
    """Raises ClusterError."""
    # Ray says so when a job's thread connects.
    logging.getLogger("ray").setLevel(logging.ERROR)
    try:
        with _own_sigterm(), warnings.catch_warnings(action="ignore"):
            ray.init(place, log_to_driver=False, logging_level=logging.ERROR)
    except Exception as error:  # Ray raises many kinds, RuntimeError and bare Exception too
        raise ClusterError(_refusal(place, error)) from None
    _silence(ray)


@contextmanager
def _own_sigterm() -> Iterator[None]:
    """SIGTERM does afterwards what it did before: Ray would show a stack, and abort a program that has jobs to end."""
    handler = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if handler is not None and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, handler)


def _silence(ray: ModuleType) -> None:
    """Ends the thread that prints what becomes of nodes and workers, whatever ``log_to_driver`` is, as Ray does at the
    connection's end."""
    worker = ray._private.worker.global_worker
    if (subscriber := getattr(worker, "gcs_error_subscriber", None)) is not None:
        worker.threads_stopped.set()
        subscriber.close()


def _refusal(place: str, error: BaseException) -> str:
    causes = [error]
    while (cause := causes[-1].__cause__) is not None:
        causes.append(cause)
    versions = _VERSIONS.findall("\n".join(map(str, causes)))
    if len(versions) == 2:
        (ray, python), (our_ray, our_python) = versions
        return (
            f"the cluster at {place} has Ray {ray} and Python {python}, this program Ray {our_ray} and Python "
            f"{our_python}; they have to be the same: run pip install 'ray=={ray}' in an environment of "
            f"Python {python}"
        )
    lines = str(causes[-1]).split("\n")
    reason = next((line.strip() for line in reversed(lines) if line.strip()), type(error).__name__)
    return f"the cluster at {place} does not take this program: {reason}"
