"""Where the bot's answers go in a call: to the caller's ear."""

import re
from collections.abc import Mapping
from typing import Any

from rasa.core.channels.channel import OutputChannel

from rasa_emotion.conversation.ssml import Prosody
from rasa_emotion.endpoints import VOICE_CHANNEL
from rasa_emotion.voice.session import Call
from rasa_emotion.voice.synthesisers.speech import PLAIN, Speech

_MARKDOWN = re.compile(r"[*_`#~|]+|!?\[([^\]]*)\]\([^)]*\)")
_ADDRESS = re.compile(r"https?://\S+")


class VoiceOutput(OutputChannel):
    """Speaks to one call. What cannot be spoken, such as an image, is left out."""

    def __init__(self, call: Call) -> None:
        self._call = call

    @classmethod
    def name(cls) -> str:
        """The channel's name (see parent class for full docstring)."""
        return VOICE_CHANNEL

    async def send_text_message(self, recipient_id: str, text: str, **kwargs: Any) -> None:
        """Speaks a text in the tone that came with it (see parent class for full docstring)."""
        said = spoken(text)
        if said or kwargs.get("ssml"):
            self._call.say(Speech(said, _prosody(kwargs.get("prosody")), kwargs.get("ssml")))

    async def send_text_with_buttons(
        self, recipient_id: str, text: str, buttons: list[dict[str, Any]], **kwargs: Any
    ) -> None:
        """Speaks a text, then the buttons' titles one by one (see parent class for full docstring)."""
        titles = ". ".join(spoken(str(button.get("title", ""))) for button in buttons)
        await self.send_text_message(recipient_id, f"{text} {titles}".strip(), **kwargs)

    async def send_image_url(self, recipient_id: str, image: str, **kwargs: Any) -> None:
        """There is nothing to hear (see parent class for full docstring)."""

    async def send_attachment(self, recipient_id: str, attachment: str, **kwargs: Any) -> None:
        """There is nothing to hear (see parent class for full docstring)."""

    async def send_custom_json(self, recipient_id: str, json_message: dict[str, Any], **kwargs: Any) -> None:
        """`{"hang_up": true}` ends the call, `{"transfer": true}` gives it to the line's next instruction."""
        if json_message.get("text") or json_message.get("ssml"):
            self._call.say(Speech(spoken(str(json_message.get("text") or "")), ssml=json_message.get("ssml")))
        if json_message.get("transfer") is True:
            self._call.hang_up("transfer")
        elif json_message.get("hang_up") is True:
            self._call.hang_up()


def spoken(text: str) -> str:
    """A text as it is said: without the marks of Markdown and without addresses.

    >>> spoken("**Hello**, see [our page](https://example.org) or https://example.org/faq")
    'Hello, see our page or'
    """
    return " ".join(_ADDRESS.sub("", _MARKDOWN.sub(lambda found: found[1] or "", text)).split())


def _prosody(given: Any) -> Prosody:
    if not isinstance(given, Mapping):
        return PLAIN
    known = {key: given[key] for key in ("rate", "pitch", "volume", "pause_ms") if isinstance(given.get(key), int)}
    style = given.get("style")
    return Prosody(**known, style=style if isinstance(style, str) else None)
