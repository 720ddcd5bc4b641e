"""The identity of notifications."""

import uuid

from hypothesis import given
from hypothesis import strategies as st

from nwdaf.anlf.notifications import _NAMESPACE, Cause, notification_id_of


@given(st.text(), st.text())
def test_the_identity_is_that_of_rfc_9562(subscription_id: str, cause: str) -> None:
    """The shorter way leads to what `uuid.uuid5` makes: stored identities stay what they were."""
    expected = uuid.uuid5(_NAMESPACE, f"{subscription_id} {cause}").hex
    assert notification_id_of(subscription_id, Cause(cause)) == expected
