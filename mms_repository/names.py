"""Names in the repository: what they may look like, and how 3GPP writes them.

Whatever a client sends as a name passes here first, so that nobody behind it meets a path, a
control character or a text without end.
"""

import re

from nf_runtime.errors import InvalidArgument

CHAMPION = "champion"
PREVIOUS = "previous"

# As short and plain as a DNS label, so that names work in DNs, URLs and file names too.
_MODEL_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
# Starts with a letter: `model@7` is always a version and never an alias.
_ALIAS = re.compile(r"[a-z][a-z0-9-]{0,62}")
# No separator and no leading dot: nothing that could name another folder or a hidden file.
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_KPI_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,63}")
_LABEL_NAME = re.compile(r"[a-z0-9][a-z0-9._/-]{0,62}")
_SHA256 = re.compile(r"[0-9a-f]{64}")

MAX_IDENTIFIER_CHARACTERS = 200
MAX_TEXT_CHARACTERS = 2000

_REPOSITORY_DN = "SubNetwork=aimlnf,MLModelRepository=mms"


def invalid_field(field: str, message: str) -> InvalidArgument:
    """The error that says what is wrong with one field of a request."""
    return InvalidArgument(f"{field}: {message}", reason="INVALID_FIELD", field=field)


def check_model_name(value: str) -> None:
    """Returns if `value` may name a model (`mLModelId`).

    Raises:
        InvalidArgument: INVALID_FIELD otherwise; so do the other checks of this module.
    """
    _check(_MODEL_NAME, value, "model_name", "1 to 63 lower-case letters, digits and hyphens")


def check_alias(value: str) -> None:
    """Returns if `value` may name an alias."""
    rule = "1 to 63 lower-case letters, digits and hyphens, a letter first"
    _check(_ALIAS, value, "alias", rule)


def check_file_name(value: str) -> None:
    """Returns if `value` may name an artifact; it can then be no path."""
    rule = "1 to 128 letters, digits, dots, hyphens and underscores, and no folder"
    _check(_FILE_NAME, value, "file_name", rule)


def check_sha256(value: str) -> None:
    """Returns if `value` is a SHA-256 digest as it is written here."""
    _check(_SHA256, value, "sha256", "64 lower-case hexadecimal digits")


def check_kpi_name(value: str) -> None:
    """Returns if `value` may name a figure of a version."""
    rule = "1 to 64 letters, digits, dots, slashes, hyphens and underscores"
    _check(_KPI_NAME, value, "kpis", rule)


def check_label_name(value: str) -> None:
    """Returns if `value` may name a label."""
    rule = "1 to 63 lower-case letters, digits, dots, slashes, hyphens and underscores"
    _check(_LABEL_NAME, value, "labels", rule)


def check_group_name(value: str) -> None:
    """Returns if `value` may name a coordination group."""
    rule = "1 to 63 lower-case letters, digits and hyphens"
    _check(_MODEL_NAME, value, "group_name", rule)


def check_version_number(value: int) -> None:
    """Returns if `value` may be a version's number."""
    if value < 1:
        raise invalid_field("version", f"{value} is no version; versions count from 1")


def check_identifier(value: str, *, field: str) -> None:
    """Returns if `value` is a short printable text that is not empty."""
    _check_text(value, field=field, max_characters=MAX_IDENTIFIER_CHARACTERS)


def check_text(value: str, *, field: str) -> None:
    """Returns if `value` is a printable text that is not empty, such as the reason of a change."""
    _check_text(value, field=field, max_characters=MAX_TEXT_CHARACTERS)


def distinguished_name(model_name: str, version: int) -> str:
    """The DN of a version's MLModel object, one for each model and version.

    Source: TS 32.300 clause 7 (form), TS 28.105 7.2a.2.2 (containment).
    """
    return f"{_REPOSITORY_DN},MLModel={model_name}-{version}"


def group_distinguished_name(group_name: str) -> str:
    """The DN of a group's MLModelCoordinationGroup object.

    Source: TS 32.300 clause 7 (form), TS 28.105 7.2a.2.3 (containment).
    """
    return f"{_REPOSITORY_DN},MLModelCoordinationGroup={group_name}"


def _check(pattern: re.Pattern[str], value: str, field: str, rule: str) -> None:
    if not pattern.fullmatch(value):
        shown = value[:MAX_IDENTIFIER_CHARACTERS]
        raise invalid_field(field, f"{shown!r} is not allowed; use {rule}")


def _check_text(value: str, *, field: str, max_characters: int) -> None:
    if not value or value.isspace():
        raise invalid_field(field, "is empty; say something")
    if len(value) > max_characters:
        raise invalid_field(field, f"has {len(value)} characters; at most {max_characters}")
    if not value.isprintable():
        raise invalid_field(field, "has unprintable characters; leave them out")
