"""What all tests share: one thread for linear algebra, and how far tests and proofs search."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings
from support.s3_server import S3Server

# Matrices are small here, and a busy machine makes threads wait for each other.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

# The same examples on every machine, so that a check tells of the change and of nothing else;
# `make prove` searches on, with other ones each time. None is timed: machines are busy at times.
settings.register_profile("check", derandomize=True, deadline=None)
settings.register_profile("search", print_blob=True, deadline=None)
settings.load_profile("check")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--rounds N`: how many seeds each proof is run with; `make prove` asks for many."""
    parser.addoption("--rounds", type=int, default=1, help="seeds of each test marked prove")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that takes a `round_seed` runs once for each round."""
    if "round_seed" in metafunc.fixturenames:
        metafunc.parametrize("round_seed", range(metafunc.config.getoption("rounds")))


@pytest.fixture(scope="session")
def shared_s3_server() -> Iterator[S3Server]:
    """A real S3-compatible server for the session; do not stop it."""
    server = S3Server()
    yield server
    server.thaw()
    server.stop()


@pytest.fixture
def s3_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """What S3 tools look for in the environment; the server takes any."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")


@pytest.fixture
def s3_url(shared_s3_server: S3Server, s3_credentials: None) -> str:
    """An empty bucket that only this test uses, as the setting names it."""
    return shared_s3_server.url(shared_s3_server.create_bucket(), "models")
