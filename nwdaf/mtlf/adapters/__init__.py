"""The database, the model repository and the working process behind the ports of the MTLF."""
