"""What the command line says, to people and to programs."""

import io
import json

import pytest
import typer

from aimlctl.output import CommandError, Failure, Output, failure_of, tell_failure
from nf_runtime.config import ConfigurationError
from nf_runtime.errors import NotFound


def output_of(*, as_json: bool) -> tuple[Output, io.StringIO, io.StringIO]:
    """An output over two buffers."""
    stdout, stderr = io.StringIO(), io.StringIO()
    return Output(as_json=as_json, stdout=stdout, stderr=stderr), stdout, stderr


def test_json_document_stands_alone_on_stdout() -> None:
    """With --json stdout holds one JSON document; lines for people go to stderr."""
    output, stdout, stderr = output_of(as_json=True)
    output.say("waiting for oam")
    output.document({"état": 1}, show=lambda console: console.print("a table"))
    assert json.loads(stdout.getvalue()) == {"état": 1}
    assert stderr.getvalue() == "waiting for oam\n"


def test_people_get_lines_on_stdout() -> None:
    """Without --json everything is shown on stdout and nothing is JSON."""
    output, stdout, stderr = output_of(as_json=False)
    output.say("waiting for oam")
    output.document({"a": 1}, show=lambda console: console.print("a table"))
    assert stdout.getvalue() == "waiting for oam\na table\n"
    assert stderr.getvalue() == ""


def test_items_are_one_json_document_a_line() -> None:
    """An endless row of results is written as it comes, one JSON document a line."""
    output, stdout, _ = output_of(as_json=True)
    output.item({"id": 1}, "first")
    output.item({"id": 2}, "second")
    assert [json.loads(line) for line in stdout.getvalue().splitlines()] == [{"id": 1}, {"id": 2}]


def test_brackets_in_a_line_are_no_markup() -> None:
    """Text that looks like markup is printed as it is."""
    output, stdout, _ = output_of(as_json=False)
    output.say("list [bold] and [/nothing]")
    assert stdout.getvalue() == "list [bold] and [/nothing]\n"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (CommandError("nothing runs here"), Failure("nothing runs here")),
        (ConfigurationError("setting a: b"), Failure("setting a: b")),
        (
            NotFound("no model x", reason="RESOURCE_NOT_FOUND"),
            Failure("no model x", reason="RESOURCE_NOT_FOUND"),
        ),
        (KeyboardInterrupt(), Failure("interrupted", status=130)),
        (
            ZeroDivisionError("division by zero"),
            Failure(
                "a defect of aimlctl: ZeroDivisionError: division by zero",
                reason="INTERNAL",
                is_defect=True,
            ),
        ),
    ],
)
def test_failure_is_a_sentence_a_reason_and_a_status(
    error: BaseException, expected: Failure
) -> None:
    """Each error becomes its own sentence, its stable reason where it has one, and a status."""
    assert failure_of(error) == expected


def test_usage_error_has_status_2() -> None:
    """A wrong option is told with the hint at --help and status 2."""
    failure = failure_of(typer.BadParameter("must be positive"))
    assert failure.status == 2
    assert "must be positive" in failure.sentence
    assert "--help" in failure.sentence


def test_failure_is_told_on_stderr_and_as_json() -> None:
    """The sentence is one line on stderr; with --json stdout holds {"error": …} as well."""
    stdout, stderr = io.StringIO(), io.StringIO()
    failure = Failure("no model\n  x", reason="RESOURCE_NOT_FOUND")
    tell_failure(failure, as_json=True, stdout=stdout, stderr=stderr)
    assert stderr.getvalue() == "aimlctl: no model x\n"
    assert json.loads(stdout.getvalue()) == {
        "error": "no model\n  x",
        "reason": "RESOURCE_NOT_FOUND",
    }


def test_failure_leaves_stdout_alone_without_json() -> None:
    """Without --json a failure writes nothing to stdout."""
    stdout, stderr = io.StringIO(), io.StringIO()
    tell_failure(Failure("no"), as_json=False, stdout=stdout, stderr=stderr)
    assert stdout.getvalue() == ""
