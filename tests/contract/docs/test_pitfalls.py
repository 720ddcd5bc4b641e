"""Every mistake of `docs/pitfalls.md` has a test that guards against it, by number."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
PITFALLS = ROOT / "docs" / "pitfalls.md"


def described() -> set[int]:
    """Numbers of the table's rows."""
    return {
        int(number)
        for number in re.findall(r"^\| (\d+) \|", PITFALLS.read_text("utf-8"), re.MULTILINE)
    }


def guarded() -> set[int]:
    """Numbers that a `pytest.mark.pitfall` names."""
    numbers: set[int] = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("mark.pitfall"):
                numbers |= {int(ast.literal_eval(argument)) for argument in node.args}
    return numbers


def test_every_pitfall_is_guarded_by_a_test() -> None:
    """The table and the marked tests name the same numbers."""
    assert described() == guarded()
