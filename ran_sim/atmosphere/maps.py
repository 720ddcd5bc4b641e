"""The only door to itur, which holds the ITU-R's digital maps and takes seconds to open."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import numpy as np

from nf_runtime.errors import FailedPrecondition


def itu_model(recommendation: int) -> Any:
    """The module of itur for a Recommendation of the P series, such as 618.

    Raises:
        FailedPrecondition: itur is not installed.
    """
    try:
        # Importing itur switches numpy's warnings about divisions off for the whole process.
        with np.errstate():
            return import_module(f"itur.models.itu{recommendation}")
    except ModuleNotFoundError as error:
        raise FailedPrecondition(
            "The ITU-R maps are not installed; install them with: pip install 'aimlnf[serve]'",
            reason="UNAVAILABLE_DATA",
        ) from error


@contextmanager
def quiet() -> Iterator[None]:
    """Keeps itur's warnings to itself: its callers here stay within the models' ranges."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)
        yield
