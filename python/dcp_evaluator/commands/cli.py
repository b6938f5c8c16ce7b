"""The command ``dcp-evaluator``."""

from __future__ import annotations

import argparse
import os
import stat
import sys
from collections.abc import Sequence

from ..errors import InstallationError, UsageError
from ..settings.settings import PEER_TIMEOUT, Settings
from .line import run_command
from .options import parse
from .v8_options import heap_limit

TYPE_CHECKING = False  # typing and pathlib load slowly, and someone waits for each start under inetd

if TYPE_CHECKING:
    from typing import NoReturn

    from ..gpu.options import GpuOptions

_DEFAULT_LEVEL = 5
_USUAL_PORT = 9000  # dcp-worker's
_GPU_OPTIONS = ("gpu_memory", "gpu_staging", "gpu_timeout", "gpu_allow", "gpu_ban", "gpu_devices")


def _gpu_options(options: argparse.Namespace, settings: Settings) -> GpuOptions | None:
    """None where nothing was said. Raises UsageError, also for a device that this machine has not."""
    if all(getattr(options, name) is None for name in _GPU_OPTIONS):
        return None
    from ..gpu.options import SUBMISSION_TIMEOUT, GpuOptions

    try:
        gpu = GpuOptions(
            memory_limit=None if options.gpu_memory is None else options.gpu_memory << 20,
            staging_limit=(512 if options.gpu_staging is None else options.gpu_staging) << 20,
            timeout=SUBMISSION_TIMEOUT if options.gpu_timeout is None else options.gpu_timeout,
            allow=tuple(options.gpu_allow or ()),
            ban=tuple(options.gpu_ban or ()),
            devices=options.gpu_devices,
        )
        gpu.visible(settings)
    except ValueError as error:
        raise UsageError(str(error)) from None
    except InstallationError:
        if not (options.probe or options.benchmark):  # which tell what is wrong with the driver
            raise
    return gpu


def _memory_limit(options: argparse.Namespace, settings: Settings) -> int | None:
    """In bytes. Raises UsageError where it does not go with --max-memory."""
    from ..sandboxes.memory_budget import MemoryBudget  # loads the native module

    named = heap_limit(options.options, lambda text: print(f"dcp-evaluator: {text}", file=sys.stderr))
    limit: int | None = options.memory_limit or named
    limit = None if limit is None else limit << 20
    if refusal := MemoryBudget(settings).refusal(limit):
        raise UsageError(refusal)
    return limit


def _share_cpus(settings: Settings) -> None:
    """Raises UsageError where the CPUs cannot be limited."""
    if settings.max_cpus is not None:
        from ..processes.control_groups import cpu_refusal

        if reason := cpu_refusal():
            raise UsageError(f"--max-cpus: {reason}. A service can be limited by its unit, with CPUQuota=")
    if settings.priority != "normal":
        from ..processes.priority import take_priority

        take_priority(settings.priority)


def _check_files(files: Sequence[str]) -> None:
    """A pipe is left unread: the zygote reads the files."""
    for path in files:
        try:
            if stat.S_ISFIFO(os.stat(path).st_mode):  # noqa: PTH116  Path("") is "."
                continue
            with open(path, "rb") as file:  # noqa: PTH123
                file.read(1)
        except OSError as error:
            raise UsageError(f"cannot read {path!r}: {error.strerror}") from None


def _run(arguments: Sequence[str]) -> int:
    if arguments[:1] == ["python"]:
        from .python import run_python

        return run_python(arguments[1:])
    if arguments[:1] == ["cluster"]:
        from .cluster import run_cluster

        return run_cluster(arguments[1:])
    options = parse(arguments)
    if options.version:
        from ..settings.installation import VERSION

        print(f"dcp-evaluator {VERSION}")
        return 0
    if options.status:
        from .status import run_status

        return run_status(_USUAL_PORT if options.port is None else options.port, as_json=options.json)
    settings = Settings(
        engine=options.engine, jit=False if options.no_jit else None, isolation=options.isolation,
        clock_step=options.clock_step, max_memory=None if options.max_memory is None else options.max_memory << 20,
        priority=options.priority, usual_priority="normal" if options.shell or options.python else "low",
        max_cpus=options.max_cpus,
    )  # fmt: skip
    if options.probe:
        from ..probe.report import run_probe

        _check_files(options.files)
        gpu = _gpu_options(options, settings)
        return run_probe(options.files, settings, gpu, as_json=options.json, explain=options.explain_gpu)
    if options.benchmark:
        from ..benchmark.run import run_benchmark

        return run_benchmark(settings, _gpu_options(options, settings), quick=options.quick, as_json=options.json)
    from ..net.listener import allow_many_descriptors

    allow_many_descriptors()
    _share_cpus(settings)
    memory_limit = _memory_limit(options, settings)
    gpu = _gpu_options(options, settings)
    if options.shell:
        from .shell import run_shell

        return run_shell(options.files, settings, module=options.module, memory_limit=memory_limit, gpu=gpu)
    if options.python:
        from .script import run_script

        file, *rest = options.program
        return run_script(file, rest, settings, memory_limit=memory_limit, gpu=gpu)
    _check_files(options.files)
    level = _DEFAULT_LEVEL if options.debug is None else options.debug
    if options.notice_format is not None:
        from ..processes.notices import set_style

        set_style(options.notice_format)
    if options.port is None:
        from ..lines.stdio import serve_stdio

        return serve_stdio(options.files, settings, memory_limit=memory_limit, level=level, gpu=gpu)
    from ..lines.server import serve_tcp

    return serve_tcp(
        options.files, settings, "localhost" if options.address is None else options.address, options.port,
        memory_limit=memory_limit, most=options.max_sandboxes, peer_timeout=options.peer_timeout or PEER_TIMEOUT,
        level=level, gpu=gpu, metrics=options.metrics,
    )  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs the command and ends the process."""
    run_command("dcp-evaluator", _run, arguments)
