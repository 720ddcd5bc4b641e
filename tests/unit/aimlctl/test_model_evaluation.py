"""What `aimlctl model evaluate` shows people."""

import io

from rich.console import Console
from support.comparison import RATIOS, RESULT

from aimlctl.model_evaluation import _show


def shown(result: dict[str, object]) -> str:
    """The tables on a wide terminal."""
    out = io.StringIO()
    _show(Console(file=out, width=200), result)
    return out.getvalue()


def test_every_part_of_the_document_has_a_table() -> None:
    """Rates and ratios on both channels, times, shifts and regret."""
    text = shown(RESULT)
    for title in (
        "On the estimated channel, b/s/Hz",
        "On the true channel, b/s/Hz",
        "Of exhaustive, estimated channel",
        "Of SCA + matching, true channel",
        "Shift never trained on",
        "Regret above 5 %",
        "AUROC by both",
    ):
        assert title in text
    rates_to_times, about_signals = text.split("Shift never trained on")
    for name in RATIOS:
        assert sum(line.startswith(f"{name} ") for line in rates_to_times.splitlines()) == 7
    assert sum(line.startswith("gan_gdm ") for line in about_signals.splitlines()) == 2


def test_what_was_not_compared_is_not_shown() -> None:
    """Without SCA and without the model there are no such ratios and no reliability."""
    text = shown({k: v for k, v in RESULT.items() if "sca" not in k and k != "reliability"})
    assert "Of SCA + matching" not in text
    assert "Shift" not in text
    assert "One decision" in text
