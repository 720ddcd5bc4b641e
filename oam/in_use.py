"""Which versions are in use, as the aliases of the model repository say.

They are read outside the transaction that acts on them. The lifecycle's revision says whether an
adaptation has moved them since; then they are read again, so many times.
"""

from nf_runtime.errors import Aborted
from oam.adaptation_events import NO_MODEL, ModelReference
from oam.ports import ModelRepository

CANDIDATE, CHAMPION, PREVIOUS = "candidate", "champion", "previous"
ATTEMPTS = 5


async def versions_in_use(
    repository: ModelRepository, model_name: str
) -> tuple[ModelReference, ModelReference]:
    """The version that decides, and the one to go back to."""
    aliases = await repository.aliases(model_name)
    versions = (aliases.get(CHAMPION, 0), aliases.get(PREVIOUS, 0))
    active, previous = [
        (await repository.version(model_name, version)).model if version else NO_MODEL
        for version in versions
    ]
    return active, previous


def keeps_changing(model_name: str) -> Aborted:
    """What is told when all attempts were in vain."""
    return Aborted(
        f"the versions in use of model {model_name} keep changing; try again",
        reason="ETAG_MISMATCH",
        model_name=model_name,
    )
