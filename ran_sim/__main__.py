"""``python -m ran_sim --config FILE``."""

import sys

from nf_runtime.config import load_settings
from nf_runtime.server import run_nf
from ran_sim.app import serve
from ran_sim.config import RanSimSettings


def main() -> None:
    """Run the simulator until it is told to stop."""
    settings = load_settings(RanSimSettings, sys.argv[1:])
    run_nf(RanSimSettings.nf_name, lambda stop: serve(settings, stop), log=settings.log)


if __name__ == "__main__":
    main()
