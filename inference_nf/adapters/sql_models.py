"""The set of loaded models in the database."""

import json

from sqlalchemy import Connection, Row, delete, insert, select

from inference_nf.adapters.sql_tables import loaded_models
from inference_nf.loaded_models import ModelSet, WantedModel
from inference_nf.releases import EngineKind, ModelKey, ModelRelease
from nf_runtime.database import Database
from nf_runtime.signing import ArtifactDigest, SignedManifest
from nf_runtime.use_terms import UseTerms


class SqlModels:
    """Keeps the set as a whole: what is read is what one `save_model_set` wrote."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def model_set(self) -> ModelSet:
        """What was saved last; an empty set at first."""
        return await self._database.transact(_read)

    async def save_model_set(self, models: ModelSet) -> None:
        """Keep `models`, all or nothing."""
        await self._database.transact(lambda connection: _write(connection, models))


def _read(connection: Connection) -> ModelSet:
    rows = connection.execute(select(loaded_models).order_by(loaded_models.c.position)).all()
    keys = {row.position: ModelKey(row.model_name, row.model_version) for row in rows}
    return ModelSet(
        models=tuple(_wanted(row) for row in rows),
        active=next((keys[row.position] for row in rows if row.is_active), None),
        previous=next((keys[row.position] for row in rows if row.is_previous), None),
    )


def _wanted(row: Row[tuple[object, ...]]) -> WantedModel:
    document = json.loads(row.manifest)
    release = ModelRelease(
        key=ModelKey(row.model_name, row.model_version),
        state=row.release_state,
        manifest=SignedManifest(
            model_name=document["model_name"],
            source_version=document["source_version"],
            artifacts=tuple(ArtifactDigest(**entry) for entry in document["artifacts"]),
            terms=UseTerms.from_document(document.get("terms", {})),
        ),
        key_id=row.key_id,
        signature=row.signature,
    )
    engine = None if row.engine is None else EngineKind(row.engine)
    return WantedModel(release, engine, row.coordination_group)


def _write(connection: Connection, models: ModelSet) -> None:
    connection.execute(delete(loaded_models))
    for position, model in enumerate(models.models):
        connection.execute(
            insert(loaded_models).values(
                position=position,
                model_name=model.key.name,
                model_version=model.key.version,
                engine=None if model.engine is None else model.engine.value,
                coordination_group=model.group,
                is_active=model.key == models.active,
                is_previous=model.key == models.previous,
                release_state=model.release.state,
                manifest=model.release.manifest.canonical_bytes(),
                key_id=model.release.key_id,
                signature=model.release.signature,
            )
        )
