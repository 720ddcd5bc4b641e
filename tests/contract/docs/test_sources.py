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


# Plain arithmetic, layouts and checks: there is no literature to cite.
PLAIN = {
    "check_context",
    "check_elevation_deg",
    "check_exceedance_percent",
    "check_frequency_ghz",
    "from_db",
    "hexagonal_cells",
    "points_in_cell",
    "quota_respected",
    "sine_between",
    "to_db",
}


def physics() -> Iterator[tuple[str, str]]:
    """Every public function of `radio_math` with its docstring."""
    for path in sorted((ROOT / "radio_math").glob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                yield f"{path.stem}.{node.name}", ast.get_docstring(node) or ""


@pytest.mark.parametrize(
    ("name", "docstring"), [pytest.param(*one, id=one[0]) for one in physics()]
)
def test_physics_says_where_it_is_from_and_what_it_leaves_out(name: str, docstring: str) -> None:
    """A formula without a source cannot be checked, one without its limits will be misused."""
    if name.partition(".")[2] not in PLAIN:
        assert "Source:" in docstring
        assert "Not modelled:" in docstring
