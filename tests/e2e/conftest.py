"""One demo run and one platform, shared by the tests that look at them."""

from collections.abc import Iterator

import pytest
from support.command_line import aimlctl
from support.platform_runs import DemoRun, Platform


@pytest.fixture(scope="session")
def demo_run(tmp_path_factory: pytest.TempPathFactory) -> DemoRun:
    """``aimlctl demo --duration 60 --json``, once."""
    folder = tmp_path_factory.mktemp("demo")
    answer = aimlctl("demo", "--duration", "60", "--json", "--report", "report", cwd=folder)
    assert answer.status == 0, answer.stderr[-3000:]
    return DemoRun(answer, folder / "report" / "report.html")


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
