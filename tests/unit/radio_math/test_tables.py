"""The standards' tables: the same bytes that were compared with the standards."""

import hashlib
from importlib.resources import files

import pytest

from radio_math.tables import standard_table

# A table is only ever changed together with the source it says it comes from, and with this digest.
DIGESTS = {
    "p676_zenith": "691e431e1e2e94857ac502236aa12ce3c0f9e7214db88504caca256fdc5bb5c5",
    "p838": "28ffb93b42253b69144bcb7bdedee673a1e32c31eaa954c77c57aede0d9257d9",
    "tr38811": "c6d7a0f64c297c26d35cc5f66ba78b41749606e5f70818b40d9e821fb20ba394",
    "tr38821": "1c3b9479d446f97b515e3fea2a1e013309d9e59ce6f44a6ec654e88cb6913f16",
}


@pytest.mark.pitfall(29)
@pytest.mark.parametrize("name", DIGESTS)
def test_a_table_is_what_was_compared_with_its_source(name: str) -> None:
    """A changed digit changes the digest."""
    content = (files("radio_math.tables") / f"{name}.json").read_bytes()
    assert hashlib.sha256(content).hexdigest() == DIGESTS[name]


def test_every_table_has_its_digest_and_its_source() -> None:
    """No table comes without saying where its numbers are from."""
    shipped = {
        path.name.removesuffix(".json")
        for path in files("radio_math.tables").iterdir()
        if path.name.endswith(".json")
    }
    assert shipped == set(DIGESTS)
    for name in shipped:
        assert len(standard_table(name)["source"]) > 40


@pytest.mark.pitfall(29)
def test_tables_are_not_those_that_go_around_in_copies() -> None:
    """Known wrong copies: rural line of sight, suburban clutter in Ka, percent for probability."""
    surroundings = standard_table("tr38811")["surroundings"]
    assert surroundings["rural"]["los_probability"][0] == 0.782  # not 0.867
    assert surroundings["suburban"]["bands"]["Ka"]["clutter_nlos_db"][0] == 29.5  # not 24.6
    assert surroundings["rural"]["bands"]["S"]["clutter_nlos_db"][0] == 19.52  # not the urban 34.3
    for entry in surroundings.values():
        assert max(entry["los_probability"]) < 1
        assert min(entry["correlation_distance_m"].values()) > 0
        assert all(len(column) == 9 for band in entry["bands"].values() for column in band.values())
