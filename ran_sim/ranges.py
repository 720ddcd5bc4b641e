"""Refusing numbers out of range, in one clear sentence that names the field."""

import re

from nf_runtime.errors import InvalidArgument

MAX_ID_LENGTH = 64

_ID = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{MAX_ID_LENGTH - 1}}}")


def is_identity(text: str) -> bool:
    """Whether a text can name something: letters, digits, dots, dashes and underscores."""
    return _ID.fullmatch(text) is not None


def check_range(name: str, value: float, minimum: float, maximum: float) -> None:
    """Refuses a number outside of a range, and NaN.

    Raises:
        InvalidArgument: naming the field.
    """
    # Written so that NaN fails too.
    if not minimum <= value <= maximum:
        raise invalid_field(name, f"{value:g}; use {minimum:g} to {maximum:g}")


def invalid_field(name: str, what: str) -> InvalidArgument:
    """The error that says what a field is and should not be."""
    return InvalidArgument(f"{name} is {what}.", reason="INVALID_FIELD", field=name)
