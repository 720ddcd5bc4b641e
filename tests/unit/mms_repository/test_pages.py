"""Page requests and their tokens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mms_repository.pages import PageRequest
from nf_runtime.errors import InvalidArgument

KEYS = st.integers(0, 2**63 - 1)


@given(KEYS)
def test_token_names_the_last_item(key: int) -> None:
    """The token of a page leads to what follows its last item."""
    request = PageRequest.parse("list", size=1, token="", key=int)
    page = request.page([key, key + 1], lambda item: item)
    assert page.items == [key]
    following = PageRequest.parse("list", size=1, token=page.next_token, key=int)
    assert following.after == key


def test_last_page_has_no_token() -> None:
    """No more items, no token."""
    request = PageRequest.parse("list", size=2, token="", key=int)
    assert request.page([1, 2], lambda item: item).next_token == ""


@pytest.mark.parametrize(("asked", "given"), [(0, 100), (1, 1), (1000, 1000), (5000, 1000)])
def test_size(asked: int, given: int) -> None:
    """0 means 100; more than 1000 is cut."""
    assert PageRequest.parse("list", size=asked, token="", key=int).size == given


def test_negative_size() -> None:
    """A negative size is refused."""
    with pytest.raises(InvalidArgument):
        PageRequest.parse("list", size=-1, token="", key=int)


@given(st.text(max_size=600))
def test_any_text_as_token(token: str) -> None:
    """A token that this list never gave is refused, never anything worse."""
    if not token:
        return
    with pytest.raises(InvalidArgument) as caught:
        PageRequest.parse("list", size=1, token=token, key=int)
    assert caught.value.metadata == {"field": "page_token"}


@pytest.mark.parametrize("key", [-1, 2**63, "1", True, None, [], 1.0])
def test_key_of_another_kind(key: object) -> None:
    """Well-formed tokens with keys that no query takes are refused."""
    request: PageRequest[int] = PageRequest("list", 1, None)
    forged = request.page([key, key], lambda item: item).next_token  # type: ignore[arg-type,return-value]
    with pytest.raises(InvalidArgument):
        PageRequest.parse("list", size=1, token=forged, key=int)


def test_token_of_another_list() -> None:
    """A token is good for its own list only."""
    token = PageRequest("versions/a", 1, None).page([1, 2], lambda item: item).next_token
    with pytest.raises(InvalidArgument):
        PageRequest.parse("versions/b", size=1, token=token, key=int)
