"""npm's dcp-client of both versions, for functions that must give what ours give."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from npm_calls import NpmCalls
from npm_peers import VERSIONS


@pytest.fixture(scope="session", params=VERSIONS)
def npm(request: pytest.FixtureRequest) -> Iterator[NpmCalls]:
    with NpmCalls(request.param) as calls:
        yield calls
