"""Runs slices in Python, and shows which: with the distribution of a bundle, in a fresh Debian of check_bundle.py."""

from __future__ import annotations

import numpy as np

import dcp_evaluator as dcp

ROWS = np.arange(12.0).reshape(3, 4)


def work(row, scale):
    return np.cumsum(scale * row)


def version(_):
    import platform

    return f"Python {platform.python_version()} with numpy {np.__version__}"


if __name__ == "__main__":
    sums = np.stack(list(dcp.compute_for(ROWS, work, 2.0).local_exec(sandboxes=2)))
    assert np.array_equal(sums, np.cumsum(2.0 * ROWS, axis=1))
    print(f"slices in {dcp.compute_for([0], version).local_exec()[0]}")
