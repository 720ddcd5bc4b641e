"""One demo run and one platform, shared by the tests that look at them."""

from collections.abc import Iterator

import pytest
from support.platform_runs import DemoRun, Platform, run_demo_with_kills


@pytest.fixture(scope="session")
def demo_run(tmp_path_factory: pytest.TempPathFactory) -> DemoRun:
    """``aimlctl demo --duration 60 --json``, once, with every function killed at its moment."""
    return run_demo_with_kills(tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """All network functions, with a first version that decides."""
    platform = Platform(tmp_path_factory.mktemp("platform"))
    up = platform.ctl("up", "--json")
    assert up.status == 0, up.stderr[-3000:]
    try:
        yield platform
    finally:
        platform.ctl("down")


@pytest.fixture(scope="module")
def trained_platform(platform: Platform) -> Platform:
    """The platform with a first version that decides."""
    trained = platform.ctl("lifecycle", "train", "--budget", "10", "--wait", "--json")
    assert trained.status == 0, trained.stderr[-3000:]
    return platform
