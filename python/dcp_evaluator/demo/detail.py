"""The second job of the demo: how much fine detail a picture has. Its work function is Python."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import dcp_evaluator as dcp

from ..errors import InstallationError
from .picture import Image

_PARTS = 4


def power_by_frequency(band: Image, parts: int) -> NDArray[np.float64]:
    """How much of the rows of ``band`` is slow, faster, ... change: sums for so many parts of the frequencies."""
    power = np.abs(np.fft.rfft(band - band.mean(), axis=1)) ** 2
    return np.array([part.sum() for part in np.array_split(power.sum(axis=0), parts)])


@dataclass
class Detail:
    """What the job found, ``shares`` of the power that is not in the lowest frequencies, and what it took.

    ``loading``: seconds until the first sandbox was there.
    """

    shares: list[float]
    slices: int
    loading: float
    seconds: float
    python: str
    agrees: bool

    def rows(self) -> list[tuple[str, str]]:
        """For the table."""
        before, after = (f"{share:.2%}" for share in self.shares)
        verdict = "agrees" if self.agrees else "DIFFERS"
        pace = f"{self.slices} in {self.seconds:.2f} s, {self.slices / self.seconds:.1f} slices/s"
        return [
            ("slices in Python", f"{pace}; {self.python}, loaded in {self.loading:.1f} s"),
            ("fine detail", f"{before} before the filter, {after} after it; numpy's result {verdict}"),
        ]


def measure(pictures: Sequence[Image], bands: int, sandboxes: int, evaluator: dcp.Evaluator) -> Detail | str:
    """Measures each of ``pictures`` in sandboxes and with numpy here; the reason where no Python is installed.

    Raises JobError and SliceError.
    """
    data = [band for picture in pictures for band in np.array_split(picture, bands)]
    job: Any = dcp.compute_for(data, power_by_frequency, _PARTS)
    times = [time.perf_counter()]
    job.on("accepted", lambda _: times.append(time.perf_counter()))
    try:
        results = job.local_exec(sandboxes=sandboxes, on_error="stop", evaluator=evaluator)
    except InstallationError as error:
        return str(error)
    values = list(results)
    begun, loaded, done = *times, time.perf_counter()
    sums = np.array(values).reshape(len(pictures), bands, _PARTS).sum(axis=1)
    expected = np.array([power_by_frequency(band, _PARTS) for band in data]).reshape(sums.shape[0], bands, _PARTS)
    agrees = np.allclose(sums, expected.sum(axis=1), rtol=1e-4)
    distribution = job.python.distribution
    python = f"Python {distribution.python} of Pyodide {distribution.version}"
    shares = (1 - sums[:, 0] / sums.sum(axis=1)).tolist()
    return Detail(shares, len(data), loaded - begun, done - loaded, python, agrees)
