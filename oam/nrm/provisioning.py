"""What consumers may do with managed objects: the rules of TS 28.105 8.1 and 10.1, in one place.

Each function works within a transaction: an error leaves everything as it was.
"""

from collections.abc import Mapping
from typing import Any

from nf_runtime.errors import (
    AlreadyExists,
    FailedPrecondition,
    NotFound,
    ResourceExhausted,
)
from oam.nrm.activation import checked_function
from oam.nrm.classes import Access, ManagedClass, Role
from oam.nrm.metrics import check_metrics
from oam.nrm.names import Name
from oam.nrm.objects import Moi, Tree, existing
from oam.nrm.registry import CLASSES, class_of
from oam.nrm.values import wrong
from oam.nrm.work_objects import FLAGS, is_closed, raise_flags, request_status

# Objects that consumers have created and not deleted; requests stay for the record.
MOST_OBJECTS = 10_000
_FROM_A_VERSION = ("RE_TRAINING", "FINE_TUNING")


def create(tree: Tree, name: Name, attributes: Mapping[str, Any], *, request_id: str = "") -> Moi:
    """CreateMOI. The same call again gives the same object.

    Raises:
        InvalidArgument: INVALID_FIELD.
        NotFound: RESOURCE_NOT_FOUND; its parent or what it refers to is not there.
        AlreadyExists: RESOURCE_EXISTS or REQUEST_ID_REUSED.
        FailedPrecondition: NOT_SUPPORTED; consumers cannot create such objects.
        ResourceExhausted: QUOTA_EXCEEDED.
    """
    kind = class_of(name)
    accepted = kind.created(attributes)
    asked = {"name": str(name), "attributes": accepted}
    for earlier in (tree.of_request(request_id) if request_id else None, tree.find(name)):
        if earlier is not None:
            return _same(earlier, request_id, asked)
    if name.parent is not None:
        existing(tree, name.parent)
    if len(tree.of_class(name.object_class)) >= MOST_OBJECTS:
        raise ResourceExhausted(
            f"there are {MOST_OBJECTS} objects of class {kind.name} already; delete some",
            reason="QUOTA_EXCEEDED",
            object_class=kind.name,
        )
    if kind.role is Role.REQUEST and any(accepted.get(flag) for flag in FLAGS):
        raise wrong("cancelRequest", "false at creation, as suspendRequest")
    _check_rules(tree, kind, name, accepted)
    notes = {"asked": asked, "request_id": request_id}
    return tree.put(name, accepted, notes, request_id=request_id)


def modify(tree: Tree, name: Name, changes: Mapping[str, Any], *, etag: str = "") -> Moi:
    """ModifyMOIAttributes with a merge patch: null takes an attribute away.

    Raises:
        InvalidArgument: INVALID_FIELD.
        NotFound: RESOURCE_NOT_FOUND.
        Aborted: ETAG_MISMATCH.
        FailedPrecondition: NOT_SUPPORTED, STATE_FORBIDS, NO_ACTIVE_MODEL, MODEL_NOT_APPROVED.
    """
    kind = class_of(name)
    moi = existing(tree, name)
    moi.check_etag(etag)
    accepted = kind.modified(moi.attributes, changes)
    flags = {flag: changes[flag] for flag in FLAGS if changes.get(flag) is not None}
    if flags or kind.role in (Role.REQUEST, Role.PROCESS):
        _check_open(moi, flags, accepted)
    if kind.name == "AIMLInferenceFunction" and accepted:
        accepted, notes = checked_function(tree, moi, accepted)
        _check_rules(tree, kind, name, accepted)
        return tree.put(name, accepted, notes)
    _check_rules(tree, kind, name, accepted, before=moi.attributes)
    if flags:
        raise_flags(tree, moi, flags)
    return tree.put(name, accepted)


def delete(tree: Tree, name: Name, *, etag: str = "") -> None:
    """DeleteMOI.

    Raises:
        InvalidArgument: INVALID_FIELD.
        NotFound: RESOURCE_NOT_FOUND.
        Aborted: ETAG_MISMATCH.
        FailedPrecondition: NOT_SUPPORTED, or STATE_FORBIDS: something contains or names it.
    """
    kind = class_of(name)
    kind.check_deletable()
    moi = existing(tree, name)
    moi.check_etag(etag)
    holders = [each for each in tree.referring_to(name) if _names(each, name)]
    if holders or tree.below(name, 1, None):
        raise FailedPrecondition(
            f"{name} is in use by {holders[0].name if holders else 'what it contains'}; "
            "change that first",
            reason="STATE_FORBIDS",
            state="IN_USE",
            wanted="deleted",
        )
    tree.remove(name)


