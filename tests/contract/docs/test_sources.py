"""Docstrings cite what `docs/specs.yaml` knows."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]
KEYS = tuple(yaml.safe_load((ROOT / "docs" / "specs.yaml").read_text(encoding="utf-8")))
FILES = sorted(path for room in ("radio_math", "ran_sim") for path in (ROOT / room).rglob("*.py"))


def sources(path: Path) -> Iterator[str]:
    """Every citation of a file: what stands after "Source:", split where a semicolon does."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        docstring = ast.get_docstring(node) if isinstance(node, documented) else None
        for paragraph in re.findall(
            r"Source:\s*(.+?)(?:\n\s*\n|\nNot modelled|$)", docstring or "", re.DOTALL
        ):
            yield from (part.strip() for part in " ".join(paragraph.split()).split(";"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_source_begins_with_a_key_of_the_specs(path: Path) -> None:
    """A source that no key stands for is a typing error or a spec nobody listed."""
    unknown = [source for source in sources(path) if not source.startswith(KEYS)]
    assert unknown == []


def test_every_key_is_cited() -> None:
    """A key that nothing cites is a claim without use."""
    cited = [source for path in FILES for source in sources(path)]
    assert [key for key in KEYS if not any(source.startswith(key) for source in cited)] == []
