"""Where the REST channel gathers the bot's answers: under its own name, with markup for a voice and with warnings."""

from typing import Any

from rasa.core.channels.channel import CollectingOutputChannel
from rasa.core.channels.rest import QueueOutputChannel

CHANNEL = "emotion"


class _WithMarkup:
    """Puts the markup that comes with a text into the message, or into the first of those that Rasa makes of it.

    The turn's first message also says what of the voice was not heard.
    """

    warning: str | None = None
    _markup: str | None = None

    # Rasa's own collectors have names of their own, which variations with `channel: emotion` would never meet.
    @classmethod
    def name(cls) -> str:
        """The channel's name (see parent class for full docstring)."""
        return CHANNEL

    async def send_text_message(self, recipient_id: str, text: str, **kwargs: Any) -> None:
        """Collects a text (see parent class for full docstring)."""
        self._markup = kwargs.get("ssml")
        await super().send_text_message(recipient_id, text, **kwargs)  # type: ignore[misc]  # of the other parent

    async def send_text_with_buttons(
        self, recipient_id: str, text: str, buttons: list[dict[str, Any]], **kwargs: Any
    ) -> None:
        """Collects a text with buttons (see parent class for full docstring)."""
        self._markup = kwargs.get("ssml")
        await super().send_text_with_buttons(recipient_id, text, buttons, **kwargs)  # type: ignore[misc]

    async def _persist_message(self, message: dict[str, Any]) -> None:
        markup, self._markup = self._markup, None
        warning, self.warning = self.warning, None
        beside = {**({"ssml": markup} if markup else {}), **({"warnings": [warning]} if warning else {})}
        await super()._persist_message({**message, **beside})  # type: ignore[misc]


class Collector(_WithMarkup, CollectingOutputChannel):
    """Collects the answers to a turn in a list."""


class Queued(_WithMarkup, QueueOutputChannel):
    """Puts each answer into a queue as it comes."""
