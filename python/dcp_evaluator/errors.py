"""The exceptions of this package. Each message names the cause and, where there is one, the remedy."""

from __future__ import annotations

import errno

TYPE_CHECKING = False  # typing takes long to load

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Self


class DcpError(Exception):
    """Base of every error that this package raises for a foreseeable fault.

    ``exit_status``: that of a command which such an error ends.
    """

    exit_status = 1


class InstallationError(DcpError):
    """A part of the installation is missing or has the wrong version."""


class ZygoteError(DcpError):
    """The process that makes sandboxes could not start, or ended."""


class ZygoteEndedError(ZygoteError):
    """It ended, and has not said why: another may live."""


class ClusterError(DcpError):
    """A Ray cluster cannot be reached or used."""


class NetworkError(DcpError):
    """The scheduler of a network cannot be reached, is none, or refuses what it is asked.

    ``code``: the scheduler's, such as ``EPERM``; empty where there is none.
    """

    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class FunctionError(DcpError, TypeError):
    """A Python function, or something that it uses, cannot go to a sandbox."""


class JobError(DcpError):
    """The whole job failed: the work function is wrong, or no sandbox can be kept alive.

    ``name`` and ``stack`` are the JavaScript error's, where there is one (else ``"JobError"`` and ``""``). A traceback
    shows the stack below the message.
    """

    def __init__(self, message: str, *, name: str = "JobError", stack: str = "") -> None:
        super().__init__(message if name == "JobError" else f"{name}: {message}")
        self.name = name
        self.message = message
        self.stack = stack
        if stack:
            self.add_note(stack)

    def with_message(self, message: str) -> Self:
        """One like it that says something else."""
        return type(self)(message, name=self.name, stack=self.stack)


class WorkFunctionError(JobError):
    """The work function itself cannot be loaded: on no machine."""


class JobCancelledError(JobError):
    """The job was cancelled before it was done.

    ``code``: the scheduler's where a network has cancelled it, such as ``ENOFUNDS``; empty where its owner has.
    """

    def __init__(self, message: str, *, name: str = "JobError", stack: str = "", code: str = "") -> None:
        super().__init__(message, name=name, stack=stack)
        self.code = code

    def with_message(self, message: str) -> Self:
        return type(self)(message, name=self.name, stack=self.stack, code=self.code)


class SliceError(DcpError):
    """One slice failed.

    ``index``: the slice's number, from 0. ``name``, ``message``, ``stack``: the JavaScript error's, the stack with the
    lines of the work function; a traceback shows it below the message. ``code`` says what kind of failure it was:

    ========================  ======================================================================
    ``EWORK``                 the work function threw
    ``EWORKREJECT``           the work function called ``work.reject`` more often than it allowed
    ``ENOPROGRESS``           no ``progress()`` within the progress timeout; its sandbox was killed
    ``ETIMEOUT``              it ran longer than ``slice_timeout``; its sandbox was killed
    ``ECPU``                  it took more CPU time than ``cpu_timeout``; its sandbox was killed
    ``EOUTPUT``               it wrote more than ``output_limit``; its sandbox was killed
    ``ESANDBOX``              its sandbox died, as often as ``retries`` allowed
    ``ENODE``                 the node of a cluster that it ran on was lost, more often than ``retries`` allowed
    ``EINPUT``                the input cannot be sent to a sandbox
    ``ERESULT``               the result cannot be represented here, or is too large
    ========================  ======================================================================
    """

    def __init__(self, index: int, name: str, message: str, stack: str = "", code: str = "EWORK") -> None:
        super().__init__(f"slice {index}: {name}: {message}")
        self.index = index
        self.name = name
        self.message = message
        self.stack = stack
        self.code = code
        if stack:
            self.add_note(stack)

    def with_message(self, message: str) -> Self:
        """One like it that says something else."""
        return type(self)(self.index, self.name, message, self.stack, self.code)

    def __reduce__(self) -> tuple[type[SliceError], tuple[int, str, str, str, str]]:
        return SliceError, (self.index, self.name, self.message, self.stack, self.code)


class SliceErrorGroup(DcpError, ExceptionGroup[SliceError]):  # noqa: N818  named as its base is
    """Slices failed: ``exceptions`` has the SliceError of each, in the order of arrival; at least one.

    Of many, in a job that was started with ``keep=False``, the first ones; the message says how many failed.
    """

    @classmethod
    def of(cls, errors: Iterable[SliceError], *, failed: int, slices: int) -> Self:
        """``failed``: how many have; ``slices``: how many there are, those that did not fail included."""
        known = list(errors)
        which = f"; the first {len(known)} of them" if len(known) < failed else ""
        return cls(f"{failed} of {slices} slices failed{which}", known)

    def derive(self, excs: Sequence[SliceError]) -> SliceErrorGroup:  # type: ignore[override]
        """A part of it, as ``except*`` and ``split`` want it."""
        return SliceErrorGroup(self.message, excs)


class NotKeptError(DcpError, TypeError):
    """Results are asked for that nobody has kept: the job was started with ``keep=False``."""

    @classmethod
    def of(cls, reason: str) -> Self:
        return cls(f"this job was started with keep=False: {reason}")


class UsageError(DcpError):
    """The command line cannot be followed."""

    exit_status = 2


class SettingsError(UsageError, ValueError):
    """A setting, or the variable of the environment that stands for it, has a value that is not valid."""


class AddressError(UsageError, ValueError):
    """What is given for the address of a cluster is none, or that of another than the program is connected to."""


class MonitorError(DcpError):
    """A monitor of ``dcp-evaluator-manager`` cannot tell whether the machine is in use."""

    exit_status = 3


def reason_of(error: OSError) -> str:
    """What the system says of a call that failed, and what helps, where that is a limit."""
    text = error.strerror or str(error)
    match error.errno:
        case errno.EMFILE:
            import resource  # seldom needed, and the command line must start fast

            limit, most = resource.getrlimit(resource.RLIMIT_NOFILE)
            how = f"up to {most}" if limit < most else "as root"
            return f"{text}; use fewer sandboxes, or raise the limit of {limit} with ulimit -n, {how}"
        case errno.ENFILE:
            return f"{text}; the machine has as many as it may: raise fs.file-max with sysctl, as root"
        case errno.EAGAIN:
            return f"{text}; raise the limit of processes: ulimit -u, or pids.max of the control group"
        case errno.ENOMEM:
            return f"{text}; free some, or raise the limit: ulimit -v, the control group's, or vm.max_map_count"
    return text
