"""Who calls: by the client's certificate, or else by what the call says."""

from collections.abc import Iterable
from typing import Any

_COMMON_NAME, _ALTERNATIVE_NAME = "x509_common_name", "x509_subject_alternative_name"


def caller_of(context: Any, claimed: str) -> str:
    """The name that roles are given to.

    With mutual TLS it is the URI among the certificate's alternative names (such as
    ``spiffe://aimlnf/ada``), or else its common name, whatever the call claims. Without, everybody
    on this machine can reach the port, and the claim is all there is.

    Args:
        context: Of the RPC.
        claimed: `actor` of the request.
    """
    shown = context.auth_context()
    names = [*_texts(shown, _ALTERNATIVE_NAME), *_texts(shown, _COMMON_NAME)]
    uris = [name for name in names if "://" in name]
    certified = uris or _texts(shown, _COMMON_NAME)
    return certified[0] if certified else claimed


def _texts(shown: Any, key: str) -> list[str]:
    values: Iterable[bytes] = shown.get(key, ())
    return [value.decode(errors="replace") for value in values]
