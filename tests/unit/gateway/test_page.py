"""The health page."""

from datetime import UTC, datetime

from gateway.health import PeerHealth, PlatformHealth
from gateway.page import health_page

NOW = datetime(2026, 11, 21, 6, 30, 0, tzinfo=UTC)
SERVES = PeerHealth("oam", "127.0.0.1:50054", "SERVING", "", 1.5)
AWAY = PeerHealth("ran_sim", "127.0.0.1:50055", "UNREACHABLE", "cannot be <reached>", 3.0)


def page_of(*peers: PeerHealth) -> str:
    """The page of these functions."""
    return health_page(PlatformHealth(peers), now=NOW, refresh_s=5)


def test_page_names_every_function_with_address_and_health() -> None:
    """Each function is on the page, with its address and what it said."""
    page = page_of(SERVES, AWAY)
    for text in ("oam", "127.0.0.1:50054", "SERVING", "ran_sim", "127.0.0.1:50055", "UNREACHABLE"):
        assert text in page
    assert "1 of 2 network functions serve" in page


def test_what_functions_say_is_escaped() -> None:
    """Text from elsewhere never becomes markup."""
    page = page_of(AWAY)
    assert "cannot be &lt;reached&gt;" in page
    assert "<reached>" not in page


def test_page_loads_nothing() -> None:
    """The page stands alone: no script, no style sheet, no picture."""
    page = page_of(SERVES)
    assert "<script" not in page
    assert "src=" not in page
    assert "http://" not in page
    assert "https://" not in page


def test_platform_is_degraded_when_one_function_is_away() -> None:
    """SERVING needs all of them."""
    assert PlatformHealth((SERVES,)).status == "SERVING"
    assert PlatformHealth((SERVES, AWAY)).status == "DEGRADED"


def test_document_has_the_functions_by_name() -> None:
    """/api/health gives address, status, detail and answer time by name."""
    assert PlatformHealth((AWAY,)).as_document() == {
        "status": "DEGRADED",
        "functions": {
            "ran_sim": {
                "address": "127.0.0.1:50055",
                "status": "UNREACHABLE",
                "detail": "cannot be <reached>",
                "answer_ms": 3.0,
            }
        },
    }
