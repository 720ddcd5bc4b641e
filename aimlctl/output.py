"""How the command line speaks: lines for people, or one JSON document for programs.

::

    output = Output.of(as_json=as_json)
    output.say("waiting for oam")                        # stdout; stderr with --json
    output.document({"models": [...]}, show=lambda console: console.print(table))

With ``--json`` stdout holds one JSON document and nothing else. A failure is one sentence on
stderr, with ``--json`` also ``{"error": …}`` on stdout, and an exit status that is not zero.
"""

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self, TextIO

from rich.console import Console
from rich.table import Table

from nf_runtime.config import ConfigurationError
from nf_runtime.errors import NfError

STATUS_FAILED = 1
STATUS_USAGE = 2
STATUS_INTERRUPTED = 130
STATUS_TERMINATED = 143
_FILE_WIDTH = 140


class CommandError(Exception):
    """A command cannot do what it was asked; the sentence says why and what to do."""


@dataclass(frozen=True)
class Failure:
    """A failure as it is told: a sentence, a stable reason where there is one, the exit status."""

    sentence: str
    reason: str = ""
    status: int = STATUS_FAILED
    is_defect: bool = False

    def as_document(self) -> dict[str, str]:
        """The JSON document of the failure."""
        document = {"error": self.sentence}
        return document | {"reason": self.reason} if self.reason else document


class Output:
    """Where a command's words go."""

    def __init__(self, *, as_json: bool, stdout: TextIO, stderr: TextIO) -> None:
        self.as_json = as_json
        self._stdout = stdout
        people = stderr if as_json else stdout
        # A file has no width of its own; 80 columns would fold every table.
        width = None if people.isatty() else _FILE_WIDTH
        self.console = Console(file=people, highlight=False, width=width)

    @classmethod
    def of(cls, *, as_json: bool) -> Self:
        """The output of this process."""
        return cls(as_json=as_json, stdout=sys.stdout, stderr=sys.stderr)

    @property
    def is_live(self) -> bool:
        """Whether somebody watches a terminal."""
        return not self.as_json and self.console.is_terminal

    def say(self, line: str) -> None:
        """A line for people; with ``--json`` it goes to stderr."""
        self.console.print(line, markup=False, soft_wrap=True)

    def document(
        self, value: Mapping[str, Any], *, show: Callable[[Console], None] | None = None
    ) -> None:
        """The result of a command: as JSON, or shown to people by `show`."""
        if self.as_json:
            self._write_json(value, indent=2)
        elif show is not None:
            show(self.console)

    def item(self, value: Mapping[str, Any], line: str) -> None:
        """One of an endless row of results: a JSON document on a line of its own, or the line."""
        if self.as_json:
            self._write_json(value, indent=None)
        else:
            self.say(line)

    def _write_json(self, value: Mapping[str, Any], *, indent: int | None) -> None:
        self._stdout.write(json.dumps(value, indent=indent, ensure_ascii=False) + "\n")
        self._stdout.flush()


def table_of(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str | None = None
) -> Table:
    """A table for people; columns whose name ends in a space-separated unit stay as they are."""
    table = Table(title=title, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    return table


def failure_of(error: BaseException) -> Failure:
    """What a command that raised `error` tells."""
    if isinstance(error, KeyboardInterrupt):
        return Failure("interrupted", status=STATUS_INTERRUPTED)
    if isinstance(error, NfError):
        return Failure(error.message, reason=error.reason)
    if isinstance(error, CommandError | ConfigurationError):
        return Failure(str(error))
    # Typer keeps its usage errors to itself; all of them can say what was wrong.
    format_message = getattr(error, "format_message", None)
    if format_message is not None:
        wrong = format_message().strip() or "No command was given."
        return Failure(f"{wrong} Try --help.", status=STATUS_USAGE)
    sentence = f"a defect of aimlctl: {type(error).__name__}: {error}"
    return Failure(sentence, reason="INTERNAL", is_defect=True)


def tell_failure(failure: Failure, *, as_json: bool, stdout: TextIO, stderr: TextIO) -> None:
    """Writes the failure: a sentence on stderr, with ``--json`` also a document on stdout."""
    sentence = " ".join(failure.sentence.split())
    stderr.write(f"aimlctl: {sentence}\n")
    if as_json:
        stdout.write(json.dumps(failure.as_document(), ensure_ascii=False) + "\n")
