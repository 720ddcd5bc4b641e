"""Errors that a fake peer answers with, by method."""

from nf_runtime.errors import NfError


class Refusals(dict[str, NfError]):
    """`asked` lists every method that was called, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def check(self, method: str) -> None:
        """Raise the error set for `method`, if there is one."""
        self.asked.append(method)
        if method in self:
            raise self[method]
