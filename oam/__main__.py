"""``python -m oam --config FILE``."""

import sys

from nf_runtime.config import load_settings
from nf_runtime.server import run_nf
from oam.app import serve
from oam.config import OamSettings


def main() -> None:
    """Run until SIGTERM."""
    settings = load_settings(OamSettings, sys.argv[1:])
    run_nf("oam", lambda stop: serve(settings, stop), log=settings.log)


if __name__ == "__main__":
    main()
