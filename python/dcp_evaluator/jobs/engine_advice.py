"""Tells once that another engine would be faster, where nobody has chosen one."""

from __future__ import annotations

import threading

from ..processes.notices import notice
from ..settings import engines
from ..settings.settings import Settings
from .events import JobMetrics

_LONG = 10_000.0  # milliseconds of CPU time

_told: list[bool] = []
_lock = threading.Lock()


def advise_engine(settings: Settings, metrics: JobMetrics) -> None:
    """A notice, where a job in plain JavaScript has taken long on quickjs; one per program."""
    if settings.engine_given or settings.engine != "quickjs" or metrics.cpu < _LONG:
        return
    with _lock:
        if _told:
            return
        _told.append(True)
    install = "" if engines.missing("v8", settings) is None else "after pip install 'dcp-evaluator[engine-v8]', "
    notice(
        f"a job took {metrics.cpu / 1000:.0f} s of CPU time on the engine quickjs; plain JavaScript is several times "
        f"faster on V8: {install}local_exec(evaluator=dcp.Evaluator(engine='auto'))"
    )
