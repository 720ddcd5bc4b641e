"""``python -m inference_nf [--config FILE]``."""

import sys

from inference_nf.app import serve
from inference_nf.config import InferenceSettings
from nf_runtime.config import load_settings
from nf_runtime.server import run_nf


def main() -> None:
    """Load the settings and serve until SIGTERM."""
    settings = load_settings(InferenceSettings, sys.argv[1:])
    run_nf(settings.nf_name, lambda stop: serve(settings, stop), log=settings.log)


if __name__ == "__main__":
    main()
