"""Scenario files as orders to the simulated radio access network."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from aimlnf.ransim.v1 import radio_service_pb2 as radio

if TYPE_CHECKING:
    from ran_sim.scenario_files import Expectation

SCENARIO_FOLDER = Path(__file__).resolve().parent.parent / "scenarios"


@dataclass(frozen=True)
class ScenarioOrder:
    """A scenario file, ready to be ordered.

    Attributes:
        path: Where it was read.
        name: `scenario_id`.
        description: For people.
        request: What starts the run; as fast and in the pace that the file says.
        duration_s: Simulated length.
        seed: Of every random draw.
        expect: What to judge the run by; None where the file does not say.
    """

    path: Path
    name: str
    description: str
    request: radio.StartRunRequest
    duration_s: float
    seed: int
    expect: "Expectation | None"


def read_order(
    path: Path, *, duration_s: float | None = None, seed: int | None = None
) -> ScenarioOrder:
    """The order of a scenario file, with another duration or seed where they are given.

    Raises:
        InvalidArgument: the file cannot be read or used; the message names the file and the field.
    """
    # Reading orbital elements imports numpy; a command that reads none shall not wait for it.
    from ran_sim.messages import order_to_message  # noqa: PLC0415
    from ran_sim.scenario_files import read_scenario_file  # noqa: PLC0415

    file = read_scenario_file(path, duration_s=duration_s, seed=seed)
    scenario = file.order.scenario
    return ScenarioOrder(
        path=path,
        name=scenario.scenario_id,
        description=file.description,
        request=order_to_message(file.order),
        duration_s=scenario.duration_s,
        seed=scenario.seed,
        expect=file.expect,
    )
