"""The storage and the event broker behind the ports of the AnLF."""
