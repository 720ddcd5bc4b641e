"""One section of a reference file, checked as the simulator checks it."""

import json
from typing import Any

from ran_sim.validation.checks import Check
from ran_sim.validation.reference_file import parse_reference
from ran_sim.validation.sections import SECTIONS


def checked(section: str, content: Any) -> list[Check]:
    """The comparisons of a section with this content."""
    reference = parse_reference(json.dumps({section: content}), "test")
    found = SECTIONS[section](reference.section(section), reference)
    return [one for one in found if isinstance(one, Check)]
