"""Every class of managed objects that this network function knows."""

from collections.abc import Mapping

from nf_runtime.errors import InvalidArgument
from oam.nrm.classes import ManagedClass, Role
from oam.nrm.generic_classes import GENERIC_CLASSES
from oam.nrm.ml_classes import ML_CLASSES
from oam.nrm.names import Name

CLASSES: Mapping[str, ManagedClass] = {each.name: each for each in (*ML_CLASSES, *GENERIC_CLASSES)}
REQUESTS = tuple(each.name for each in CLASSES.values() if each.role is Role.REQUEST)


def class_of(name: Name) -> ManagedClass:
    """The class of the object that `name` names, which is in a place where it may be.

    Raises:
        InvalidArgument: INVALID_FIELD.
    """
    found = CLASSES.get(name.object_class)
    if found is None:
        raise InvalidArgument(
            f"distinguished_name must end in one of the classes {', '.join(CLASSES)}",
            reason="INVALID_FIELD",
            field="distinguished_name",
        )
    found.check_place(name)
    return found
