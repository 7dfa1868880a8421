"""What surveys do that ask for one thing after another, when one of them fails."""

from typing import TYPE_CHECKING

from hoag.network.contract import Nothing

if TYPE_CHECKING:
    from hoag.network.session import RefusedError, TryAgainError

LOGIN = ("http_401", "http_403")
IN_ROW = 3  # failures, after which the service as a whole seems to be in trouble


def refused(error: "RefusedError", object_id: str) -> Nothing:
    """The answer for one object that a service refuses, so that others of its group go on.

    Raises
    ------
    RefusedError
        The same again, if it is about the login.
    """
    if error.status in LOGIN:
        raise error
    return Nothing(object_id, "no_data", f"the service says {error}", error.url)


class Patience:
    """Lets the rest of a group go on after a failure, but not after several in a row."""

    def __init__(self) -> None:
        self._last: TryAgainError | None = None
        self._in_row = 0

    def failed(self, error: "TryAgainError") -> None:
        """Remember a failure; raise it where it is one too many, or the service asks to wait."""
        self._last, self._in_row = error, self._in_row + 1
        if self._in_row >= IN_ROW or error.wait_s is not None:
            raise error

    def went_well(self) -> None:
        """Forget how many failed in a row."""
        self._in_row = 0

    def end(self) -> None:
        """Raise the last failure, if there was any: what failed is to be asked for again."""
        if self._last is not None:
            raise self._last
