"""Propagation delay and the timing advance that makes up for it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from radio_math.link import SPEED_OF_LIGHT_MPS
from ran_sim.orbit.frames import FloatArray

TIME_UNIT_S = 1 / (480e3 * 4096)
"""T_c [s], the time unit of NR. Source: TS 38.211 4.1."""

_US = 1e-6
TA_COMMON_STEP_S = 4.072e-3 * _US
TA_COMMON_DRIFT_STEP = 0.2e-3 * _US
TA_COMMON_DRIFT_VARIANT_STEP_PER_S = 0.2e-4 * _US
MAX_TA_COMMON = 66_485_757
MAX_TA_COMMON_DRIFT = 257_303
MAX_TA_COMMON_DRIFT_VARIANT = 28_949


def one_way_delay_s(range_m: Any) -> FloatArray:
    """One-way propagation delay `d / c` [...] in s.

    Source: TR 38.811 5.3.4.1.
    Not modelled: the atmosphere (under 10 ns at 10 degrees) and the satellite's motion meanwhile.
    """
    return np.asarray(np.asarray(range_m, dtype=np.float64) / SPEED_OF_LIGHT_MPS)


def service_timing_advance(service_range_m: Any) -> npt.NDArray[np.int64]:
    """The terminal's own part N_TA,adj^UE [...] in units of T_c: the service link's round trip.

    Source: TS 38.211 4.3.1; TS 38.213 4.2.
    Not modelled: errors of the terminal's position and of the ephemeris it reads.
    """
    return np.rint(2 * one_way_delay_s(service_range_m) / TIME_UNIT_S).astype(np.int64)


@dataclass(frozen=True)
class CommonTimingAdvance:
    """TA-Info of the NTN configuration: the feeder link's round trip as a broadcast polynomial.

    Attributes:
        ta_common: ta-Common-r17, steps of 4.072 ns.
        ta_common_drift: ta-CommonDrift-r17, steps of 0.2 ns/s.
        ta_common_drift_variant: ta-CommonDriftVariant-r17, steps of 0.02 ns/s².
    """

    ta_common: int
    ta_common_drift: int
    ta_common_drift_variant: int

    def __post_init__(self) -> None:
        for name, value, least, greatest in (
            ("ta_common", self.ta_common, 0, MAX_TA_COMMON),
            (
                "ta_common_drift",
                self.ta_common_drift,
                -MAX_TA_COMMON_DRIFT,
                MAX_TA_COMMON_DRIFT,
            ),
            (
                "ta_common_drift_variant",
                self.ta_common_drift_variant,
                0,
                MAX_TA_COMMON_DRIFT_VARIANT,
            ),
        ):
            if not least <= value <= greatest:
                raise ValueError(f"{name} is {value}; TS 38.331 has room for {least} to {greatest}")

    @classmethod
    def of_feeder_link(
        cls, range_m: float, range_rate_m_s: float, range_acceleration_m_s2: float
    ) -> "CommonTimingAdvance":
        """The nearest values to the feeder link's round trip and its two derivatives at the epoch.

        The variant is the polynomial's quadratic coefficient, half the second derivative.

        Source: TS 38.331 NTN-Config; TS 38.213 4.2.
        Not modelled: a reference point other than the gateway.

        Raises:
            ValueError: a value does not fit its field.
        """
        round_trip = 2 / SPEED_OF_LIGHT_MPS
        return cls(
            ta_common=round(round_trip * range_m / TA_COMMON_STEP_S),
            ta_common_drift=round(round_trip * range_rate_m_s / TA_COMMON_DRIFT_STEP),
            ta_common_drift_variant=round(
                round_trip * range_acceleration_m_s2 / 2 / TA_COMMON_DRIFT_VARIANT_STEP_PER_S
            ),
        )

    def one_way_delay_s(self, elapsed_s: Any) -> FloatArray:
        """Delay_common [...] in s, `elapsed_s` after the epoch.

        `TA_common/2 + TA_drift/2 t + TA_variant/2 t²`.

        Source: TS 38.213 4.2.
        Not modelled: derivatives above the second, 0.4 us after ten seconds at 600 km.
        """
        elapsed = np.asarray(elapsed_s, dtype=np.float64)
        round_trip = (
            self.ta_common * TA_COMMON_STEP_S
            + self.ta_common_drift * TA_COMMON_DRIFT_STEP * elapsed
            + self.ta_common_drift_variant * TA_COMMON_DRIFT_VARIANT_STEP_PER_S * elapsed**2
        )
        return np.asarray(round_trip / 2)

    def timing_advance(self, elapsed_s: Any) -> npt.NDArray[np.int64]:
        """The common part N_TA,adj^common [...] in units of T_c.

        Source: TS 38.211 4.3.1.
        Not modelled: derivatives of the delay above the second.
        """
        return np.rint(2 * self.one_way_delay_s(elapsed_s) / TIME_UNIT_S).astype(np.int64)


def timing_advance_s(
    common: CommonTimingAdvance,
    elapsed_s: Any,
    service_range_m: Any,
    n_ta: int = 0,
    offset: int = 0,
) -> FloatArray:
    """Timing advance of a terminal `T_TA` [...] in s.

    `(N_TA + N_TA,offset + N_TA,adj^common + N_TA,adj^UE) T_c`.

    Args:
        common: what the network broadcasts.
        elapsed_s: time since its epoch.
        service_range_m: from the terminal to the satellite.
        n_ta: N_TA, from the network's closed loop [T_c].
        offset: N_TA,offset of the band [T_c].

    Source: TS 38.211 4.3.1.
    Not modelled: that the closed loop moves N_TA in steps of 1024 / 2^mu.
    """
    adjusted = common.timing_advance(elapsed_s) + service_timing_advance(service_range_m)
    return np.asarray((adjusted + n_ta + offset) * TIME_UNIT_S)
