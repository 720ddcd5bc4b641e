"""All pages of a list call."""

from collections.abc import Callable, Iterator
from typing import Any

PAGE_SIZE = 1000


def every_page(call: Callable[[Any], Any], request: Any, field: str) -> Iterator[Any]:
    """Items of `field` of each response, page after page; `request` is reused for the next page."""
    request.page_size = PAGE_SIZE
    while True:
        response = call(request)
        yield from getattr(response, field)
        if not response.next_page_token:
            return
        request.page_token = response.next_page_token


def every_sequence(call: Callable[[Any], Any], request: Any, field: str) -> Iterator[Any]:
    """The same for lists that are read on from the last item's sequence."""
    request.page_size = PAGE_SIZE
    while True:
        items = list(getattr(call(request), field))
        yield from items
        if len(items) < PAGE_SIZE:
            return
        request.after_sequence = items[-1].sequence
