"""What every network function needs to be a service: server, client, events, errors, settings.

Import from the modules themselves (``from nf_runtime.errors import NotFound``).
"""
