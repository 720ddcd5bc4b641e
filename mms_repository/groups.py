"""A coordination group: versions that work together only, and what may happen to them as one."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from mms_repository.names import (
    check_group_name,
    check_model_name,
    check_version_number,
    group_distinguished_name,
    invalid_field,
)
from mms_repository.versions import ModelVersion
from nf_runtime.errors import FailedPrecondition

_MIN_MEMBERS = 2
_MAX_MEMBERS = 16


@dataclass(frozen=True)
class CoordinationGroup:
    """`MLModelCoordinationGroup` (TS 28.105 7.2a.2.3): `members` maps models to versions."""

    group_name: str
    members: Mapping[str, int]
    create_time: datetime

    @property
    def distinguished_name(self) -> str:
        """DN of its object."""
        return group_distinguished_name(self.group_name)

    def check(self) -> None:
        """Returns if it is well named and has 2 to 16 members.

        Raises:
            InvalidArgument: INVALID_FIELD.
        """
        check_group_name(self.group_name)
        if not _MIN_MEMBERS <= len(self.members) <= _MAX_MEMBERS:
            raise invalid_field(
                "members",
                f"are of {len(self.members)} models; a group has {_MIN_MEMBERS} to {_MAX_MEMBERS}",
            )
        for model_name, version in self.members.items():
            check_model_name(model_name)
            check_version_number(version)

    def check_whole(self, champions: Mapping[str, int | None]) -> None:
        """Returns if all of it is in production, or nothing.

        Args:
            champions: Each member's model to its champion; None: it has none.

        Raises:
            FailedPrecondition: STATE_FORBIDS, it would be left half in production.
        """
        inside = {name for name, version in self.members.items() if champions[name] == version}
        if inside and len(inside) < len(self.members):
            missing = sorted(set(self.members) - inside)
            raise FailedPrecondition(
                f"coordination group {self.group_name} would be left half in production: "
                f"without {', '.join(missing)}; promote or roll back whole groups",
                reason="STATE_FORBIDS",
                coordination_group=self.group_name,
                state="WHOLE",
                wanted="HALF",
            )


def check_moves_alone(*versions: ModelVersion | None) -> None:
    """Returns if none of the versions belongs to a group.

    Raises:
        FailedPrecondition: STATE_FORBIDS, it is approved and promoted with its group only.
    """
    for version in versions:
        if version is not None and version.coordination_group:
            raise FailedPrecondition(
                f"{version.label} belongs to coordination group {version.coordination_group}; "
                "approve, promote or roll back the group",
                reason="STATE_FORBIDS",
                coordination_group=version.coordination_group,
                state=version.state,
                wanted="GROUP",
            )


def check_in_production(group: CoordinationGroup, champions: Collection[tuple[str, int]]) -> None:
    """Returns if each member is its model's champion.

    Raises:
        FailedPrecondition: STATE_FORBIDS.
    """
    outside = [name for name, version in group.members.items() if (name, version) not in champions]
    if outside:
        raise FailedPrecondition(
            f"coordination group {group.group_name} is not in production: {min(outside)} has "
            "another champion; there is nothing to roll back",
            reason="STATE_FORBIDS",
            coordination_group=group.group_name,
            state="OUT_OF_PRODUCTION",
            wanted="ROLLED_BACK",
        )
