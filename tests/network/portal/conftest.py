"""The portal and a browser, which take seconds to start, are shared; each test has accounts of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from portal_page import PortalPage, portal_page

from browser import browser
from dcp_protocol.keys.private_key import PrivateKey

__all__ = ("browser",)


@pytest.fixture(scope="session")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PortalPage]:
    with portal_page(tmp_path_factory.mktemp("portal")) as page:
        yield page


@pytest.fixture
def key() -> PrivateKey:
    return PrivateKey.generate()
