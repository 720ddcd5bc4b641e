# ruff: noqa: N802, ARG002 - gRPC names the methods and gives each a context
"""The methods of the service that are about coordination groups."""

from typing import Any

from aimlnf.mms.v1 import model_repository_service_pb2 as pb
from mms_repository.coordination import CoordinationGroups
from mms_repository.messages import group_message, members_from, version_message
from mms_repository.procedures import Author


class CoordinationMethods:
    """Part of `servicer.ModelRepositoryServicer`.

    Args:
        groups: What they call.
    """

    def __init__(self, groups: CoordinationGroups) -> None:
        self._groups = groups

    async def CreateCoordinationGroup(
        self, request: pb.CreateCoordinationGroupRequest, context: Any
    ) -> pb.CreateCoordinationGroupResponse:
        """Create a group."""
        group = await self._groups.create(request.group.group_name, members_from(request.group))
        return pb.CreateCoordinationGroupResponse(group=group_message(group))

    async def GetCoordinationGroup(
        self, request: pb.GetCoordinationGroupRequest, context: Any
    ) -> pb.GetCoordinationGroupResponse:
        """One group."""
        group = await self._groups.get(request.group_name)
        return pb.GetCoordinationGroupResponse(group=group_message(group))

    async def ListCoordinationGroups(
        self, request: pb.ListCoordinationGroupsRequest, context: Any
    ) -> pb.ListCoordinationGroupsResponse:
        """Groups by name."""
        page = await self._groups.list(page_size=request.page_size, page_token=request.page_token)
        return pb.ListCoordinationGroupsResponse(
            groups=[group_message(group) for group in page.items],
            next_page_token=page.next_token,
        )

    async def ApproveCoordinationGroup(
        self, request: pb.ApproveCoordinationGroupRequest, context: Any
    ) -> pb.ApproveCoordinationGroupResponse:
        """All APPROVED, or none."""
        versions = await self._groups.approve(request.group_name, _author(request))
        return pb.ApproveCoordinationGroupResponse(
            model_versions=[version_message(version) for version in versions]
        )

    async def PromoteCoordinationGroup(
        self, request: pb.PromoteCoordinationGroupRequest, context: Any
    ) -> pb.PromoteCoordinationGroupResponse:
        """All champions, or none."""
        versions = await self._groups.promote(request.group_name, _author(request))
        return pb.PromoteCoordinationGroupResponse(
            model_versions=[version_message(version) for version in versions]
        )

    async def RollBackCoordinationGroup(
        self, request: pb.RollBackCoordinationGroupRequest, context: Any
    ) -> pb.RollBackCoordinationGroupResponse:
        """All back to their previous versions, or none."""
        versions = await self._groups.roll_back(request.group_name, _author(request))
        return pb.RollBackCoordinationGroupResponse(
            model_versions=[version_message(version) for version in versions]
        )


def _author(request: Any) -> Author:
    return Author(request.actor, request.reason)
