"""Rasa Pro's voice channels, with what `EmotionASR` heard in the metadata of each turn."""

from typing import Any

from rasa.core.channels.voice_stream.browser_audio import BrowserAudioInputChannel
from rasa.core.channels.voice_stream.call_state import call_state
from rasa.core.channels.voice_stream.json_audio import JsonAudioInputChannel

from rasa_emotion.turn.evidence import EVIDENCE_KEY


class HeardInTurns:
    """Put before a voice channel of Rasa Pro's, gives its turns the evidence of the voice.

    >>> class EmotionTwilio(HeardInTurns, TwilioMediaStreamsInputChannel): ...  # doctest: +SKIP
    """

    def build_turn_metadata(self, call_parameters: Any) -> dict[str, Any]:
        """The channel's metadata and the evidence (see parent class for full docstring)."""
        metadata: dict[str, Any] = super().build_turn_metadata(call_parameters)  # type: ignore[misc]
        # Taken out: a turn without sound must not have the evidence of the one before.
        evidence = call_state.channel_data.pop(EVIDENCE_KEY, None)
        return metadata if evidence is None else {**metadata, EVIDENCE_KEY: evidence}


class EmotionJsonAudio(HeardInTurns, JsonAudioInputChannel):
    """`json_audio`, which needs no licence for voice."""


class EmotionBrowserAudio(HeardInTurns, BrowserAudioInputChannel):
    """`browser_audio`, which needs no licence for voice."""
