"""The command line of ``dcp-evaluator``."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence

from ..errors import UsageError
from ..settings.settings import COARSEST_STEP, ENGINES, FINEST_STEP, PEER_TIMEOUT, POLICIES, PRIORITIES
from .line import Parser, number, peer_timeout, port_number, seconds, split_at_dashes
from .v8_options import LARGEST_MEMORY_MIB

TYPE_CHECKING = False  # typing and pathlib load slowly, and someone waits for each start under inetd

if TYPE_CHECKING:
    from ..metrics.address import MetricsAddress

_DESCRIPTION = "Runs untrusted JavaScript, WebAssembly and WebGPU in sealed sandboxes, for DCP and for Python."
_EPILOG = """\
FILEs are start-up files, evaluated in order in one global scope. Without -p the evaluator is one sandbox that speaks
lines on standard input and output; with -p every connection gets a fresh one.

exit status:
  0        the sandbox ended by itself; a signal ended the listener (-p); all was done (--shell, --python);
           a slice can run (--probe); all that can be was measured (--benchmark)
  1        a start-up file failed; an error was not caught (--shell, --python); no sandbox can be made
  2        wrong command line; a file cannot be read; the port cannot be used; no slice can run (--probe);
           a part of the installation does not load
  3        no evaluator serves the port (--status)
  N        without -p: the sandbox called die(N); the program called sys.exit(N) (--python)
  128 + N  signal N ended the sandbox or the evaluator"""
_FEWEST_CPUS = 0.05

# Where each option has a meaning; "lines" is the mode without a name.
_MODES = {
    "files": ("lines", "shell", "probe"),
    "isolation": ("lines", "shell", "python", "probe", "benchmark"),
    "port": ("lines", "status"),
    "address": ("lines",),
    "max_sandboxes": ("lines",),
    "peer_timeout": ("lines",),
    "metrics": ("lines",),
    "debug": ("lines",),
    "notice_format": ("lines",),
    "engine": ("lines", "shell", "python", "probe", "benchmark"),
    "no_jit": ("lines", "shell", "python", "probe"),
    "memory_limit": ("lines", "shell", "python"),
    "max_memory": ("lines", "shell", "python"),
    "clock_step": ("lines", "shell", "python"),
    "priority": ("lines", "shell", "python"),
    "max_cpus": ("lines", "shell", "python"),
    "gpu_memory": ("lines", "shell", "python"),
    "gpu_staging": ("lines", "shell", "python"),
    "gpu_timeout": ("lines", "shell", "python", "probe", "benchmark"),
    "gpu_devices": ("lines", "shell", "python", "probe", "benchmark"),
    "gpu_allow": ("lines", "shell", "python", "probe", "benchmark"),
    "gpu_ban": ("lines", "shell", "python", "probe", "benchmark"),
    "options": ("lines", "shell", "python"),
    "module": ("shell",),
    "json": ("probe", "benchmark", "status"),
    "explain_gpu": ("probe",),
    "quick": ("benchmark",),
}

_NAMED_MODES = ("shell", "python", "probe", "status", "benchmark", "version")


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="dcp-evaluator",
        usage="dcp-evaluator [-p PORT [--address ADDRESS] [--max-sandboxes N]] [-d LEVEL] [SANDBOX] [GPU] FILE...\n"
        "       dcp-evaluator --shell [--module] [SANDBOX] [GPU] FILE...\n"
        "       dcp-evaluator [SANDBOX] [GPU] --python FILE [ARGUMENT...]\n"
        "       dcp-evaluator --probe [--json] [--explain-gpu[=FILE]] [SANDBOX] [GPU] [FILE...]\n"
        "       dcp-evaluator --status [-p PORT] [--json]\n"
        "       dcp-evaluator --benchmark [--quick] [--json] [SANDBOX] [GPU]\n"
        "       dcp-evaluator python install | add | prepare | list | remove\n"
        "       dcp-evaluator cluster probe [ADDRESS] [--json]",
        description=_DESCRIPTION,
        epilog=_EPILOG,
    )
    parser.add_argument("files", metavar="FILE", nargs="*", help="JavaScript file")
    parser.add_argument("-p", "--port", type=port_number, help="listen for TCP connections on this port; 0 chooses one")
    parser.add_argument("--address", help="address to listen on (default: localhost)")
    parser.add_argument("--max-sandboxes", metavar="N", type=_count, help="refuse further connections with --port")
    parser.add_argument(
        "--peer-timeout", metavar="SECONDS", type=peer_timeout,
        help=f"with --port: a peer without a sign of life for so long has gone (default: {PEER_TIMEOUT})",
    )  # fmt: skip
    parser.add_argument(
        "--metrics", metavar="[ADDRESS:]PORT", type=_metrics, help="with --port: serve OpenMetrics there (this machine)"
    )
    parser.add_argument("-d", "--debug", metavar="LEVEL", type=_level, help="notices on stderr, 0 to 7 (default: 5)")
    parser.add_argument(
        "--notice-format", metavar="FORMAT", choices=("auto", "plain", "time", "priority"),
        help="plain, time (before each, in UTC), priority (for the system's journal), auto (default: priority there)",
    )  # fmt: skip
    _add_sandbox_options(parser)
    _add_gpu_options(parser)
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--shell", action="store_true", help="evaluate the files with print(), until nothing is pending")
    mode.add_argument(
        "--python", action="store_true",
        help="run a Python program, of standard input where FILE is -; all that follows FILE is the program's",
    )  # fmt: skip
    mode.add_argument("--probe", action="store_true", help="show what this machine offers to sandboxes")
    mode.add_argument("--benchmark", action="store_true", help="measure this machine, beside reference machines")
    mode.add_argument("--status", action="store_true", help="show how the evaluator goes that serves the port")
    mode.add_argument("--version", action="store_true", help="show the version")
    parser.add_argument("--module", action="store_true", help="with --shell: the last file is a module")
    parser.add_argument("--json", action="store_true", help="with --probe, --status, --benchmark: for programs")
    parser.add_argument(
        "--explain-gpu", metavar="FILE", nargs="?", const="dcp-gpu-explained.txt",
        help="with --probe: write a file that tells why a GPU is not offered (default: dcp-gpu-explained.txt)",
    )  # fmt: skip
    parser.add_argument("--quick", action="store_true", help="with --benchmark: seconds instead of a minute")
    return parser


def _add_sandbox_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what holds for sandboxes")
    group.add_argument("--engine", choices=ENGINES, help="JavaScript engine; auto: v8 where it is installed")
    group.add_argument("--no-jit", action="store_true", help="V8 interprets, without WebAssembly; nothing becomes code")
    group.add_argument("--memory-limit", metavar="MIB", type=_mebibytes, help="memory a sandbox may use")
    group.add_argument(
        "--max-memory", metavar="MIB", type=_max_memory, help="memory for all sandboxes (default: 3/4 of the machine's)"
    )
    group.add_argument(
        "--clock-step", metavar="MICROSECONDS", type=_clock_step, help="step of the clocks in sandboxes (default: 5)"
    )
    group.add_argument(
        "--priority", choices=PRIORITIES,
        help="low: the least of the CPUs where other programs want them; idle: what they leave (default: low, or "
        "normal with --shell and --python)",
    )  # fmt: skip
    group.add_argument(
        "--max-cpus", metavar="N", type=_cpus, help="CPUs for all sandboxes, as 1.5; needs control groups of our own"
    )
    group.add_argument("--isolation", choices=POLICIES, help="layers that must be in force (default: standard)")
    group.add_argument(
        "--options", metavar="OPTIONS", action="append", help="engine options; --max-old-space-size=MIB limits memory"
    )


def _add_gpu_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what sandboxes get of the GPU")
    group.add_argument("--gpu-memory", metavar="MIB", type=_mebibytes, help="buffers and textures of a sandbox")
    group.add_argument("--gpu-staging", metavar="MIB", type=_staging, help="mapped and staged data (default: 512)")
    group.add_argument(
        "--gpu-timeout", metavar="SECONDS", type=seconds, help="longest time of a submission (default: 60)"
    )
    group.add_argument(
        "--gpu-devices", metavar="DEVICE,...", type=_devices,
        help="adapters, the preferred one first: index, PCI address or UUID, as --probe shows them",
    )  # fmt: skip
    for name, does in (("allow", "offer only adapters that match"), ("ban", "never offer adapters that match")):
        group.add_argument(
            f"--gpu-{name}", metavar="[FIELD=]PATTERN", action="append",
            help=f"{does}; FIELD is device, vendor, architecture or description",
        )  # fmt: skip


def _count(text: str) -> int:
    return number(text, 1, 1_000_000)


def _level(text: str) -> int:
    return number(text, 0, 7)


def _metrics(text: str) -> MetricsAddress:
    from ..metrics.address import metrics_address

    try:
        return metrics_address(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: {error}") from None


def _clock_step(text: str) -> int:
    return number(text, FINEST_STEP, COARSEST_STEP)


def _mebibytes(text: str) -> int:
    return number(text, 1, LARGEST_MEMORY_MIB)


def _max_memory(text: str) -> int:
    return number(text, 64, LARGEST_MEMORY_MIB)


def _cpus(text: str) -> float:
    if not re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,2})?", text) or float(text) < _FEWEST_CPUS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of CPUs from {_FEWEST_CPUS}, as in 1.5")
    return float(text)


def _staging(text: str) -> int:
    return number(text, 64, 2048)


def _devices(text: str) -> tuple[int | str, ...]:
    from ..gpu.devices import canonical

    devices: list[int | str] = []
    for part in text.split(",") if text else ():
        device = int(part) if re.fullmatch("[0-9]{1,4}", part) else canonical(part)
        if device is None:
            raise argparse.ArgumentTypeError(f"{text!r} is no list of devices, as in 0,2 or 0000:65:00.0")
        devices.append(device)
    if len(set(devices)) < len(devices):
        raise argparse.ArgumentTypeError(f"{text!r} names a device twice")
    return tuple(devices)


def _split_at_python(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """The program's own arguments up to ``--python``, and those of the program that it is to run."""
    before, _ = split_at_dashes(arguments)
    if "--python" not in before:
        return list(arguments), []
    position = before.index("--python") + 1
    ours, program = list(arguments[:position]), list(arguments[position:])
    if not {"-h", "--help"}.isdisjoint(program[:1]):
        return [*ours, "--help"], []
    if not program:
        raise UsageError("--python needs a FILE; see dcp-evaluator --help")
    if program[0].startswith("-") and program[0] != "-":
        raise UsageError(f"--python needs a FILE at once: put {program[0]} before it; see dcp-evaluator --help")
    return ours, program


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Raises UsageError where options do not go together. What comes after ``--`` are engine options.

    With ``--python`` ``program`` is the FILE and its arguments.
    """
    ours, program = _split_at_python(arguments)
    ours, theirs = split_at_dashes(ours)
    options = _parser().parse_intermixed_args(ours)
    options.program = program
    options.options = [*(options.options or []), *(text.removeprefix("--options=") for text in theirs)]
    mode = next((name for name in _NAMED_MODES if getattr(options, name)), "lines")
    for name, allowed in _MODES.items():
        if getattr(options, name) not in (None, False, []) and mode not in allowed:
            option = "a FILE" if name == "files" else "--" + name.replace("_", "-")
            reason = f"needs --{allowed[0]}" if mode == "lines" else f"has no meaning with --{mode}"
            raise UsageError(f"{option} {reason}; see dcp-evaluator --help")
    for name in ("address", "max_sandboxes", "peer_timeout", "metrics"):
        if getattr(options, name) is not None and options.port is None:
            raise UsageError(f"--{name.replace('_', '-')} needs --port; see dcp-evaluator --help")
    if mode in ("lines", "shell") and not options.files:
        raise UsageError("no FILE is given; see dcp-evaluator --help")
    return options
