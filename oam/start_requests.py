"""What an operator asks for, checked, and recognised when it comes twice."""

import re
from dataclasses import dataclass, field

from nf_runtime.errors import AlreadyExists, InvalidArgument
from oam.adaptations import Adaptation
from oam.required_performance import NO_TERMS, UpdateTerms
from oam.training_orders import TrainingWish, check_wish

_MODEL_NAME = re.compile(r"[a-z0-9-]{1,63}")
LONGEST_NAME = 100
LONGEST_REASON = 400


@dataclass(frozen=True)
class StartRequest:
    """An operator asks for an adaptation.

    `request_id` makes the call idempotent. `allow_return` lets a way back lead to a version that
    was rolled back from.
    """

    model_name: str
    actor: str
    reason: str
    request_id: str = ""
    wish: TrainingWish = field(default_factory=TrainingWish)
    terms: UpdateTerms = NO_TERMS
    allow_return: bool = False


def same_request(earlier: Adaptation, wanted: Adaptation) -> Adaptation:
    """The adaptation that a repeated request started.

    Raises:
        AlreadyExists: REQUEST_ID_REUSED; the request differs from the one that started it.
    """

    def content(adaptation: Adaptation) -> tuple[object, ...]:
        return (
            adaptation.kind,
            adaptation.model_name,
            adaptation.initiator,
            adaptation.cause,
            adaptation.wish,
            adaptation.terms,
        )

    if content(earlier) != content(wanted):
        raise AlreadyExists(
            f"request_id {wanted.request_id!r} stands for another request; make a new one",
            reason="REQUEST_ID_REUSED",
            request_id=wanted.request_id,
        )
    return earlier


def reason_or_none_given(reason: str) -> str:
    """The reason that the record tells; nothing is recorded without one."""
    return reason or "no reason given"


def operator(actor: str) -> str:
    """The initiator that an operator's name stands for."""
    return f"operator:{actor or 'anonymous'}"


def check_request(request: StartRequest) -> None:
    """Refuse what can be nobody's sensible request.

    Raises:
        InvalidArgument: INVALID_FIELD; `field` in the metadata names it.
    """
    check_model_name(request.model_name)
    check_text("request_id", request.request_id, LONGEST_NAME)
    check_text("actor", request.actor, LONGEST_NAME)
    check_text("reason", request.reason, LONGEST_REASON)
    check_wish(request.wish)


def check_model_name(model_name: str) -> None:
    """Refuse what can be no model's name.

    Raises:
        InvalidArgument: INVALID_FIELD.
    """
    if not _MODEL_NAME.fullmatch(model_name):
        raise InvalidArgument(
            "model_name must be 1 to 63 lower-case letters, digits and hyphens",
            reason="INVALID_FIELD",
            field="model_name",
        )


def check_text(name: str, text: str, longest: int) -> None:
    """Refuse a text of a request that is too long or does not print.

    Raises:
        InvalidArgument: INVALID_FIELD.
    """
    if len(text) > longest or not text.isprintable():
        raise InvalidArgument(
            f"{name} must be at most {longest} printable characters",
            reason="INVALID_FIELD",
            field=name,
        )
