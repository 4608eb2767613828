"""Deepgram's live transcription (its Nova models) over its WebSocket, as of its documentation of 2026."""

from collections.abc import Mapping
from typing import Any

from rasa_emotion.audio.waveform import SAMPLE_RATE
from rasa_emotion.voice.recognisers.interface import Transcript
from rasa_emotion.voice.recognisers.websocket import WebSocketRecogniser

SLACK_SECS = 0.05
"""Deepgram's times are rounded, and end with a frame of its own."""


class DeepgramRecogniser(WebSocketRecogniser):
    """Deepgram; the caller's audio leaves the machine. The key stands in DEEPGRAM_API_KEY.

    Args:
        model: such as "nova-3".
        language: code such as "en"; "multi" lets the model tell.
        url: of a server of one's own, or of another region.
        options: further ones of Deepgram's, such as {"keyterm": "refund"}.
        wait_secs: longest wait for the words of a turn that has ended.

    Raises:
        ConfigError: the key is not set.
    """

    name = "deepgram"
    vendor = "Deepgram"
    finalise = '{"type": "Finalize"}'
    keep_alive = '{"type": "KeepAlive"}'
    goodbye = '{"type": "CloseStream"}'

    def __init__(
        self,
        *,
        model: str = "nova-3",
        language: str = "en",
        url: str = "wss://api.deepgram.com/v1/listen",
        options: Mapping[str, str] | None = None,
        wait_secs: float = 1.5,
    ) -> None:
        super().__init__("DEEPGRAM_API_KEY", wait_secs)
        self._url, self._model, self._language, self._options = url, model, language, dict(options or {})
        self._covered_secs = 0.0

    def address(self) -> tuple[str, Mapping[str, str], Mapping[str, str]]:
        """Of a session in 16 bit PCM with interim results; the ends of turns are ours."""
        self._covered_secs = 0.0  # of a new connection
        query = {
            "model": self._model,
            "language": self._language,
            "encoding": "linear16",
            "sample_rate": str(SAMPLE_RATE),
            "channels": "1",
            "interim_results": "true",
            "punctuate": "true",
            "endpointing": "false",
        }
        return self._url, {**query, **self._options}, {"Authorization": f"Token {self._key}"}

    def take(self, message: Mapping[str, Any]) -> None:
        """Reads results; other kinds of messages say nothing of words."""
        if message.get("type") != "Results":
            return
        best = message["channel"]["alternatives"][0]
        text = str(best["transcript"]).strip()
        words = tuple(self._word(word.get("punctuated_word") or word["word"], word) for word in best.get("words", ()))
        piece = Transcript(text, float(best["confidence"]) if text else None, words, self._language)
        if not message.get("is_final"):
            self._guessed(piece)
            return
        self._covered_secs = float(message["start"]) + float(message["duration"])
        # Deepgram marks the answer to `Finalize`, but may leave the mark out where little audio was left.
        self._said(piece, complete=bool(message.get("from_finalize")) or self.settled())

    def settled(self) -> bool:
        """Whether final results cover the audio that was sent."""
        return self._guess is None and self._covered_secs >= self._sent_secs - SLACK_SECS
