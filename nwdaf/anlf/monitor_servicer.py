# ruff: noqa: N802, ARG002 - names and signatures are the generated code's
"""ModelMonitorService: messages in, messages out."""

from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Any

from aimlnf.nwdaf.v1 import model_monitor_service_pb2 as monitor_pb
from aimlnf.nwdaf.v1 import model_monitor_service_pb2_grpc as monitor_grpc
from nf_runtime.events.catalogue import (
    BeamQualityDegraded,
    DopplerSinrDrop,
    EavesdropperDetected,
)
from nf_runtime.performance_metrics import SUM_SECRECY_RATE
from nwdaf.anlf.accuracy import ModelAccuracy
from nwdaf.anlf.monitor_procedures import ModelMonitoring, MonitorNotification
from nwdaf.anlf.monitor_subscriptions import ModelUse, MonitorSubscription
from nwdaf.anlf.monitoring import DecisionReport, Monitoring
from nwdaf.message_fields import (
    checked_id,
    duration_of,
    invalid_field,
    length_of,
    timestamp_of,
)

_EVENT_OF_TRIGGER = {
    BeamQualityDegraded.event_type: "VS_NTN_BEAM_QUALITY",
    DopplerSinrDrop.event_type: "VS_NTN_DOPPLER_SINR_DROP",
    EavesdropperDetected.event_type: "VS_NTN_EAVESDROPPER",
}


class ModelMonitorServicer(monitor_grpc.ModelMonitorServiceServicer):
    """See `proto/aimlnf/nwdaf/v1/model_monitor_service.proto`."""

    def __init__(self, monitoring: Monitoring, models: ModelMonitoring) -> None:
        self._monitoring = monitoring
        self._models = models

    async def RegisterModelUse(
        self, request: monitor_pb.RegisterModelUseRequest, context: Any
    ) -> monitor_pb.RegisterModelUseResponse:
        """Nnwdaf_MLModelMonitor_Register."""
        use = request.model_use
        made = await self._models.register(
            ModelUse(use.model_unique_id, use.model_name, use.version, use.consumer_nf_id)
        )
        return monitor_pb.RegisterModelUseResponse(model_use=_use_message(made))

    async def DeregisterModelUse(
        self, request: monitor_pb.DeregisterModelUseRequest, context: Any
    ) -> monitor_pb.DeregisterModelUseResponse:
        """Nnwdaf_MLModelMonitor_Deregister."""
        await self._models.deregister(request.registration_id)
        return monitor_pb.DeregisterModelUseResponse()

    async def ListModelUses(
        self, request: monitor_pb.ListModelUsesRequest, context: Any
    ) -> monitor_pb.ListModelUsesResponse:
        """All registrations."""
        uses = await self._models.uses()
        return monitor_pb.ListModelUsesResponse(model_uses=map(_use_message, uses))

    async def CreateMonitorSubscription(
        self, request: monitor_pb.CreateMonitorSubscriptionRequest, context: Any
    ) -> monitor_pb.CreateMonitorSubscriptionResponse:
        """Nnwdaf_MLModelMonitor_Subscribe."""
        made = await self._models.subscribe(_subscription(request.subscription, ""))
        return monitor_pb.CreateMonitorSubscriptionResponse(
            subscription=_subscription_message(made)
        )

    async def UpdateMonitorSubscription(
        self, request: monitor_pb.UpdateMonitorSubscriptionRequest, context: Any
    ) -> monitor_pb.UpdateMonitorSubscriptionResponse:
        """Nnwdaf_MLModelMonitor_Subscribe of an existing subscription."""
        wanted = _subscription(request.subscription, request.subscription.subscription_id)
        made = await self._models.modify(wanted)
        return monitor_pb.UpdateMonitorSubscriptionResponse(
            subscription=_subscription_message(made)
        )

    async def DeleteMonitorSubscription(
        self, request: monitor_pb.DeleteMonitorSubscriptionRequest, context: Any
    ) -> monitor_pb.DeleteMonitorSubscriptionResponse:
        """Nnwdaf_MLModelMonitor_Unsubscribe."""
        await self._models.unsubscribe(request.subscription_id)
        return monitor_pb.DeleteMonitorSubscriptionResponse()

    async def WatchMonitorNotifications(
        self, request: monitor_pb.WatchMonitorNotificationsRequest, context: Any
    ) -> AsyncIterator[monitor_pb.WatchMonitorNotificationsResponse]:
        """Nnwdaf_MLModelMonitor_Notify."""
        async for notification in self._models.watch(request.subscription_id):
            yield monitor_pb.WatchMonitorNotificationsResponse(
                notification=_notification(notification)
            )

    async def GetModelAccuracy(
        self, request: monitor_pb.GetModelAccuracyRequest, context: Any
    ) -> monitor_pb.GetModelAccuracyResponse:
        """Accuracy of one version over its recent decisions."""
        if request.version < 0:
            raise invalid_field("is negative; 0 names the one that decided last", "version")
        accuracy = await self._monitoring.accuracy(
            checked_id(request.model_name, "model_name"), request.version
        )
        return monitor_pb.GetModelAccuracyResponse(accuracy=_message(accuracy))

    async def WatchModelAccuracy(
        self, request: monitor_pb.WatchModelAccuracyRequest, context: Any
    ) -> AsyncIterator[monitor_pb.WatchModelAccuracyResponse]:
        """Accuracy each time a decision was reported."""
        async for accuracy in self._monitoring.watch(request.model_name):
            yield monitor_pb.WatchModelAccuracyResponse(accuracy=_message(accuracy))


