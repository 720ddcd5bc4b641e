"""When the inference function may infer: activated, within its scope, with a listed model.

`mLModelRefList` of an AIMLInferenceFunction holds the loaded models that may infer; the first of
them is the one that does. Beyond TS 28.105, which gives the order no meaning.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nf_runtime.errors import FailedPrecondition
from oam.nrm.objects import Moi, Tree, existing


@dataclass(frozen=True)
class Situation:
    """What an activation scope is judged by.

    Attributes:
        time: Simulated UTC of the pass that is flown; else wall-clock UTC.
        latitude_deg: Centre of the service area; None: there is no pass.
        longitude_deg: The same, east positive.
        present: Names of the objects that serve now: satellite, its beams and their containers.
    """

    time: datetime
    latitude_deg: float | None = None
    longitude_deg: float | None = None
    present: frozenset[str] = frozenset()


def scope_holds(scope: Mapping[str, Any] | None, situation: Situation) -> bool:
    """Whether a `managedActivationScope` includes the situation; none includes all."""
    if not scope:
        return True
    if "timeWindow" in scope:
        return any(_within(window, situation.time) for window in scope["timeWindow"])
    if "dNList" in scope:
        return any(name in situation.present for name in scope["dNList"])
    if situation.latitude_deg is None or situation.longitude_deg is None:
        return False
    point = (situation.longitude_deg, situation.latitude_deg)
    return any(
        _inside([(each["longitude"], each["latitude"]) for each in area["convexGeoPolygon"]], point)
        for area in scope["geoPolygon"]
    )


def model_that_infers(function: Moi) -> str | None:
    """The model that infers where the scope allows it; None: none may."""
    if function.attributes.get("activationStatus") != "ACTIVATED":
        return None
    return next(iter(function.attributes.get("mLModelRefList", [])), None)


def projected_function(
    before: Moi | None, attributes: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Attributes and notes after an adaptation says which models are in use.

    Only what differs from what it said last is taken over, so that what a consumer has decided
    meanwhile stays: a model that comes into use goes to the front, one that leaves goes.
    """
    notes = {} if before is None else before.notes
    listed = [] if before is None else list(before.attributes.get("mLModelRefList", []))
    said, says = notes.get("in_use", []), list(attributes.get("mLModelRefList", []))
    kept = [each for each in listed if each in says or each not in said]
    merged = [each for each in reversed(says) if each not in said and each not in kept] + kept
    loaded = dict.fromkeys([*notes.get("loaded", []), *says])
    held = notes.get("held", False)
    return (
        {
            "activationStatus": "ACTIVATED" if merged and not held else "DEACTIVATED",
            "mLModelRefList": merged,
        },
        {"in_use": says, "loaded": list(loaded)},
    )


def with_loaded(function: Moi, model: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Attributes and notes after `model` was loaded by a consumer's request or policy.

    It may infer from now on, after those that may already.
    """
    listed = list(dict.fromkeys([*function.attributes.get("mLModelRefList", []), model]))
    loaded = list(dict.fromkeys([*function.notes.get("loaded", []), model]))
    return {"mLModelRefList": listed}, {"loaded": loaded}


def checked_function(
    tree: Tree, function: Moi, changes: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """A consumer's changes of the inference function, and the notes that go with them.

    Raises:
        FailedPrecondition: MODEL_NOT_APPROVED; a listed model is not loaded, or did not pass its
            last test. NO_ACTIVE_MODEL; it would be activated without any model.
    """
    after = {**function.attributes, **changes}
    listed = after.get("mLModelRefList") or []
    for model in listed:
        if model not in function.notes.get("loaded", []):
            raise _refused(model, "is not loaded; create an MLModelLoadingRequest for it first")
        if last_test(tree, model) == "FAILED":
            raise _refused(model, "did not pass its last test; test it again or list another")
    if after.get("activationStatus") == "ACTIVATED" and not listed:
        raise FailedPrecondition(
            f"{function.name} has no model to infer with; load one first",
            reason="NO_ACTIVE_MODEL",
            resource=str(function.name),
        )
    notes = {}
    if "activationStatus" in changes:
        notes["held"] = changes["activationStatus"] == "DEACTIVATED"
    return dict(changes), notes


def last_test(tree: Tree, model: str) -> str:
    """`mLTestingResult` of the model's last MLTestingReport; empty: there is none."""
    result = ""
    for report in tree.of_class("MLTestingReport"):
        if report.notes.get("model") == model:
            result = report.attributes["mLTestingResult"]
    return result


def hold_back(tree: Tree, model: str, reason: str) -> None:
    """Keep the model from being loaded for good; the reason is a clause."""
    tree.put(existing(tree, model).name, {}, {"held_back": reason})


def why_held_back(tree: Tree, model: str) -> str:
    """Why the model may not be loaded, as a clause; empty: it may."""
    return str(existing(tree, model).notes.get("held_back", ""))


def _within(window: Mapping[str, str], time: datetime) -> bool:
    start, end = window.get("startTime"), window.get("endTime")
    return (start is None or datetime.fromisoformat(start) <= time) and (
        end is None or time < datetime.fromisoformat(end)
    )


def _inside(corners: Sequence[tuple[float, float]], point: tuple[float, float]) -> bool:
    """Whether a convex polygon of less than half the Earth contains the point.

    The point is on the same side of every edge. Not modelled: the poles; longitudes are taken
    relative to the point, so that an area may cross 180 degrees.
    """
    x = [(longitude - point[0] + 180.0) % 360.0 - 180.0 for longitude, _ in corners]
    y = [latitude - point[1] for _, latitude in corners]
    sides = [x[i] * y[(i + 1) % len(x)] - x[(i + 1) % len(x)] * y[i] for i in range(len(corners))]
    return all(side >= 0 for side in sides) or all(side <= 0 for side in sides)


def _refused(model: str, why: str) -> FailedPrecondition:
    return FailedPrecondition(
        f"{model} {why}", reason="MODEL_NOT_APPROVED", resource=model, field="mLModelRefList"
    )
