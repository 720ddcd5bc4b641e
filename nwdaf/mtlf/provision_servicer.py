# ruff: noqa: N802, ARG002 - names and signatures are the generated code's
"""ModelProvisionService: messages in, messages out."""

from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Any
from urllib.parse import urlencode

from aimlnf.nwdaf.v1 import model_provision_service_pb2 as pb
from aimlnf.nwdaf.v1 import model_provision_service_pb2_grpc as pb_grpc
from nf_runtime.performance_metrics import SUM_SECRECY_RATE
from nwdaf.message_fields import checked_id, invalid_field, time_of, timestamp_of
from nwdaf.mtlf.ports import ModelFile, ProvisionedModel
from nwdaf.mtlf.provision import Provision
from nwdaf.mtlf.provision_procedures import ProvisionNotification, ProvisionSubscribing
from nwdaf.mtlf.provision_subscriptions import (
    UNAVAILABLE_ML_MODEL,
    ProvisionSubscription,
    WantedModel,
    figure_of,
)

_DOWNLOAD = "aimlnf.mms.v1.ModelRepositoryService/DownloadArtifact"


class ModelProvisionServicer(pb_grpc.ModelProvisionServiceServicer):
    """See `proto/aimlnf/nwdaf/v1/model_provision_service.proto`."""

    def __init__(
        self,
        provision: Provision,
        subscribing: ProvisionSubscribing,
        *,
        repository_address: str,
    ) -> None:
        self._provision = provision
        self._subscribing = subscribing
        self._repository_address = repository_address

    async def CreateProvisionSubscription(
        self, request: pb.CreateProvisionSubscriptionRequest, context: Any
    ) -> pb.CreateProvisionSubscriptionResponse:
        """Nnwdaf_MLModelProvision_Subscribe."""
        made = await self._subscribing.subscribe(_subscription(request.subscription, ""))
        return pb.CreateProvisionSubscriptionResponse(subscription=_subscription_message(made))

    async def UpdateProvisionSubscription(
        self, request: pb.UpdateProvisionSubscriptionRequest, context: Any
    ) -> pb.UpdateProvisionSubscriptionResponse:
        """Nnwdaf_MLModelProvision_Subscribe of an existing subscription."""
        wanted = _subscription(request.subscription, request.subscription.subscription_id)
        made = await self._subscribing.modify(wanted)
        return pb.UpdateProvisionSubscriptionResponse(subscription=_subscription_message(made))

    async def DeleteProvisionSubscription(
        self, request: pb.DeleteProvisionSubscriptionRequest, context: Any
    ) -> pb.DeleteProvisionSubscriptionResponse:
        """Nnwdaf_MLModelProvision_Unsubscribe."""
        await self._subscribing.unsubscribe(request.subscription_id)
        return pb.DeleteProvisionSubscriptionResponse()

    async def WatchProvisionNotifications(
        self, request: pb.WatchProvisionNotificationsRequest, context: Any
    ) -> AsyncIterator[pb.WatchProvisionNotificationsResponse]:
        """Nnwdaf_MLModelProvision_Notify."""
        async for notification in self._subscribing.watch(request.subscription_id):
            yield pb.WatchProvisionNotificationsResponse(
                notification=self._notification(notification)
            )

    async def GetProvisionedModel(
        self, request: pb.GetProvisionedModelRequest, context: Any
    ) -> pb.GetProvisionedModelResponse:
        """The latest approved version of a model."""
        if not request.model_name:
            raise invalid_field("is empty; name the model", "model_name")
        model = await self._provision.provisioned(checked_id(request.model_name, "model_name"))
        return pb.GetProvisionedModelResponse(model=self._message(model))

    async def WatchProvisionedModels(
        self, request: pb.WatchProvisionedModelsRequest, context: Any
    ) -> AsyncIterator[pb.WatchProvisionedModelsResponse]:
        """The latest approved version, then each new one."""
        name = checked_id(request.model_name, "model_name")
        async for model in self._provision.watch(name):
            yield pb.WatchProvisionedModelsResponse(model=self._message(model))

    def _message(self, model: ProvisionedModel) -> pb.ProvisionedModel:
        return pb.ProvisionedModel(
            model_unique_id=model.model_unique_id,
            model_name=model.model_name,
            version=model.version,
            repository_address=self._repository_address,
            approve_time=timestamp_of(model.approve_time),
        )

    def _notification(self, notification: ProvisionNotification) -> pb.ProvisionNotification:
        subscription = notification.subscription
        return pb.ProvisionNotification(
            subscription_id=subscription.subscription_id,
            notif_corre_id=subscription.notif_corre_id,
            event_notifs=[
                _event_notification(wanted, notification.model, self._repository_address)
                for wanted in notification.wanted
            ],
        )


