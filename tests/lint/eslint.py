"""ESLint over the JavaScript of sandboxes and of the portal's page, and the tests of its rule primordials.mjs.

ESLint is that of tests/npm/lint, fetched the first time. Run from the project's root: python tests/lint/eslint.py
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
FOLDERS = ("native/runtime/js", "python/dcp_scheduler/portal/site")
sys.path.insert(0, str(HERE.parent))  # as pytest does

from node import run_node  # noqa: E402
from npm_packages import npm_packages  # noqa: E402


def main() -> int:
    try:
        eslint = npm_packages("lint") / "eslint"
        steps = [
            run_node(HERE / "primordials_test.mjs", eslint / "package.json"),
            run_node(eslint / "bin" / "eslint.js", "-c", HERE / "eslint.config.mjs", *FOLDERS),
        ]
    except pytest.fail.Exception as error:
        print(error, file=sys.stderr)
        return 1
    for step in steps:
        sys.stdout.write(step.stdout)
        sys.stderr.write(step.stderr)
    return max(step.returncode for step in steps)


if __name__ == "__main__":
    sys.exit(main())
