"""Whatever a scheduler or a file says gives settings, or one error that says what is wrong."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcp_protocol.kvin import UNDEFINED, URL, RegExp, serialize
from dcp_worker.configuration.configuration import Configuration
from dcp_worker.configuration.layers import Layer
from dcp_worker.configuration.load import load
from dcp_worker.configuration.settings import all_keys
from dcp_worker.configuration.values import Path, Tree
from dcp_worker.errors import ConfigurationError

pytestmark = pytest.mark.any_engine

EMPTY = {"DCP_ETCDIR": "/nowhere", "DCP_RESOURCE_DIR": "/nowhere", "HOME": "/nowhere"}

leaf = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.just(UNDEFINED),
    st.sampled_from(["http://a.example", "http://[", "http://a:99999", "//x", "scheduler", "0x" + "1" * 40, "1e999"]),
    st.builds(URL, st.sampled_from(["http://a.example/", "nonsense", ""])),
    st.builds(RegExp, st.sampled_from(["a", "(", "(?<n>a)", "[^]", "\\u{1}"]), st.sampled_from(["", "gi", "v"])),
)  # fmt: skip
value = st.recursive(
    leaf,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
names = st.sampled_from([path for key in all_keys() for path in key.paths] + [
    ("scheduler", "services", "taskDistributor", "location"), ("bank", "services"), ("scheduler", "services"),
    ("packageManager",), ("scheduler",), ("worker",), ("node",), ("scheduler", "services", "x", "identity"),
])  # fmt: skip


def tree_of(members: list[tuple[Path, int, Any]]) -> Tree:
    tree: Tree = {}
    for path, depth, member in members:
        above = tree
        short = path[: max(1, len(path) - depth)]
        for name in short[:-1]:
            inner = above.setdefault(name, {})
            if not isinstance(inner, dict):
                inner = above[name] = {}
            above = inner
        above[short[-1]] = member
    return tree


trees = st.lists(st.tuples(names, st.integers(0, 2), value), max_size=4).map(tree_of)
BASE = load(environment=EMPTY)


def settle(configuration: Configuration) -> None:
    with contextlib.suppress(ConfigurationError):
        list(configuration.advice())
        configuration.settings  # noqa: B018
        configuration.config_location  # noqa: B018


@given(trees, st.sampled_from([8, 9]))
def test_of_a_scheduler(tree: Tree, version: Any) -> None:
    with contextlib.suppress(ConfigurationError):
        configuration = BASE.with_remote(serialize(tree, version), "there")
        settle(configuration)


@given(st.lists(trees, max_size=3))
def test_of_files(fragments: list[Tree]) -> None:
    layers = [Layer(f"file {number}", fragment) for number, fragment in enumerate(fragments)]
    configuration = Configuration((*BASE.layers, *layers))
    settle(configuration)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_of_bytes(text: bytes) -> None:
    with contextlib.suppress(ConfigurationError):
        settle(BASE.with_remote(text, "there"))