def _event_notification(
    wanted: WantedModel, model: ProvisionedModel, address: str
) -> pb.MLEventNotification:
    metric = wanted.model_metric or SUM_SECRECY_RATE
    return pb.MLEventNotification(
        ml_event=wanted.ml_event,
        ml_file_addr=None if model.file is None else _file_address(model, model.file, address),
        validity_start=None if model.valid_from is None else timestamp_of(model.valid_from),
        validity_end=None if model.valid_until is None else timestamp_of(model.valid_until),
        spatial_validity=[pb.SpatialValidity(**asdict(region)) for region in model.regions],
        add_model_info=pb.AdditionalMLModelInformation(
            model_unique_id=model.model_unique_id,
            model_name=model.model_name,
            version=model.version,
            model_metric=metric,
            acc_ml_model=figure_of(model, metric),
        ),
    )


def _file_address(model: ProvisionedModel, file: ModelFile, address: str) -> pb.MLFileAddress:
    query = urlencode(
        {"model_name": model.model_name, "version": model.version, "file_name": file.file_name}
    )
    return pb.MLFileAddress(
        ml_model_url=f"grpc://{address}/{_DOWNLOAD}?{query}",
        sha256=file.sha256,
        size_bytes=file.size_bytes,
    )


def _subscription(message: pb.ProvisionSubscription, subscription_id: str) -> ProvisionSubscription:
    field = "ml_event_subscs.expiry_time"
    return ProvisionSubscription(
        wanted=tuple(
            WantedModel(
                ml_event=entry.ml_event,
                model_name=entry.model_name,
                expiry_time=(
                    time_of(entry.expiry_time, field) if entry.HasField("expiry_time") else None
                ),
                model_metric=entry.model_metric,
                least_accuracy=(
                    entry.ml_accuracy_threshold if entry.HasField("ml_accuracy_threshold") else None
                ),
                num_models=entry.num_models,
            )
            for entry in message.ml_event_subscs
        ),
        notif_corre_id=message.notif_corre_id,
        consumer_nf_id=message.consumer_nf_id,
        subscription_id=subscription_id,
    )


def _subscription_message(subscription: ProvisionSubscription) -> pb.ProvisionSubscription:
    return pb.ProvisionSubscription(
        subscription_id=subscription.subscription_id,
        ml_event_subscs=[
            pb.MLEventSubscription(
                ml_event=wanted.ml_event,
                model_name=wanted.model_name,
                expiry_time=(
                    None if wanted.expiry_time is None else timestamp_of(wanted.expiry_time)
                ),
                model_metric=wanted.model_metric,
                ml_accuracy_threshold=wanted.least_accuracy,
                num_models=wanted.num_models,
            )
            for wanted in subscription.wanted
        ],
        notif_corre_id=subscription.notif_corre_id,
        fail_event_reports=[
            pb.FailureEventInfoForMLModel(ml_event=event, failure_code=UNAVAILABLE_ML_MODEL)
            for event in subscription.failures
        ],
        consumer_nf_id=subscription.consumer_nf_id,
    )
