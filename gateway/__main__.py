"""``python -m gateway --config FILE``."""

import sys

from gateway.app import serve
from gateway.config import GatewaySettings
from nf_runtime.config import load_settings
from nf_runtime.server import run_nf


def main() -> None:
    """Runs the gateway until it is told to stop."""
    settings = load_settings(GatewaySettings, sys.argv[1:])
    run_nf(GatewaySettings.nf_name, lambda stop: serve(settings, stop), log=settings.log)


if __name__ == "__main__":
    main()