def _message(accuracy: ModelAccuracy) -> monitor_pb.ModelAccuracy:
    return monitor_pb.ModelAccuracy(
        model_name=accuracy.model_name,
        version=accuracy.version,
        inference_num=accuracy.inference_num,
        deviation_percent=accuracy.deviation_percent,
        achieved_mean_bps_hz=accuracy.achieved_mean_bps_hz,
        gain_mean_bps_hz=accuracy.gain_mean_bps_hz,
        reliability_mean=accuracy.reliability_mean,
        update_time=timestamp_of(accuracy.update_time),
    )


def _use_message(use: ModelUse) -> monitor_pb.ModelUse:
    return monitor_pb.ModelUse(**asdict(use))


def _subscription(
    message: monitor_pb.MonitorSubscription, subscription_id: str
) -> MonitorSubscription:
    return MonitorSubscription(
        model_ids=tuple(message.model_ids),
        model_metric=message.model_metric or SUM_SECRECY_RATE,
        accu_threshold_percent=message.accu_threshold,
        rep_period=(
            length_of(message.rep_period, "rep_period") if message.HasField("rep_period") else None
        ),
        imm_reports=message.imm_reports,
        notif_corr_id=message.notif_corr_id,
        consumer_nf_id=message.consumer_nf_id,
        subscription_id=subscription_id,
    )


def _subscription_message(subscription: MonitorSubscription) -> monitor_pb.MonitorSubscription:
    period = subscription.rep_period
    return monitor_pb.MonitorSubscription(
        subscription_id=subscription.subscription_id,
        model_ids=subscription.model_ids,
        model_metric=subscription.model_metric,
        accu_threshold=subscription.accu_threshold_percent,
        rep_period=None if period is None else duration_of(period),
        imm_reports=subscription.imm_reports,
        notif_corr_id=subscription.notif_corr_id,
        consumer_nf_id=subscription.consumer_nf_id,
    )


def _notification(notification: MonitorNotification) -> monitor_pb.MonitorNotification:
    accuracy, report = notification.accuracy, notification.report
    return monitor_pb.MonitorNotification(
        subscription_id=notification.subscription.subscription_id,
        notif_corr_id=notification.subscription.notif_corr_id,
        model_accu_infos=[
            monitor_pb.ModelAccuInfo(
                model_id=notification.model_id,
                deviation=accuracy.deviation_percent,
                inference_num=accuracy.inference_num,
                model_metric=notification.subscription.model_metric,
            )
        ],
        ana_feedbacks=[] if report is None else [_feedback(report, notification.model_id)],
    )


def _feedback(report: DecisionReport, model_id: int) -> monitor_pb.AnaFeedback:
    return monitor_pb.AnaFeedback(
        events=[_EVENT_OF_TRIGGER.get(report.trigger_type, report.trigger_type)],
        model_ids=[model_id],
        ground_data_impact_ind=report.outcome.gain_bps_hz != 0,
        time_stamp=timestamp_of(report.outcome.applied_time),
    )
