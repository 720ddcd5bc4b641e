"""Who may decide what."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from support.oam_samples import NOW

from nf_runtime.errors import PermissionDenied
from oam.approvals import ApprovalPolicy, ApprovalStep, Role
from oam.callers import caller_of

ROLES = (
    Role("trainer", frozenset({ApprovalStep.RETRAIN}), frozenset({"ada"})),
    Role(
        "operator", frozenset({ApprovalStep.LOAD, ApprovalStep.ROLLBACK}), frozenset({"bob", "eve"})
    ),
)


@pytest.mark.parametrize("step", ApprovalStep)
@pytest.mark.parametrize("who", ["ada", "bob", "eve", "mallory", ""])
def test_only_members_of_a_role_decide_what_it_may(who: str, step: ApprovalStep) -> None:
    """Whoever has no role for a step is told whom to ask."""
    allowed = any(who in role.members and step in role.may for role in ROLES)
    policy = ApprovalPolicy(roles=ROLES)
    if allowed:
        policy.check(who, step)
        return
    with pytest.raises(PermissionDenied) as raised:
        policy.check(who, step)
    assert raised.value.reason == "NOT_AUTHORISED"
    fitting = [role.name for role in ROLES if step in role.may]
    assert raised.value.metadata["roles"] == (", ".join(fitting) or "none")


def test_without_roles_everybody_decides() -> None:
    """As on a laptop."""
    ApprovalPolicy().check("mallory", ApprovalStep.LOAD)


def test_deadline_counts_from_when_the_step_began_to_wait() -> None:
    """So that a restart does not prolong it."""
    assert ApprovalPolicy().deadline(NOW) is None
    assert ApprovalPolicy(timeout_s=60).deadline(NOW) == NOW + timedelta(seconds=60)


@pytest.mark.parametrize(
    ("shown", "name"),
    [
        ({}, "claimed"),
        ({"transport_security_type": [b"ssl"]}, "claimed"),
        ({"x509_common_name": [b"ada"]}, "ada"),
        (
            {
                "x509_common_name": [b"ada"],
                "x509_subject_alternative_name": [b"127.0.0.1", b"spiffe://aimlnf/ada"],
            },
            "spiffe://aimlnf/ada",
        ),
    ],
)
def test_certificate_comes_before_what_the_call_says(
    shown: dict[str, list[bytes]], name: str
) -> None:
    """Its URI first, then its common name; without one the call is believed."""
    context = SimpleNamespace(auth_context=lambda: shown)
    assert caller_of(context, "claimed") == name
