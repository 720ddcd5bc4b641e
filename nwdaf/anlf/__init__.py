"""The analytics logical function of the NWDAF: subscriptions, analytics and model accuracy."""
