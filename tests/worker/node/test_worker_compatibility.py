"""Schedulers that do not work with this worker are left alone, with a message."""

from __future__ import annotations

import pytest

from dcp_worker.configuration.settings import SchedulerSettings
from dcp_worker.errors import ConfigurationError
from dcp_worker.node.compatibility import check_compatibility

pytestmark = pytest.mark.any_engine


@pytest.mark.parametrize("wanted", [None, "", "^5.0.0", ">=4", "5.x", "nonsense", "^4.0.0 || ^5.0.0"])
def test_protocols_that_fit(wanted: str | None) -> None:
    check_compatibility(SchedulerSettings(minimum_protocol=wanted), {})


@pytest.mark.parametrize("wanted", ["^6.0.0", "<5", "~5.1.0"])
def test_protocols_that_do_not(wanted: str) -> None:
    scheduler = SchedulerSettings(minimum_protocol=wanted, location="http://a.example/")
    with pytest.raises(ConfigurationError, match=r"^the scheduler http://a.example/ wants version .* DCP's protocol"):
        check_compatibility(scheduler, {})
    check_compatibility(scheduler, {"DCP_CLIENT_SKIP_VERSION_CHECK": ""})


def test_operations() -> None:
    check_compatibility(SchedulerSettings(worker_types=("v4",), operations="1.2.0"), {})
    check_compatibility(SchedulerSettings(worker_types=("v5",), operations="2.0.0"), {})
    newer = SchedulerSettings(worker_types=("v4",), operations="2.0.0")
    with pytest.raises(ConfigurationError, match=r"has version 2.0.0 of the operations for workers"):
        check_compatibility(newer, {})
    check_compatibility(newer, {"DCP_WORKER_CHECK_SEMVER": "false"})
