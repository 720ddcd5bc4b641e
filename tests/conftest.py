"""What all tests share: one thread for linear algebra, and how often the long proofs go round."""

import os

import pytest

# Matrices are small here, and a busy machine makes threads wait for each other.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--rounds N`: how many seeds each proof is run with; `make prove` asks for many."""
    parser.addoption("--rounds", type=int, default=1, help="seeds of each test marked prove")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that takes a `round_seed` runs once for each round."""
    if "round_seed" in metafunc.fixturenames:
        metafunc.parametrize("round_seed", range(metafunc.config.getoption("rounds")))
