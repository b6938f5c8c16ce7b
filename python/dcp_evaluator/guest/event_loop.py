"""``asyncio.run`` inside the sandbox: Pyodide's own waits by switching stacks, which WebAssembly here cannot."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any


class _Sleep:
    """In the place of a selector: nothing comes from outside, so there is only time to wait for."""

    def select(self, timeout: float | None) -> list[Any]:
        if timeout is None:
            raise RuntimeError(
                "asyncio.run() waits for what never comes: what JavaScript brings, as the GPU's results, comes only to "
                "an await of the work function itself, or at the top of a program: await main()"
            )
        time.sleep(timeout)
        return []


class _Loop(asyncio.BaseEventLoop):
    """One that runs to its end while JavaScript waits."""

    def __init__(self) -> None:
        super().__init__()
        self._selector = _Sleep()

    def _process_events(self, events: list[Any]) -> None:
        """There are none."""

    def _write_to_self(self) -> None:
        """There is no other thread to wake it."""


def install() -> None:
    """From now on ``asyncio.run`` can wait."""
    asyncio.run = _run


def _run(
    main: Coroutine[Any, Any, Any],
    *,
    debug: bool | None = None,
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
) -> Any:
    """As Python's own. Pyodide's loop counts as running all the time, which is no matter between its tasks."""
    outer = asyncio._get_running_loop()
    if outer is not None and asyncio.current_task(outer) is not None:
        main.close()
        raise RuntimeError("asyncio.run() cannot be called where await can be used: await the coroutine instead")
    asyncio._set_running_loop(None)
    try:
        with asyncio.Runner(debug=debug, loop_factory=loop_factory or _Loop) as runner:
            return runner.run(main)
    finally:
        asyncio._set_running_loop(outer)
