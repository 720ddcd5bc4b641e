"""Which observations an entry of a subscription is about."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from nwdaf.anlf.observations import Observation
from nwdaf.anlf.subscriptions import Criteria, WatchedEvent

Scope = tuple[str, str]
"""A field of observations and one of its values: where an index keeps what has that filter."""

EVERYTHING: Scope = ("", "")

_ALL_PERCENT = 100


@dataclass(frozen=True, eq=False)
class Filters:
    """What an observation must be of; empty sets let everything pass.

    `sampled` tells the UEs of the sampling ratio, an equal share in each partition.
    """

    beams: frozenset[str]
    satellites: frozenset[str]
    ues: frozenset[str]
    nf_instances: frozenset[str]
    subscription_id: str
    samp_ratio_percent: int = _ALL_PERCENT
    by_area: bool = False

    @classmethod
    def of(cls, watched: WatchedEvent, subscription_id: str, criteria: Criteria) -> Self:
        """The filters of one entry of a subscription."""
        return cls(
            beams=watched.beams,
            satellites=watched.satellites,
            ues=frozenset(watched.tgt_ue.supis),
            nf_instances=frozenset(watched.nf_instance_ids),
            subscription_id=subscription_id,
            samp_ratio_percent=criteria.reporting.samp_ratio_percent,
            by_area=bool(criteria.reporting.partition_criteria),
        )

    def let_pass(self, observation: Observation) -> bool:
        """Whether the observation is of what is watched."""
        return (
            (not self.beams or observation.beam_id in self.beams)
            and (not self.satellites or observation.satellite_id in self.satellites)
            and (not self.ues or observation.ue_id in self.ues)
            and (not self.nf_instances or observation.nf_instance_id in self.nf_instances)
            and (self.samp_ratio_percent >= _ALL_PERCENT or self._sampled(observation))
        )

    def _sampled(self, observation: Observation) -> bool:
        if not observation.ue_id:
            return True  # the ratio is one of UEs
        partition = observation.beam_id if self.by_area else ""
        draw = zlib.crc32(f"{self.subscription_id}/{partition}/{observation.ue_id}".encode())
        return draw % _ALL_PERCENT < self.samp_ratio_percent

    def scopes(self) -> Iterator[Scope]:
        """Where an index keeps what has these filters: under the narrowest of them."""
        for name, values in (
            ("nf_instance_id", self.nf_instances),
            ("ue_id", self.ues),
            ("beam_id", self.beams),
            ("satellite_id", self.satellites),
        ):
            if values:
                yield from ((name, value) for value in sorted(values))
                return
        yield EVERYTHING
