"""Every row of `docs/conformance/*.md` has a known status, and what it says is proved is."""

import ast
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
STATUSES = {"supported", "deviating", "absent"}
COLUMNS = ["requirement", "status", "how or why", "proved by"]
TEST_NAME = re.compile(r"`([^`:]+)::([^`]+)`")


@dataclass(frozen=True)
class Row:
    """One requirement."""

    page: str
    requirement: str
    status: str
    explanation: str
    proof: str


def cells(line: str) -> list[str]:
    """The cells of a line of a table."""
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]


def rows_of(page: Path) -> list[Row]:
    """The rows of those tables of a page that have the four columns."""
    rows: list[Row] = []
    in_table = False
    for line in page.read_text("utf-8").splitlines():
        if not line.startswith("|"):
            in_table = False
        elif cells(line) == COLUMNS:
            in_table = True
        elif in_table and not set(line) <= set("|-: "):
            rows.append(Row(page.name, *cells(line)))
    return rows


PAGES = sorted((ROOT / "docs" / "conformance").glob("*.md"))
ROWS = [row for page in PAGES for row in rows_of(page)]


@cache
def proofs_in(path: str) -> set[str]:
    """The names of the tests of a file, `Class::test` for methods; a hypothesis machine's too."""
    file = ROOT / path
    if not file.is_file():
        return set()
    names: set[str] = set()
    for node in ast.parse(file.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.ClassDef):
            names |= {
                f"{node.name}::{method.name}"
                for method in node.body
                if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef)
            }
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return {name for name in names if name.split("::")[-1].lower().startswith("test")}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_has_rows_of_known_status(page: Path) -> None:
    """A page without the table, or with a status of its own, would be read by nobody."""
    rows = rows_of(page)
    assert rows, f"{page.name} has no table with the columns {COLUMNS}"
    assert {row.requirement: row.status for row in rows if row.status not in STATUSES} == {}
    assert [row.requirement for row in rows if not row.requirement] == []


def test_what_deviates_or_is_absent_says_why() -> None:
    """The reader learns the reason."""
    assert [row for row in ROWS if row.status != "supported" and not row.explanation] == []


def test_what_is_supported_names_its_proof() -> None:
    """No claim without a test."""
    assert [
        row for row in ROWS if row.status == "supported" and not TEST_NAME.search(row.proof)
    ] == []


def test_every_named_test_exists() -> None:
    """A proof that was renamed or removed takes the claim with it."""
    missing = [
        f"{row.page}: {path}::{name}"
        for row in ROWS
        for path, name in TEST_NAME.findall(row.proof)
        if name not in proofs_in(path)
    ]
    assert missing == []


def test_proofs_are_written_so_that_they_are_found() -> None:
    """A cell holds test names and nothing that only looks like one."""
    left_over = [
        f"{row.page}: {row.requirement}: {row.proof}"
        for row in ROWS
        if TEST_NAME.sub("", row.proof).strip()
    ]
    assert left_over == []