def _same(earlier: Moi, request_id: str, asked: Mapping[str, Any]) -> Moi:
    repeated = earlier.notes.get("request_id") == request_id != ""
    if repeated and earlier.notes.get("asked") == asked:
        return earlier
    if repeated:
        raise AlreadyExists(
            f"request_id {request_id!r} stands for another request; make a new one",
            reason="REQUEST_ID_REUSED",
            request_id=request_id,
        )
    raise AlreadyExists(
        f"{earlier.name} exists; choose another id, or modify it",
        reason="RESOURCE_EXISTS",
        resource=str(earlier.name),
    )


def _check_open(moi: Moi, flags: Mapping[str, Any], accepted: Mapping[str, Any]) -> None:
    """Refuse to change what has ended, what others drive, and what is being worked on."""
    others = [name for name in accepted if name not in FLAGS]
    role = CLASSES[moi.name.object_class].role
    if is_closed(moi.name.object_class, moi.attributes):
        raise _forbidden(moi, "has ended; create a new request instead")
    if moi.notes.get("adaptation"):
        raise _forbidden(
            moi,
            f"belongs to adaptation {moi.notes['adaptation']} of the OAM itself; follow, approve "
            "or reject that",
        )
    if others and role is Role.REQUEST and request_status(moi) != "NOT_STARTED":
        raise _forbidden(moi, f"is worked on; {others[0]} can be changed before that only")
    if sum(flags.values()) > 1:
        raise wrong("suspendRequest", "false where the other flag is true")


def _check_rules(
    tree: Tree,
    kind: ManagedClass,
    name: Name,
    changes: Mapping[str, Any],
    before: Mapping[str, Any] | None = None,
) -> None:
    for attribute, reference in kind.references(changes):
        if tree.find(reference) is None and reference != str(name):
            raise NotFound(
                f"{attribute} names {reference}, which is not there; list what is",
                reason="RESOURCE_NOT_FOUND",
                resource=reference,
                field=attribute,
            )
    attributes = {**(before or {}), **changes}
    check_acyclic(tree, kind, name, attributes)
    subject = next((attributes[each] for each in kind.exclusive if attributes.get(each)), None)
    if attributes.get("mLTrainingType") in _FROM_A_VERSION and subject is None:
        raise wrong("mLModelRef", f"given for {attributes['mLTrainingType']}: what to start from")
    check_metrics(changes)


def check_acyclic(
    tree: Tree, kind: ManagedClass, name: Name, attributes: Mapping[str, Any]
) -> None:
    """Refuse references that lead back to the object they start from.

    Raises:
        InvalidArgument: INVALID_FIELD.
    """
    target, seen = str(name), set[str]()
    ahead = list(_acyclic(kind, attributes))
    while ahead:
        attribute, reference = ahead.pop()
        if reference == target:
            raise wrong(attribute, f"free of cycles: it leads back to {name}")
        moi = None if reference in seen else tree.find(reference)
        seen.add(reference)
        if moi is not None:
            onward = _acyclic(CLASSES[moi.name.object_class], moi.attributes)
            ahead += [(attribute, each) for _, each in onward]


def _acyclic(kind: ManagedClass, attributes: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        (name, reference)
        for name, reference in kind.references(attributes)
        if kind.attributes[name].acyclic
    ]


def _names(moi: Moi, name: Name) -> bool:
    """Whether a consumer's own attribute of `moi` refers to `name`."""
    kind = CLASSES[moi.name.object_class]
    return any(
        reference == str(name) and kind.attributes[attribute].access is not Access.PRODUCER
        for attribute, reference in kind.references(moi.attributes)
    )


def _forbidden(moi: Moi, why: str) -> FailedPrecondition:
    status = moi.attributes.get("requestStatus") or moi.attributes["progressStatus"]["status"]
    return FailedPrecondition(
        f"{moi.name} {why}",
        reason="STATE_FORBIDS",
        state=status,
        wanted="modified",
    )
