# ruff: noqa: N802, ARG002 - gRPC names the methods and gives each a context
"""`aimlnf.oam.v1.ProvisioningService`: messages in, rules within a transaction, messages out."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from google.protobuf import json_format, struct_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from aimlnf.oam.v1 import provisioning_service_pb2 as pb
from aimlnf.oam.v1.provisioning_service_pb2_grpc import ProvisioningServiceServicer
from oam.nrm.alarms import acknowledge
from oam.nrm.classes import Access, ManagedClass
from oam.nrm.names import parse_name
from oam.nrm.objects import Moi, ObjectStore, Tree
from oam.nrm.provisioning import create, delete, modify
from oam.nrm.registry import CLASSES
from oam.nrm.selection import ScopeType, parse_filter, select
from oam.nrm.values import wrong
from oam.start_requests import LONGEST_NAME, check_text

_DEFAULT_PAGE = 100
_LARGEST_PAGE = 1000
_MOST_CHANGES = 100
_LONGEST_TOKEN = 9


class ProvisioningServicer(ProvisioningServiceServicer):
    """See the proto file for what each method promises.

    Args:
        store: The managed objects.
    """

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    async def CreateMoi(self, request: pb.CreateMoiRequest, context: Any) -> pb.CreateMoiResponse:
        """Create an object."""
        moi = await self._store.transact(_creation(request))
        return pb.CreateMoiResponse(moi=moi_message(moi))

    async def GetMois(self, request: pb.GetMoisRequest, context: Any) -> pb.GetMoisResponse:
        """Objects of a scope that pass a filter."""
        base = parse_name(request.base_distinguished_name, field="base_distinguished_name")
        conditions = parse_filter(request.filter)
        scope = _scope(request.scope_type)
        size, position = _page_size(request.page_size), _position(request.page_token)
        found = await self._store.transact(
            lambda tree: select(tree, base, scope, request.scope_level, conditions)
        )
        page = found[position : position + size]
        more = position + size < len(found)
        return pb.GetMoisResponse(
            mois=[moi_message(moi, request.attributes) for moi in page],
            next_page_token=str(position + size) if more else "",
        )

    async def ModifyMoi(self, request: pb.ModifyMoiRequest, context: Any) -> pb.ModifyMoiResponse:
        """Change attributes of an object."""
        moi = await self._store.transact(_modification(request))
        return pb.ModifyMoiResponse(moi=moi_message(moi))

    async def DeleteMoi(self, request: pb.DeleteMoiRequest, context: Any) -> pb.DeleteMoiResponse:
        """Delete an object."""
        await self._store.transact(_deletion(request))
        return pb.DeleteMoiResponse()

    async def ChangeMois(
        self, request: pb.ChangeMoisRequest, context: Any
    ) -> pb.ChangeMoisResponse:
        """All changes, or none."""
        if not 0 < len(request.changes) <= _MOST_CHANGES:
            raise wrong("changes", f"1 to {_MOST_CHANGES} changes")
        works = [_change(each, f"changes[{i}]") for i, each in enumerate(request.changes)]
        names = await self._store.transact(lambda tree: [work(tree) for work in works])
        mois = {moi.name: moi for moi in names if moi is not None}
        return pb.ChangeMoisResponse(mois=[moi_message(moi) for moi in mois.values()])

    async def ListMoiClasses(
        self, request: pb.ListMoiClassesRequest, context: Any
    ) -> pb.ListMoiClassesResponse:
        """The registry."""
        return pb.ListMoiClassesResponse(classes=[_class(each) for each in CLASSES.values()])

    async def AcknowledgeAlarm(
        self, request: pb.AcknowledgeAlarmRequest, context: Any
    ) -> pb.AcknowledgeAlarmResponse:
        """Acknowledge an alarm, or take that back."""
        alarm_list = await self._store.transact(
            lambda tree: acknowledge(
                tree, request.alarm_id, request.user_id, withdraw=request.withdraw
            )
        )
        return pb.AcknowledgeAlarmResponse(alarm_list=moi_message(alarm_list))


def moi_message(moi: Moi, only: Iterable[str] = ()) -> pb.Moi:
    """An object, with all attributes or only those named."""
    wanted = set(only)
    message = pb.Moi(
        distinguished_name=str(moi.name),
        object_class=moi.name.object_class,
        etag=moi.etag,
        create_time=_timestamp(moi.create_time),
        update_time=_timestamp(moi.update_time),
    )
    message.attributes.update(
        {name: value for name, value in moi.attributes.items() if not wanted or name in wanted}
    )
    return message


def _creation(request: pb.CreateMoiRequest) -> Callable[[Tree], Moi]:
    name = parse_name(request.distinguished_name)
    check_text("request_id", request.request_id, LONGEST_NAME)
    attributes = _attributes(request.attributes)
    return lambda tree: create(tree, name, attributes, request_id=request.request_id)


def _modification(request: pb.ModifyMoiRequest) -> Callable[[Tree], Moi]:
    name, changes = parse_name(request.distinguished_name), _attributes(request.attributes)
    return lambda tree: modify(tree, name, changes, etag=request.etag)


def _deletion(request: pb.DeleteMoiRequest) -> Callable[[Tree], None]:
    name = parse_name(request.distinguished_name)
    return lambda tree: delete(tree, name, etag=request.etag)


def _change(change: pb.MoiChange, where: str) -> Callable[[Tree], Moi | None]:
    match change.WhichOneof("change"):
        case "create":
            return _creation(change.create)
        case "modify":
            return _modification(change.modify)
        case "delete":
            return _deletion(change.delete)
        case _:
            raise wrong(where, "a creation, a modification or a deletion")


def _attributes(struct: struct_pb2.Struct) -> Mapping[str, Any]:
    try:
        return json_format.MessageToDict(struct)
    except (ValueError, json_format.Error):  # NaN or an infinity, or too deep
        raise wrong("attributes", "JSON: finite numbers, and not nested too deeply") from None


def _class(kind: ManagedClass) -> pb.MoiClass:
    return pb.MoiClass(
        name=kind.name,
        source=kind.source,
        parents=kind.parents,
        operations=sorted(kind.operations),
        attributes=[
            pb.MoiAttribute(
                name=name,
                read_only=attribute.access is Access.PRODUCER,
                required=attribute.required,
            )
            for name, attribute in kind.attributes.items()
        ],
    )


def _scope(number: int) -> ScopeType:
    if number == pb.SCOPE_TYPE_UNSPECIFIED:
        return ScopeType.BASE_ONLY
    if number not in pb.ScopeType.values():
        raise wrong("scope_type", f"one of {', '.join(ScopeType)}")
    return ScopeType(pb.ScopeType.Name(pb.ScopeType.ValueType(number)).removeprefix("SCOPE_TYPE_"))


def _page_size(wanted: int) -> int:
    if wanted < 0:
        raise wrong("page_size", "positive, or 0 for 100")
    return min(wanted, _LARGEST_PAGE) or _DEFAULT_PAGE


def _position(token: str) -> int:
    if not token:
        return 0
    if not (token.isascii() and token.isdigit() and len(token) <= _LONGEST_TOKEN):
        raise wrong("page_token", "empty or from the previous response")
    return int(token)


def _timestamp(time: Any) -> Timestamp:
    message = Timestamp()
    message.FromDatetime(time)
    return message
