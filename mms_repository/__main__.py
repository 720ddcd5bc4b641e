"""`python -m mms_repository [--config FILE]` serves the model repository."""

import sys
from typing import NoReturn

from mms_repository.app import serve
from mms_repository.config import MmsSettings
from nf_runtime.config import load_settings
from nf_runtime.heap import keep_freed_memory
from nf_runtime.server import run_nf


def main() -> NoReturn:
    """Run until SIGTERM or SIGINT."""
    settings = load_settings(MmsSettings, sys.argv[1:])
    keep_freed_memory()
    run_nf(settings.nf_name, lambda stop: serve(settings, stop), log=settings.log)


if __name__ == "__main__":
    main()
