"""Folders of configuration files, as a machine has them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from configured_machine import Machine

from dcp_worker.configuration.configuration import Configuration


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.fixture
def user_file(machine: Machine) -> Callable[..., Configuration]:
    """The configuration of a user with one file."""

    def loaded(text: str, suffix: str = "js") -> Configuration:
        machine.users(text, suffix)
        return machine.load()

    return loaded
