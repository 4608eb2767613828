"""AssemblyAI's streaming transcription (version 3) over its WebSocket, as of its documentation of 2026."""

import json
from collections.abc import Mapping
from typing import Any

import aiohttp

from rasa_emotion.audio.waveform import SAMPLE_RATE
from rasa_emotion.voice.recognisers.interface import RecogniserError, Transcript
from rasa_emotion.voice.recognisers.websocket import WebSocketRecogniser

TOLD = 160
"""Characters of the service's own words that an error quotes."""


class AssemblyAIRecogniser(WebSocketRecogniser):
    """AssemblyAI; the caller's audio leaves the machine. The key stands in ASSEMBLYAI_API_KEY.

    Args:
        model: such as "universal-streaming-english" or "universal-streaming-multilingual".
        url: of another region, such as "wss://streaming.eu.assemblyai.com/v3/ws".
        options: further ones of AssemblyAI's, such as {"max_turn_silence": "2000"}.
        wait_secs: longest wait for the words of a turn that has ended.

    Raises:
        ConfigError: the key is not set.
    """

    name = "assemblyai"
    vendor = "AssemblyAI"
    finalise = '{"type": "ForceEndpoint"}'
    goodbye = '{"type": "Terminate"}'

    def __init__(
        self,
        *,
        model: str = "universal-streaming-english",
        url: str = "wss://streaming.assemblyai.com/v3/ws",
        options: Mapping[str, str] | None = None,
        wait_secs: float = 1.5,
    ) -> None:
        super().__init__("ASSEMBLYAI_API_KEY", wait_secs)
        self._url, self._model, self._options = url, model, dict(options or {})
        self._told_turn = -1

    def address(self) -> tuple[str, Mapping[str, str], Mapping[str, str]]:
        """Of a session in 16 bit PCM."""
        query = {"speech_model": self._model, "sample_rate": str(SAMPLE_RATE), "encoding": "pcm_s16le"}
        return self._url, {**query, **self._options}, {"Authorization": self._key}

    async def greeted(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Waits for `Begin`: a refused key is told in a session that was opened."""
        self._told_turn = -1
        message = await socket.receive()
        if message.type is not aiohttp.WSMsgType.TEXT:
            raise RecogniserError(
                f"AssemblyAI closed the connection at once (code {socket.close_code}); see its options."
            )
        content = json.loads(message.data)
        if content.get("type") != "Begin":
            self.take(content)
            raise RecogniserError("AssemblyAI does not begin a session; see that the URL is that of version 3.")

    def take(self, message: Mapping[str, Any]) -> None:
        """Reads turns. An error, which comes before the connection is closed, is raised."""
        if message.get("type") == "Error":
            code, said = message.get("error_code"), str(message.get("error", ""))[:TOLD]
            remedy = f"correct {self._key_variable}" if code == 1008 else "see the account and its options"
            raise RecogniserError(f"AssemblyAI ended the session ({code}: {said}); {remedy}.")
        if message.get("type") != "Turn":
            return
        words = tuple(self._word(word["text"], word, per_sec=1000) for word in message["words"])
        sure = [word.confidence for word in words if word.confidence is not None]
        text = str(message["transcript"]).strip() if message["end_of_turn"] else " ".join(word.text for word in words)
        language = message.get("language_code") or ("en" if self._model.endswith("english") else None)
        piece = Transcript(text, round(sum(sure) / len(sure), 4) if text and sure else None, words, language)
        if not message["end_of_turn"]:
            self._guessed(piece)
            return
        if message["turn_order"] == self._told_turn:
            return  # the same turn once more, formatted
        self._told_turn = message["turn_order"]
        self._said(piece, complete=True)

    def settled(self) -> bool:
        """Whether it has ended a turn by itself and heard nothing since."""
        return bool(self._pieces) and self._guess is None
