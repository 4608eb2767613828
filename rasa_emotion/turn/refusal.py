"""What a client is told of a turn that is not taken."""

from rasa_emotion.errors import RasaEmotionError


class TurnRefused(RasaEmotionError):
    """The turn cannot be taken: an HTTP status and one sentence for its sender.

    Args:
        status: of HTTP.
        message: the sentence; a chat can show it.
        retry_after: seconds after which it may be tried again; None where that does not help.
    """

    def __init__(self, status: int, message: str, *, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after
