"""The page and a browser, which take seconds to start, are shared; each test finds them as new."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from served_page import ServedPage, served_page

from browser import Browser, browser

__all__ = ("browser",)


@pytest.fixture(scope="session")
def running_page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedPage]:
    with served_page(tmp_path_factory.mktemp("page")) as page:
        yield page


@pytest.fixture
def page(running_page: ServedPage) -> ServedPage:
    running_page.as_new()
    return running_page


@pytest.fixture
def opened(page: ServedPage, browser: Browser) -> Browser:
    """A browser that shows the page."""
    browser.open(page.url)
    browser.until_text(page.worker.status.worker)
    browser.until_text("Ready.")
    browser.complaints()
    return browser
