"""Log lines."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from nf_runtime.config import LogSettings
from nf_runtime.logs import configure_logs
from nf_runtime.tracing import continued


@pytest.fixture(autouse=True)
def logging_left_as_found() -> Iterator[None]:
    """Undo what configuring does to the process."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    """The JSON lines written so far."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_line_is_json_with_bound_context() -> None:
    """Off a terminal each line is one JSON object with name, time, level and bound values."""
    stream = io.StringIO()
    configure_logs(LogSettings(), nf_name="oam", stream=stream)
    with structlog.contextvars.bound_contextvars(request_id="r1"):
        structlog.get_logger().info("version loaded", version=3, path=io)
    (line,) = lines(stream)
    assert line["event"] == "version loaded"
    assert (line["nf"], line["level"], line["version"]) == ("oam", "info", 3)
    assert line["request_id"] == "r1"
    assert line["timestamp"].endswith("Z")


def test_line_names_request_and_trace() -> None:
    """Those of the task, whoever writes the line; none where there is neither."""
    stream = io.StringIO()
    configure_logs(LogSettings(), nf_name="oam", stream=stream)
    with continued(None, request_id="r1") as traceparent:
        structlog.get_logger().info("ours")
        logging.getLogger("some.library").warning("theirs")
    structlog.get_logger().info("outside")
    *inside, outside = lines(stream)
    for line in inside:
        assert line["request_id"] == "r1"
        assert line["trace_id"] == traceparent.split("-")[1]
    assert not {"request_id", "trace_id"} & outside.keys()


def test_exception_is_one_line() -> None:
    """A traceback is a value of the line, so that one entry stays one line."""
    stream = io.StringIO()
    configure_logs(LogSettings(), nf_name="oam", stream=stream)
    try:
        raise KeyError("x")  # noqa: TRY301 - a traceback is wanted
    except KeyError:
        structlog.get_logger().exception("failed")
    (line,) = lines(stream)
    assert "Traceback" in line["exception"]


def test_libraries_write_the_same_lines() -> None:
    """The standard library's logging comes out in the same form."""
    stream = io.StringIO()
    configure_logs(LogSettings(), nf_name="oam", stream=stream)
    logging.getLogger("some.library").warning("careful with %s", "that")
    (line,) = lines(stream)
    assert (line["event"], line["level"], line["nf"]) == ("careful with that", "warning", "oam")


def test_level_and_chatty_libraries_are_held_back() -> None:
    """Lines below the level, and warnings of chatty clients, are not written."""
    stream = io.StringIO()
    configure_logs(LogSettings(level="warning"), nf_name="oam", stream=stream)
    structlog.get_logger().info("not this")
    logging.getLogger("some.library").info("nor this")
    logging.getLogger("kafka.client").error("nor that")
    structlog.get_logger().warning("this")
    assert [line["event"] for line in lines(stream)] == ["this"]


def test_console_format_is_for_people() -> None:
    """The console format is no JSON."""
    stream = io.StringIO()
    configure_logs(LogSettings(format="console"), nf_name="oam", stream=stream)
    structlog.get_logger().info("version loaded", version=3)
    text = stream.getvalue()
    assert "version loaded" in text
    assert "version=3" in text
    with pytest.raises(json.JSONDecodeError):
        json.loads(text)
