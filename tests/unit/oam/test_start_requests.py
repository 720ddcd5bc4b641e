"""What an operator asks for."""

from dataclasses import replace

import pytest
from support.oam_samples import started

from nf_runtime.errors import AlreadyExists, InvalidArgument
from oam.start_requests import StartRequest, check_request, operator, same_request
from oam.training_orders import TrainingWish

REQUEST = StartRequest(model_name="gan-gdm", actor="ada", reason="rain", request_id="r1")


def test_sensible_request_passes() -> None:
    """Nothing is raised."""
    check_request(REQUEST)


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (replace(REQUEST, model_name=""), "model_name"),
        (replace(REQUEST, model_name="Gan_GDM"), "model_name"),
        (replace(REQUEST, model_name="x" * 64), "model_name"),
        (replace(REQUEST, actor="a" * 101), "actor"),
        (replace(REQUEST, actor="a\nb"), "actor"),
        (replace(REQUEST, reason="r" * 401), "reason"),
        (replace(REQUEST, request_id="\x00"), "request_id"),
        (replace(REQUEST, wish=TrainingWish(seed=-3)), "order.seed"),
    ],
)
def test_senseless_request_is_refused(request_: StartRequest, field: str) -> None:
    """The error names the field."""
    with pytest.raises(InvalidArgument) as raised:
        check_request(request_)
    assert raised.value.metadata["field"] == field


def test_repeated_request_gives_the_adaptation_as_it_stands() -> None:
    """However far it has come meanwhile."""
    earlier = replace(started(), progress_percent=50.0)
    assert same_request(earlier, started(adaptation_id="a2")) is earlier


@pytest.mark.parametrize("change", [{"cause": "other"}, {"initiator": "operator:bob"}])
def test_request_id_stands_for_one_request(change: dict[str, str]) -> None:
    """The same id with other content is refused."""
    with pytest.raises(AlreadyExists) as raised:
        same_request(started(), replace(started(), **change))
    assert raised.value.reason == "REQUEST_ID_REUSED"


def test_nameless_operator_is_called_anonymous() -> None:
    """The record always names somebody."""
    assert operator("") == "operator:anonymous"
    assert operator("ada") == "operator:ada"
