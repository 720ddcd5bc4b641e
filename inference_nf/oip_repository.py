"""Triton's model repository extension, mapped to the versions of this function.

Its load names a model and, in a JSON `config`, the versions by Triton's own version policy. Where
it names none the champion is meant. Files cannot be handed in: nothing unsigned is ever served.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from aimlnf.inference.oip import open_inference_pb2 as pb
from inference_nf.loading import Models
from nf_runtime.errors import InvalidArgument

READY = "READY"
UNAVAILABLE = "UNAVAILABLE"
_CHAMPION = "champion"
_MOST_VERSIONS = 8


def index_of(models: Models, *, only_ready: bool) -> list[pb.RepositoryIndexResponse.ModelIndex]:
    """What is in memory and, unless only that is asked for, what could not be brought there.

    The version of the latter is what was asked for, a number or an alias.
    """
    entries = [
        pb.RepositoryIndexResponse.ModelIndex(
            name=model.key.name, version=str(model.key.version), state=READY
        )
        for model in models.serving
    ]
    if not only_ready:
        entries += [
            pb.RepositoryIndexResponse.ModelIndex(
                name=failure.name,
                version=str(failure.selector),
                state=UNAVAILABLE,
                reason=f"{failure.reason}: {failure.message}",
            )
            for failure in models.failures
        ]
    return entries


def versions_wanted(parameters: Mapping[str, pb.ModelRepositoryParameter]) -> Sequence[int | str]:
    """Numbers or aliases of the versions that a load with these parameters asks for.

    Raises:
        InvalidArgument: INVALID_FIELD for files, for a policy other than `specific`, and for what
            is no version.
    """
    for name in parameters:
        if name != "config":
            raise _invalid(name, f"{name} cannot be handed in; publish a version and load that")
    if "config" not in parameters:
        return [_CHAMPION]
    try:
        policy = _policy(json.loads(parameters["config"].string_param))
        versions = [_CHAMPION] if policy is None else [_number(v) for v in policy]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise _invalid(
            "config",
            'config holds nothing but a version_policy of the kind {"specific": {"versions": [2]}}',
        ) from error
    if not 1 <= len(versions) <= _MOST_VERSIONS:
        raise _invalid("config", f"config names 1 to {_MOST_VERSIONS} versions")
    return versions


def _policy(config: Any) -> Any:
    policy = config.pop("version_policy", None)
    config.pop("name", None)
    if config:
        raise ValueError(f"{min(config)} is given by the version")
    if policy is None:
        return None
    if set(policy) != {"specific"} or set(policy["specific"]) != {"versions"}:
        raise ValueError("only specific versions can be loaded")
    return policy["specific"]["versions"]


def _number(version: Any) -> int:
    number = int(version)  # JSON's form of an int64 is a string
    if isinstance(version, float | bool) or number < 1:
        raise ValueError(f"{version} is no version")
    return number


def _invalid(field: str, message: str) -> InvalidArgument:
    return InvalidArgument(message, reason="INVALID_FIELD", field=f"parameters.{field}")
