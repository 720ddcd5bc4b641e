"""Measurements and loads in; statistics and predictions of them out."""

import asyncio
from datetime import timedelta

from nf_runtime.clock import Clock
from nf_runtime.events.catalogue import Measurement
from nf_runtime.events.record import Record
from nwdaf.anlf.analytics import NF_LOAD, Analytics, AnalyticsKind
from nwdaf.anlf.analytics_answers import (
    load_prediction,
    nothing_known,
    pass_prediction,
    statistics_of,
)
from nwdaf.anlf.analytics_requests import AnalyticsRequest, check_request, period_of
from nwdaf.anlf.ports import LoadStore, MeasurementStore, OffsetStore

# How much of the past a prediction is learnt from.
_PASS_HISTORY = timedelta(seconds=300)
_LOAD_HISTORY = timedelta(hours=1)


class Analysing:
    """Nnwdaf_AnalyticsInfo.

    "Now" is the latest sample: simulated time for beams, wall-clock time for loads.

    Args:
        measurements: Of the radio access network.
        loads: Of the network functions.
        offsets: Of records without effect.
        clock: For deadlines of requests.
        lowest_elevation_deg: Below it a satellite serves nobody; predictions end there.
    """

    def __init__(
        self,
        measurements: MeasurementStore,
        loads: LoadStore,
        offsets: OffsetStore,
        *,
        clock: Clock,
        lowest_elevation_deg: float,
    ) -> None:
        self._measurements = measurements
        self._loads = loads
        self._offsets = offsets
        self._clock = clock
        self._lowest_elevation_deg = lowest_elevation_deg

    async def take_in(self, record: Record) -> None:
        """Keep the measurement of a record."""
        if record.event is not None and isinstance(record.event.data, Measurement):
            await self._measurements.record_measurement(record)
        else:
            await self._offsets.skip(record)

    async def analytics(self, request: AnalyticsRequest) -> Analytics:
        """The answer to a request.

        Raises:
            InvalidArgument: INVALID_FIELD, with the standard's `cause`.
            FailedPrecondition: UNAVAILABLE_DATA when there are too few data to predict from, or
                the answer comes too late.
            NotFound: UNAVAILABLE_DATA when there are none in the period (204 in the standard).
        """
        check_request(request, wall_time=self._clock.now())
        if request.event == NF_LOAD:
            return await self._of_loads(request)
        return await self._of_beams(request)

    async def _of_beams(self, request: AnalyticsRequest) -> Analytics:
        now = await self._measurements.latest_time()
        if now is None:
            raise nothing_known()
        period = period_of(request, now=now)
        if period.kind is AnalyticsKind.STATISTICS:
            samples = await self._measurements.samples(period.start, period.end)
            return await asyncio.to_thread(statistics_of, request, samples)
        history = await self._measurements.samples(now - _PASS_HISTORY, now)
        # A fit takes a tenth of a second, in which nobody else would be served.
        return await asyncio.to_thread(
            pass_prediction,
            request,
            period,
            history,
            lowest_elevation_deg=self._lowest_elevation_deg,
        )

    async def _of_loads(self, request: AnalyticsRequest) -> Analytics:
        now = await self._loads.latest_time()
        if now is None:
            raise nothing_known()
        period = period_of(request, now=now)
        if period.kind is AnalyticsKind.STATISTICS:
            loads = await self._loads.samples(period.start, period.end)
            return await asyncio.to_thread(statistics_of, request, loads)
        history = await self._loads.samples(now - _LOAD_HISTORY, now)
        return await asyncio.to_thread(load_prediction, request, period, history)
