"""Pictures and files that need an extra of the package, which may not be installed."""

from importlib import import_module
from pathlib import Path
from typing import Any

from aimlctl.output import CommandError


def extra(module: str, user: str) -> Any:
    """A module that comes with an extra of this package.

    Args:
        module: its name.
        user: what needs it, as the message says.

    Raises:
        CommandError: it is not installed.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise CommandError(
            f"{user} needs {module.partition('.')[0]}; install it with: pip install 'aimlnf[train]'"
        ) from error


def new_figure(width_in: float, height_in: float, *, user: str) -> Any:
    """An empty matplotlib figure; `user` as of `extra`.

    Raises:
        CommandError: matplotlib is not installed.
    """
    # Without pyplot: no window system is asked for, and nothing global is left behind.
    figure = extra("matplotlib.figure", user).Figure
    return figure(figsize=(width_in, height_in), layout="constrained")


def save_figure(figure: Any, path: Path, *, dpi: int, label: str) -> None:
    """Writes a figure; `label` is what messages call the file.

    Raises:
        CommandError: the suffix names no format of pictures, or the file cannot be written.
    """
    try:
        figure.savefig(path, dpi=dpi)
    except ValueError as error:
        raise CommandError(f"{label} names no kind of picture: use .png, .svg or .pdf") from error
    except OSError as error:
        raise CommandError(f"{label} cannot be written: {error.strerror}") from error
