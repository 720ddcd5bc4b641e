"""Pages of long lists: a token names the last item seen, so a page costs the same wherever it is.

A token is opaque to clients and good for the list it came from only.
"""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from mms_repository.names import invalid_field

DEFAULT_PAGE_SIZE = 100
MAX_PAGE_SIZE = 1000
_MAX_TOKEN_CHARACTERS = 500

T = TypeVar("T")
K = TypeVar("K", str, int)


@dataclass(frozen=True)
class Page(Generic[T]):
    """Items and the token of the next page; empty on the last."""

    items: Sequence[T]
    next_token: str


@dataclass(frozen=True)
class PageRequest(Generic[K]):
    """Which page: at most `size` items after `after` (None: from the start) of the list `scope`."""

    scope: str
    size: int
    after: K | None

    @classmethod
    def parse(cls, scope: str, *, size: int, token: str, key: type[K]) -> "PageRequest[K]":
        """The page that a client asks for; size 0 means 100, larger ones are cut to 1000.

        Raises:
            InvalidArgument: INVALID_FIELD for a negative size or a token of another list.
        """
        if size < 0:
            raise invalid_field("page_size", f"is {size}; 0 means {DEFAULT_PAGE_SIZE}")
        after = _key_of(token, scope, key) if token else None
        return cls(scope, min(size or DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE), after)

    def page(self, items: Sequence[T], key_of: Callable[[T], K]) -> Page[T]:
        """The page made of what was read, when one item more than `size` was asked for."""
        if len(items) <= self.size:
            return Page(items, "")
        shown = items[: self.size]
        return Page(shown, _token(self.scope, key_of(shown[-1])))


def _token(scope: str, key: str | int) -> str:
    return base64.urlsafe_b64encode(json.dumps([scope, key]).encode()).decode()


def _key_of(token: str, scope: str, key: type[K]) -> K:
    wrong = invalid_field(
        "page_token", "is no token of this list; take next_page_token of its previous page"
    )
    if len(token) > _MAX_TOKEN_CHARACTERS:
        raise wrong
    try:
        content = json.loads(base64.b64decode(token.encode(), altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError) as error:
        raise wrong from error
    if not isinstance(content, list) or len(content) != 2 or content[0] != scope:  # noqa: PLR2004
        raise wrong
    value = content[1]
    if type(value) is not key or not _storable(value):
        raise wrong
    return value


def _storable(value: str | int) -> bool:
    # Keys go into queries: no database takes a NUL or an integer beyond 64 bits.
    return value.isprintable() if isinstance(value, str) else 0 <= value < 1 << 63
