"""UEs that are handed over to a cell and back at once (exception PING_PONG_ACROSS_CELLS).

A ping-pong is a handover back to the cell that the UE came from, within `LONGEST_STAY` of leaving
it. How many of them a UE has had within `WINDOW` is a quantity like any other; before its first
handover there is no sample of it, which stands for zero.

Source: TS 23.288 6.7.5.
Not modelled: handovers between two measurements, of which no measurement tells.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from itertools import pairwise

from nwdaf.anlf.observations import Move, Observation, Quantity

LONGEST_STAY = timedelta(seconds=10)
WINDOW = timedelta(seconds=60)


def ping_pongs(
    observations: Iterable[Observation], latest: Callable[[str], Observation | None]
) -> Iterator[Observation]:
    """The counts of those UEs that have moved lately, from where they are observed to be.

    Args:
        observations: Of one measurement.
        latest: The last observation of a series.
    """
    for here in observations:
        if here.quantity is not Quantity.UE_LOCATION:
            continue
        before = latest(here.series)
        counted = latest(here.series_of(Quantity.UE_PING_PONGS))
        moves = () if counted is None else counted.moves
        if before is not None and _cell(before) != _cell(here):
            moves = (*moves, Move(here.time, _cell(before), _cell(here)))
        if moves:
            kept = tuple(move for move in moves if here.time - move.time <= WINDOW + LONGEST_STAY)
            yield Observation(
                Quantity.UE_PING_PONGS,
                float(_count(kept, here.time)),
                here.time,
                here.event_id,
                here.event_type,
                here.received_time,
                beam_id=here.beam_id,
                satellite_id=here.satellite_id,
                ue_id=here.ue_id,
                run_id=here.run_id,
                moves=kept,
            )


def _count(moves: tuple[Move, ...], now: datetime) -> int:
    return sum(
        now - back.time <= WINDOW
        for there, back in pairwise(moves)
        if there.from_cell == back.to_cell and back.time - there.time <= LONGEST_STAY
    )


def _cell(location: Observation) -> str:
    return f"{location.satellite_id}/{location.beam_id}"
