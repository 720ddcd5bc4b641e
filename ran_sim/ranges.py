"""Refusing numbers out of range, in one clear sentence that names the field."""

from nf_runtime.errors import InvalidArgument


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
