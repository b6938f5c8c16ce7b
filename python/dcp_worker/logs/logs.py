"""All that a worker tells, and where it goes."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..configuration.log_settings import LogSettings, OutputChoice
from ..errors import ConfigurationError
from .console import ConsoleOutput, JsonConsoleOutput
from .files import FileOutput, as_json, as_text
from .journal import JournalOutput, is_under_systemd
from .lines import EVERYTHING, Line, Threshold
from .output import Output
from .rates import JobRates
from .secrets import Redactor
from .syslog import SyslogOutput

_ON_TERMINAL: Final = ("console", "dashboard")
"""The dashboard is a program of its own; the console holds its lines back while that has the terminal."""


_SAMPLES: Final = tuple(Line("info", "", detail=detail) for detail in range(4))


@dataclass(frozen=True, slots=True)
class _Place:
    output: Output
    threshold: Threshold


@dataclass(frozen=True, slots=True, eq=False)
class _Listener:
    hear: Callable[[Line], None]
    threshold: Threshold


class Logs:
    """Passes lines to all outputs and listeners, without secrets and with as many of each job as are allowed.

    ``program``: its name in logs. ``verbosity``: how often -v was said.
    """

    def __init__(self, settings: LogSettings, program: str, verbosity: int = 0) -> None:
        """Raises ConfigurationError for an output that there is not, or that cannot be opened."""
        self._settings = settings
        self._program = program
        self._verbosity = verbosity
        self._redact = Redactor()
        self._rates = JobRates(settings.lines_per_job)
        self._listeners: list[_Listener] = []
        self._places = self._opened(settings)

    @property
    def console(self) -> ConsoleOutput | None:
        return next((place.output for place in self._places if isinstance(place.output, ConsoleOutput)), None)

    def say(self, line: Line) -> None:
        """At once, and without waiting for an output."""
        self._summarise()
        if self._is_wanted(line) and self._rates.takes(line):
            self._pass_on(line)

    def leaves_out(self, job: str, detail: int = 0) -> bool:
        """Whether a line of the level info about this job need not be made; then it is counted where it has to be."""
        self._summarise()
        return not self._is_wanted(_SAMPLES[detail]) or self._rates.leaves_out(job)

    def listen(self, hear: Callable[[Line], None], threshold: Threshold = EVERYTHING) -> Callable[[], None]:
        """``hear`` gets each line that ``threshold`` takes; it must not raise, or take long. Returns what ends that."""
        listener = _Listener(hear, threshold)
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def hide(self, *secrets: str) -> None:
        """They are in no line from now on."""
        self._redact.add(secrets)

    def reopen(self) -> None:
        """Files are opened anew, and connections made anew, with the next line."""
        for place in self._places:
            place.output.reopen()

    def change(self, settings: LogSettings) -> None:
        """Outputs that are chosen now take the place of the others. Raises ConfigurationError; then nothing does."""
        if settings == self._settings:
            return
        places = self._opened(settings, self.console)
        kept = [place.output for place in places]
        old = [place for place in self._places if place.output not in kept]
        self._places, self._settings = places, settings
        self._rates = JobRates(settings.lines_per_job)
        _close(old)

    def close(self) -> None:
        for summary in self._rates.summaries(at_end=True):
            self._pass_on(summary)
        _close(self._places)

    def _summarise(self) -> None:
        for summary in self._rates.summaries():
            self._pass_on(summary)

    def _pass_on(self, line: Line) -> None:
        line = dataclasses.replace(line, text=self._redact(line.text), job=self._redact(line.job))
        for place in self._places:
            if place.threshold.takes(line):
                place.output.say(line)
        for listener in tuple(self._listeners):
            if listener.threshold.takes(line):
                listener.hear(line)

    def _is_wanted(self, line: Line) -> bool:
        """What nobody wants is not counted to its job either."""
        thresholds = (each.threshold for group in (self._places, self._listeners) for each in group)
        return any(threshold.takes(line) for threshold in thresholds)

    def _opened(self, settings: LogSettings, console: Output | None = None) -> Sequence[_Place]:
        """``console``: one that stays. Raises ConfigurationError."""
        places: list[_Place] = []
        try:
            for choice in _detected(settings):
                kept = console if choice.name in _ON_TERMINAL else None
                output = kept or _open(choice.name, settings, self._program)
                places.append(_Place(output, Threshold(choice.level, self._verbosity)))
        except ConfigurationError:
            _close([place for place in places if place.output is not console])
            raise
        return places


def _detected(settings: LogSettings) -> list[OutputChoice]:
    """With what is meant by ``detect``. Raises ConfigurationError where two would write to one place."""
    is_journal = Path(settings.journal).is_socket() and is_under_systemd()
    detected = "journal" if is_journal else "console"
    choices = [
        dataclasses.replace(choice, name=detected) if choice.name == "detect" else choice for choice in settings.outputs
    ]
    on_stdout = [choice for choice in choices if choice.name in _ON_TERMINAL or _is_json_there(choice, settings)]
    if len(on_stdout) > 1:
        raise ConfigurationError(
            "of console, dashboard and json one alone can have standard output: give json a file with --json-file"
        )
    return choices


def _is_json_there(choice: OutputChoice, settings: LogSettings) -> bool:
    return choice.name == "json" and settings.json_file is None


def _open(name: str, settings: LogSettings, program: str) -> Output:
    """Raises ConfigurationError."""
    match name:
        case "logfile":
            return _file(settings.file, "--logfile", as_text, settings)
        case "json" if settings.json_file is not None:
            return _file(settings.json_file, "--json-file", as_json, settings)
        case "json":
            return JsonConsoleOutput(sys.stdout)
        case "syslog":
            return SyslogOutput(settings.syslog, program)
        case "journal":
            return JournalOutput(settings.journal, program)
        case "dashboard":
            if not (sys.stdin.isatty() and sys.stdout.isatty()):
                raise ConfigurationError("a dashboard needs a terminal: -o console shows the same as lines")
        case "event-log":
            raise ConfigurationError("there is an event log on Windows only: say -o syslog or -o logfile")
    return ConsoleOutput(sys.stdout, sys.stderr)


def _file(path: str, option: str, form: Callable[[Line], str], settings: LogSettings) -> Output:
    try:
        return FileOutput(Path(path), form, most=settings.max_bytes, keep=settings.keep)
    except OSError as error:
        raise ConfigurationError(
            f"the log file {path} cannot be opened: {error.strerror}; choose another with {option}"
        ) from None


def _close(places: Sequence[_Place]) -> None:
    for place in places:
        place.output.close()
