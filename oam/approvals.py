"""Which steps of an adaptation wait for a person, and who may decide what.

Not modelled: approval by several persons. 3GPP leaves operator approval to the deployment; its
place in TS 28.105 would be the consumer's side of an MLUpdateRequest.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from nf_runtime.errors import PermissionDenied


class ApprovalStep(StrEnum):
    """What can be made to wait, and what a role may be allowed to ask for or to decide."""

    RETRAIN = "retrain"  # spend a training
    LOAD = "load"  # have a version that passed its test loaded
    ACTIVATE = "activate"  # let it decide
    ROLLBACK = "rollback"  # go back to the version before


@dataclass(frozen=True)
class Approval:
    """A person, the time-out or the configuration let a step be done."""

    step: ApprovalStep
    approver: str
    reason: str
    time: datetime


@dataclass(frozen=True)
class Role:
    """Who may decide what. Members are names of client certificates, or of local users."""

    name: str
    may: AbstractSet[ApprovalStep]
    members: AbstractSet[str]


@dataclass(frozen=True)
class ApprovalPolicy:
    """What the configuration decides about approval.

    Attributes:
        waits: Steps that wait for a person; the others go on by themselves.
        roles: Who may decide what; none: everybody may decide everything.
        timeout_s: How long a step waits; None: for ever.
        approves_on_timeout: Whether it goes on after that, instead of being turned down.
    """

    waits: AbstractSet[ApprovalStep] = frozenset()
    roles: tuple[Role, ...] = ()
    timeout_s: float | None = None
    approves_on_timeout: bool = False

    def check(self, who: str, step: ApprovalStep) -> None:
        """Refuse whoever has no role for the step.

        Raises:
            PermissionDenied: NOT_AUTHORISED; `roles` in the metadata are those that would do.
        """
        fitting = [role for role in self.roles if step in role.may]
        if not self.roles or any(who in role.members for role in fitting):
            return
        names = ", ".join(role.name for role in fitting) or "none"
        raise PermissionDenied(
            f"{who or 'a caller without a name'} may not decide on '{step}'; "
            f"ask a member of: {names}",
            reason="NOT_AUTHORISED",
            actor=who,
            step=step,
            roles=names,
        )

    def deadline(self, since: datetime) -> datetime | None:
        """When a step that has waited since then is decided without a person; None: never."""
        return None if self.timeout_s is None else since + timedelta(seconds=self.timeout_s)
