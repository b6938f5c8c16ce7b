"""The command that runs an evaluator: its program, start-up files and arguments."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

from ..errors import UsageError
from .node_modules import resolve
from .startup_files import StartupFiles, find_dcp_client


@dataclass(frozen=True)
class EvaluatorCommand:
    """``folder``: where it is run. ``environment``: what is added to ours."""

    evaluator: Path
    files: tuple[Path, ...]
    arguments: tuple[str, ...]
    folder: Path
    environment: dict[str, str]

    @property
    def argv(self) -> list[str]:
        """Files come first, then arguments."""
        return [str(self.evaluator), *map(str, self.files), *self.arguments]

    def check(self) -> None:
        """Raises UsageError where it cannot be run."""
        for path, kind in ((self.evaluator, "evaluator"), (self.folder, "prefix")):
            if not path.exists():
                raise UsageError(f"the {kind} {path} does not exist; name it with --{kind}")
            if not os.access(path, os.X_OK):
                raise UsageError(f"the {kind} {path} may not be used by this user; name another with --{kind}")


def startup_files(options: argparse.Namespace) -> StartupFiles:
    """Raises UsageError."""
    return StartupFiles(_client(options), options.sandbox_definitions, options.sandbox_libexec_dir)


def evaluator_command(options: argparse.Namespace) -> EvaluatorCommand:
    """From the options of ``dcp-evaluator-start``. Raises UsageError."""
    prefix = Path(os.path.abspath(options.prefix))  # noqa: PTH100  links stay as they are
    evaluator = options.evaluator or prefix / "bin" / "dcp-evaluator"
    if options.r_evaluator:
        evaluator = resolve(options.r_evaluator, _client(options))
    arguments, environment = _debug_level(options)
    if options.port is not None:
        arguments = ["-p", str(options.port), *arguments]
    return EvaluatorCommand(
        evaluator=Path(os.path.abspath(evaluator)),  # noqa: PTH100
        files=tuple(startup_files(options).files(options.sandbox_type)),
        arguments=(*arguments, *options.evaluator_arguments),
        folder=prefix,
        environment=environment,
    )


def _client(options: argparse.Namespace) -> Path:
    folder: Path = options.dcp_client or find_dcp_client(options.prefix)
    return Path(os.path.abspath(folder))  # noqa: PTH100


def _debug_level(options: argparse.Namespace) -> tuple[list[str], dict[str, str]]:
    """As arguments and as environment: evaluators that run on Node read the latter."""
    level = options.debug_log_level
    if level is None:
        return [], {}
    if options.sandbox_type == "native":
        return ["-d", str(level)], {}
    if options.sandbox_type == "node":
        return [], {"DCP_DEBUG_EVALUATOR": str(level)}
    raise UsageError(f"evaluators of type {options.sandbox_type} have no debug level; leave -d out")
