"""Which modules a Python program in a sandbox can import, and why others cannot be had."""

from __future__ import annotations

import sys

from ..errors import DcpError
from .packages import Packages

# fmt: off
_BUILT_IN = frozenset((
    "array", "atexit", "binascii", "builtins", "cmath", "errno", "faulthandler", "gc", "itertools", "marshal", "math",
    "mmap", "posix", "pyexpat", "select", "sys", "time", "unicodedata", "zlib",
))
# fmt: on
_OF_THE_RUNTIME = frozenset(("dcp", "dcp_guest", "js", "pyodide_js"))

_THREADS = "needs threads, and a sandbox has one"
_SOCKETS = "needs sockets, and a sandbox has no network"
_PROCESSES = "starts processes, and a sandbox cannot"
_NEEDS = {
    **dict.fromkeys(("jax", "jaxlib", "numba", "tensorflow", "torch", "torchvision"), _THREADS),
    **dict.fromkeys(("grpc", "grpcio", "mysqlclient", "psycopg", "psycopg2", "pyzmq", "redis", "zmq"), _SOCKETS),
    **dict.fromkeys(("mpi4py", "multiprocess", "pyspark", "ray"), _PROCESSES),
    **dict.fromkeys(("cupy", "pycuda", "pyopencl"), "needs a driver of the GPU; a sandbox reaches it with dcp.gpu"),
    **dict.fromkeys(("gevent", "greenlet", "uvloop"), "switches stacks, and WebAssembly cannot"),
}
"""Packages that people ask for and no distribution has, with the reason."""
_NO_HINT = "dcp-evaluator python list --all shows what it has, dcp-evaluator python add NAME adds another wheel"


class UnknownModuleError(DcpError):
    """No package of the distribution has a module.

    ``module``: as it was asked for.
    """

    def __init__(self, module: str, reason: str) -> None:
        super().__init__(reason)
        self.module = module

    def __reduce__(self) -> tuple[type[UnknownModuleError], tuple[str, str]]:
        return UnknownModuleError, (self.module, str(self))


def is_in_the_interpreter(module: str, standard_library: frozenset[str]) -> bool:
    """Whether it can be imported without any package."""
    top = module.partition(".")[0]
    in_c = top in _BUILT_IN or (top.startswith("_") and top in sys.stdlib_module_names)
    return in_c or top in standard_library or top in _OF_THE_RUNTIME


def refusal(module: str, version: str, packages: Packages) -> str:
    """Why Pyodide ``version`` cannot have ``module``, which is in none of ``packages``."""
    top = module.partition(".")[0]
    which = f"Pyodide {version}"
    if top in sys.stdlib_module_names:
        return f"the module {top!r} of the standard library is not in {which}"
    if reason := _NEEDS.get(top.lower()):
        return f"the module {top!r} is not in {which}: it {reason}"
    near = packages.near(module)
    hint = f"did you mean {' or '.join(near)}?" if near else _NO_HINT
    return f"{which} has no module or package {module!r}; {hint}"
