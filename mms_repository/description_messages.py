"""Messages of what publishers say about versions, to and from the nouns. Translation only."""

from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp

from aimlnf.mms.v1 import model_pb2
from aimlnf.mms.v1 import model_repository_service_pb2 as service_pb2
from mms_repository.descriptions import Description, Region, TensorSpec, Validity
from mms_repository.names import invalid_field


def description_from(header: service_pb2.UploadHeader) -> Description:
    """What the header of an upload says; shells and environments sorted, as they are kept.

    Raises:
        InvalidArgument: INVALID_FIELD for a time that is none.
    """
    validity = header.validity
    return Description(
        labels=dict(header.labels),
        validity=Validity(
            valid_from=time_from(validity.valid_from if validity.HasField("valid_from") else None),
            valid_until=time_from(
                validity.valid_until if validity.HasField("valid_until") else None
            ),
            orbit_shells=tuple(sorted(validity.orbit_shells)),
            regions=tuple(
                Region(
                    region.min_latitude_deg,
                    region.max_latitude_deg,
                    region.min_longitude_deg,
                    region.max_longitude_deg,
                )
                for region in validity.regions
            ),
        ),
        target_environments=tuple(sorted(header.target_environments)),
        dataset_sha256=header.dataset_sha256,
    )


def validity_message(validity: Validity) -> model_pb2.Validity:
    """The message of a validity."""
    return model_pb2.Validity(
        valid_from=None if validity.valid_from is None else timestamp_of(validity.valid_from),
        valid_until=None if validity.valid_until is None else timestamp_of(validity.valid_until),
        orbit_shells=validity.orbit_shells,
        regions=[model_pb2.Region(**vars(region)) for region in validity.regions],
    )


def tensor_message(spec: TensorSpec) -> model_pb2.TensorSpec:
    """The message of an input or output."""
    return model_pb2.TensorSpec(
        file_name=spec.file_name, name=spec.name, datatype=spec.datatype, shape=spec.shape
    )


def time_from(message: Timestamp | None) -> datetime | None:
    """The aware time of a timestamp.

    Raises:
        InvalidArgument: INVALID_FIELD for one that lies outside the calendar.
    """
    if message is None:
        return None
    try:
        return message.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise invalid_field("time", "lies outside the years 1 to 9999") from error


def timestamp_of(time: datetime) -> Timestamp:
    """The timestamp of an aware time."""
    timestamp = Timestamp()
    timestamp.FromDatetime(time)
    return timestamp
