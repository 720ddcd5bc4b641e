"""Which event of the radio access network an analytics event is about."""

import enum


class EventKind(enum.Enum):
    """What the radio access network observes; several tokens of NwdafEvent may name one kind."""

    BEAM_QUALITY = "BEAM_QUALITY"
    DOPPLER = "DOPPLER"
    EAVESDROPPER = "EAVESDROPPER"
