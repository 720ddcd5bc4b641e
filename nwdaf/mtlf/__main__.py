"""``python -m nwdaf.mtlf --config FILE``."""

import sys

from nf_runtime.config import load_settings
from nf_runtime.server import run_nf
from nwdaf.mtlf.app import serve
from nwdaf.mtlf.config import MtlfSettings


def main() -> None:
    """Run the MTLF until it is told to stop."""
    settings = load_settings(MtlfSettings, sys.argv[1:])
    run_nf(MtlfSettings.nf_name, lambda stop: serve(settings, stop), log=settings.log)


if __name__ == "__main__":
    main()
