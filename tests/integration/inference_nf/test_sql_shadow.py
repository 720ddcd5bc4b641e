"""The candidate beside the active model in real databases."""

from support.tiny_models import tiny_version

from inference_nf.adapters.sql_shadow import SqlShadow
from inference_nf.comparison import Comparison
from nf_runtime.database import Database

KEY = tiny_version(2).key


async def test_a_comparison_is_read_as_it_was_written(database: Database) -> None:
    """Every figure of it; the last one saved counts, and none is none."""
    store = SqlShadow(database)
    assert await store.shadow() is None
    other = tiny_version(3).key
    for comparison in (
        Comparison(KEY, 0.25),
        Comparison(KEY, 0.25, 10, 4, 3, 2, 1, 20.5, 21.5, 5.125),
        Comparison(other, 1.0),
        None,
    ):
        await store.save_shadow(comparison)
        assert await SqlShadow(database).shadow() == comparison
