"""How often a service manager hears of an evaluator."""

from __future__ import annotations

from pathlib import Path

import pytest

from dcp_evaluator.lines.beat import Beat
from dcp_evaluator.service.manager import ServiceManager
from service_manager import StandInManager

pytestmark = pytest.mark.any_engine


class World:
    def __init__(self) -> None:
        self.now = 100.0
        self.text = "a"


def test_lines_come_once_a_second_and_signs_of_life_in_time(tmp_path: Path) -> None:
    world = World()
    with StandInManager(tmp_path) as stand_in:
        manager = ServiceManager.of_environment({**stand_in.environment, "WATCHDOG_USEC": "20000000"})
        beat = Beat(manager, lambda: world.text, lambda: world.now)

        def turn(text: str, after: float) -> tuple[float | None, list[str]]:
            world.text, world.now = text, world.now + after
            left = beat.turn()
            stand_in.told.clear()
            stand_in.read_all()
            return left, stand_in.told

        beat.begin()
        assert turn("a", 0) == (10, ["READY=1", "STATUS=a", "WATCHDOG=1"])
        assert turn("b", 0.25) == (0.75, [])
        assert turn("c", 0.25) == (0.5, [])
        assert turn("a", 0.25) == (9.25, []), "as it was told"
        assert turn("c", 0) == (0.25, [])
        assert turn("c", 0.25) == (9, ["STATUS=c"])
        assert turn("c", 8.5) == (0.5, [])
        assert turn("c", 0.75) == (10, ["WATCHDOG=1"])
        manager.close()


def test_where_nobody_listens_nothing_is_to_be_told() -> None:
    described = []
    beat = Beat(ServiceManager(), lambda: described.append("") or "", lambda: 0.0)  # type: ignore[func-returns-value]
    beat.begin()
    assert beat.turn() is None
    assert len(described) <= 1
