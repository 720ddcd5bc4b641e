"""The set of loaded models in real databases."""

from support.migrations import assert_migrations_match
from support.tiny_models import tiny_version

from inference_nf.adapters.sql_models import SqlModels
from inference_nf.adapters.sql_tables import metadata
from inference_nf.app import MIGRATIONS
from inference_nf.loaded_models import ModelSet, WantedModel
from inference_nf.releases import EngineKind
from nf_runtime.database import Database

FIRST = WantedModel(tiny_version(1).release, None)
SECOND = WantedModel(tiny_version(2).release, EngineKind.ONNXRUNTIME, "pair")


async def test_migrations_match_the_tables(database_url: str) -> None:
    """What the migrations make is what the code uses."""
    await assert_migrations_match(database_url, metadata, MIGRATIONS)


async def test_a_set_is_read_as_it_was_written(database: Database) -> None:
    """Order, engine, group, active, previous, manifest and signature: the last one saved counts."""
    store = SqlModels(database)
    assert await store.model_set() == ModelSet()
    for models in (
        ModelSet((FIRST,)),
        ModelSet((SECOND, FIRST), active=FIRST.key, previous=SECOND.key),
        ModelSet((SECOND,), previous=SECOND.key),
        ModelSet(),
    ):
        await store.save_model_set(models)
        assert await SqlModels(database).model_set() == models
