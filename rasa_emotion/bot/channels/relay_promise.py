"""What the bot tells a caller of a human is spoken once the handover is kept: a server may end in between."""

from typing import Any

from rasa.core.channels.channel import OutputChannel

from rasa_emotion.handoff.keeper import Promise


class Held:
    """A caller's output channel for one turn, from the promise on held back until `release`.

    Args:
        output: the channel's own.
        promise: of this turn.
    """

    def __init__(self, output: OutputChannel, promise: Promise) -> None:
        self._output = output
        self._promise = promise
        self._held: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._output, name)

    async def send_response(self, recipient_id: str, message: dict[str, Any]) -> None:
        """By which Rasa sends all that a bot says."""
        if self._promise.made:
            self._held.append((recipient_id, message))
        else:
            await self._output.send_response(recipient_id, message)

    async def release(self) -> None:
        """Say what was held back."""
        held, self._held = self._held, []
        for recipient_id, message in held:
            await self._output.send_response(recipient_id, message)

    def end(self) -> None:
        """The turn is over: what speaks later, as a reminder does, is not held back."""
        self._held = []
        self._promise = Promise()
