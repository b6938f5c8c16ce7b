"""What holds for all processes that one owner starts: engine, isolation, clocks, cache.

Made once, from options and from the variables of the environment that ``docs/cli.md`` lists, and passed down.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from ..errors import SettingsError
from .memory import of_machine

ENGINES = ("auto", "quickjs", "v8")
POLICIES = ("strict", "standard", "none")
PRIORITIES = ("normal", "low", "idle")
FINEST_STEP, COARSEST_STEP = 5, 1000
"""Microseconds: native/runtime/runtime.hpp."""
PEER_TIMEOUT = 300
"""Seconds after which the peer of a connection that gives no sign of life counts as gone, unless told otherwise."""
SHORTEST_PEER_TIMEOUT, LONGEST_PEER_TIMEOUT = 5, 65534
"""Seconds. The kernel waits half of it before it asks, and takes 32767 at most."""
ENGINE_VARIABLE, JIT_VARIABLE = "DCP_EVALUATOR_ENGINE", "DCP_EVALUATOR_JIT"
ISOLATION_VARIABLE, CLOCK_VARIABLE = "DCP_EVALUATOR_ISOLATION", "DCP_EVALUATOR_CLOCK_STEP"
PRIORITY_VARIABLE = "DCP_EVALUATOR_PRIORITY"
CACHE_VARIABLE, CACHE_LIMIT_VARIABLE = "DCP_EVALUATOR_CACHE", "DCP_EVALUATOR_CACHE_MIB"
COMPILE_MEMORY_VARIABLE, COMPILE_TIME_VARIABLE = "DCP_EVALUATOR_COMPILE_MIB", "DCP_EVALUATOR_COMPILE_SECONDS"
_CACHE_LIMIT_MIB = 2048
_LEAST_MEMORY = 64 << 20


class Settings:
    """Unchangeable. What is not given comes from ``environment``, of this process where None.

    ``engine``: of ``ENGINES``; ``engine_given``: whether somebody has chosen it.
    ``jit``: whether V8 may compile; without, nothing in its sandboxes may become code.
    ``isolation``: of ``POLICIES``, which layers must be in force. ``clock_step``: microseconds, 5 to 1000.
    ``cache``: the folder for what is compiled, or ``"off"``. ``cache_limit``: bytes that each kind may take there.
    ``compile_memory``, ``compile_seconds``: bytes and CPU time that compiling one WebAssembly module may take; None: by
    the module's size.
    ``max_memory``: bytes for all sandboxes of one evaluator; three quarters of the machine's where None.
    ``priority``: of ``PRIORITIES``, how its processes share the CPUs with other programs; ``usual_priority``, where
    nobody has said. ``max_cpus``: CPUs that they may use together, all where None; only control groups can hold it.
    Raises SettingsError, a ValueError, for a value that is not valid; it names the argument or the variable.
    """

    __slots__ = (
        "cache", "cache_limit", "clock_step", "compile_memory", "compile_seconds", "engine", "engine_given",
        "isolation", "jit", "max_cpus", "max_memory", "max_memory_given", "priority",
    )  # fmt: skip

    def __init__(
        self,
        *,
        engine: str | None = None,
        jit: bool | None = None,
        isolation: str | None = None,
        clock_step: int | None = None,
        cache: str | os.PathLike[str] | None = None,
        cache_limit: int | None = None,
        compile_memory: int | None = None,
        compile_seconds: int | None = None,
        max_memory: int | None = None,
        priority: str | None = None,
        usual_priority: str = "normal",
        max_cpus: float | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        variables = os.environ if environment is None else environment
        self.engine = _engine(engine, variables)
        self.engine_given = engine is not None or ENGINE_VARIABLE in variables
        self.jit = _jit(variables) if jit is None else jit
        self.isolation = _isolation(isolation, variables)
        self.clock_step = _clock_step(clock_step, variables)
        self.cache = _cache(None if cache is None else os.fspath(cache), variables)
        self.cache_limit = _cache_limit(cache_limit, variables)
        self.compile_memory = compile_memory or _positive(COMPILE_MEMORY_VARIABLE, "MiB", variables, 1 << 20)
        self.compile_seconds = compile_seconds or _positive(COMPILE_TIME_VARIABLE, "seconds", variables)
        self.max_memory = _max_memory(max_memory)
        self.max_memory_given = max_memory is not None
        self.priority = _priority(priority, variables, usual_priority)
        self.max_cpus = max_cpus

    def with_engine(self, engine: str) -> Settings:
        """The same, for another engine."""
        return Settings(
            engine=engine, jit=self.jit, isolation=self.isolation, clock_step=self.clock_step,
            cache=self.cache or "off", cache_limit=self.cache_limit,
            compile_memory=self.compile_memory, compile_seconds=self.compile_seconds,
            max_memory=self.max_memory if self.max_memory_given else None,
            priority=self.priority, max_cpus=self.max_cpus,
        )  # fmt: skip

    def cache_folder(self, part: str) -> str | None:
        """The folder for one kind of thing, such as ``modules``; None where nothing is to be kept.

        The user of the folder makes it and checks who owns it.
        """
        return None if self.cache is None else f"{self.cache}/{part}"

    def isolation_arguments(self) -> list[str]:
        """Of our programs that run untrusted code."""
        return ["--isolation", self.isolation]

    def priority_arguments(self) -> list[str]:
        """Of our programs that work for sandboxes."""
        return ["--priority", self.priority]

    def cache_arguments(self, part: str) -> list[str]:
        """Of our programs that keep what they compile."""
        folder = self.cache_folder(part)
        return [] if folder is None else ["--cache", folder, "--cache-limit", str(self.cache_limit)]

    def compile_arguments(self) -> list[str]:
        """Of dcp-compiler: what one module may take."""
        memory = [] if self.compile_memory is None else ["--memory", str(self.compile_memory)]
        return memory if self.compile_seconds is None else [*memory, "--seconds", str(self.compile_seconds)]

    def command_arguments(self) -> list[str]:
        """Options of ``dcp-evaluator`` that say the same."""
        options = ["--engine", self.engine, *self.isolation_arguments(), "--clock-step", str(self.clock_step)]
        return options if self.jit else [*options, "--no-jit"]


def _engine(chosen: str | None, variables: Mapping[str, str]) -> str:
    name = chosen if chosen is not None else variables.get(ENGINE_VARIABLE) or "auto"
    if name not in ENGINES:
        whose = "the engine" if chosen is not None else ENGINE_VARIABLE
        raise SettingsError(f"{whose} is {name!r}; it is one of {', '.join(ENGINES)}")
    return name


def _jit(variables: Mapping[str, str]) -> bool:
    value = variables.get(JIT_VARIABLE) or "on"
    if value not in ("on", "off"):
        raise SettingsError(f"{JIT_VARIABLE} is on or off, not {value!r}")
    return value == "on"


def _isolation(chosen: str | None, variables: Mapping[str, str]) -> str:
    policy = chosen if chosen is not None else variables.get(ISOLATION_VARIABLE) or "standard"
    if policy not in POLICIES:
        whose = "the isolation" if chosen is not None else ISOLATION_VARIABLE
        raise SettingsError(f"{whose} is strict, standard or none, not {policy!r}")
    return policy


def _priority(chosen: str | None, variables: Mapping[str, str], usual: str) -> str:
    priority = chosen if chosen is not None else variables.get(PRIORITY_VARIABLE) or usual
    if priority not in PRIORITIES:
        whose = "the priority" if chosen is not None else PRIORITY_VARIABLE
        raise SettingsError(f"{whose} is normal, low or idle, not {priority!r}")
    return priority


def _clock_step(chosen: int | None, variables: Mapping[str, str]) -> int:
    text = str(chosen) if chosen is not None else variables.get(CLOCK_VARIABLE) or str(FINEST_STEP)
    if not (_is_number(text, 4) and FINEST_STEP <= int(text) <= COARSEST_STEP):
        whose = "the clock step" if chosen is not None else CLOCK_VARIABLE
        raise SettingsError(f"{whose} is a number of microseconds from {FINEST_STEP} to {COARSEST_STEP}, not {text!r}")
    return int(text)


def _cache(chosen: str | None, variables: Mapping[str, str]) -> str | None:
    """Otherwise it is ``dcp-evaluator`` below ``XDG_CACHE_HOME`` or ``~/.cache``."""
    named = chosen if chosen is not None else variables.get(CACHE_VARIABLE)
    if named == "off":
        return None
    if named:
        return os.path.abspath(named)  # noqa: PTH100  pathlib takes long to load
    base = variables.get("XDG_CACHE_HOME") or ""
    if not os.path.isabs(base):  # noqa: PTH117  the XDG specification: others are invalid
        home = os.path.expanduser("~")  # noqa: PTH111
        if not os.path.isabs(home):  # noqa: PTH117
            return None
        base = f"{home}/.cache"
    return f"{base}/dcp-evaluator"


def _cache_limit(chosen: int | None, variables: Mapping[str, str]) -> int:
    if chosen is not None:
        if chosen < 0:
            raise SettingsError(f"the cache limit is a number of bytes, not {chosen}")
        return chosen
    text = variables.get(CACHE_LIMIT_VARIABLE) or str(_CACHE_LIMIT_MIB)
    if not _is_number(text, 9):
        raise SettingsError(f"{CACHE_LIMIT_VARIABLE} is a number of MiB, not {text!r}")
    return int(text) << 20


def _positive(variable: str, unit: str, variables: Mapping[str, str], factor: int = 1) -> int | None:
    """The number of units times ``factor``; None where the variable is not set."""
    text = variables.get(variable) or None
    if text is None:
        return None
    if not (_is_number(text, 6) and int(text) > 0):
        raise SettingsError(f"{variable} is a number of {unit}, 1 at least, not {text!r}")
    return int(text) * factor


def _max_memory(chosen: int | None) -> int:
    if chosen is None:
        return of_machine() // 4 * 3
    if isinstance(chosen, bool) or not isinstance(chosen, int) or chosen < _LEAST_MEMORY:
        raise SettingsError(f"max_memory is a number of bytes, {_LEAST_MEMORY >> 20} MiB or more, not {chosen!r}")
    return chosen


def _is_number(text: str, most_digits: int) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= most_digits
