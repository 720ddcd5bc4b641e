"""``python -m nwdaf.anlf --config FILE``."""

import sys

from nf_runtime.config import load_settings
from nf_runtime.server import run_nf
from nwdaf.anlf.app import serve
from nwdaf.anlf.config import AnlfSettings


def main() -> None:
    """Run the AnLF until it is told to stop."""
    settings = load_settings(AnlfSettings, sys.argv[1:])
    run_nf(AnlfSettings.nf_name, lambda stop: serve(settings, stop), log=settings.log)


if __name__ == "__main__":
    main()
