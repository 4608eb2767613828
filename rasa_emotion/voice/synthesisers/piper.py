"""Piper as a process of its own, by its HTTP server: a good voice on this machine.

`python -m piper.http_server -m VOICE` (piper-tts 1.8, GPL-3.0-or-later, which therefore stays outside). It has a length
scale and no pitch; pauses and volume are made here.
"""

import struct
from collections.abc import AsyncGenerator

import numpy as np

from rasa_emotion.errors import ConfigError
from rasa_emotion.settings import check_number, check_text
from rasa_emotion.voice.synthesisers.http import SpeechClient
from rasa_emotion.voice.synthesisers.speech import Speech, SynthesisError, louder, parts_of, silence

OWNER = "The synthesiser 'piper'"
REMEDIES = {
    400: "see that it is piper-tts 1.8",
    404: "see that 'url' is that of piper.http_server of piper-tts 1.8",
    500: "look at its output; the voice may be missing",
}

# The duration that a length scale really gives, measured with the voice joe of piper-tts 1.8.0.
_DURATIONS = (0.62, 0.91, 1.0, 1.39, 1.83)
_SCALES = (0.5, 0.8, 1.0, 1.5, 2.0)

PIECE = 8192


class Piper:
    """Speaks with a voice of Piper's.

    Args:
        url: of `piper.http_server`.
        voice: name of the voice; None for the one that the server was started with.
        sample_rate: Hz of that voice, as its .onnx.json says; most have 22050.
        first_secs: how long a sentence may take.

    Raises:
        ConfigError: an option cannot be used.
    """

    name = "piper"
    dialect = None

    def __init__(
        self,
        *,
        url: str = "http://127.0.0.1:5000",
        voice: str | None = None,
        sample_rate: int = 22_050,
        first_secs: float = 10.0,
    ) -> None:
        check_text(OWNER, "url", url)
        check_text(OWNER, "voice", voice, optional=True)
        check_number(OWNER, "first_secs", first_secs, above=0)
        if not isinstance(sample_rate, int) or not 4_000 <= sample_rate <= 192_000:
            raise ConfigError(f"{OWNER}: 'sample_rate' is {sample_rate!r}; give the voice's rate in Hz, such as 22050.")
        self.sample_rate = sample_rate
        self._url, self._voice = f"{url.rstrip('/')}/synthesize", voice
        self._client = SpeechClient(self.name, REMEDIES, first_secs=first_secs)

    async def speak(self, speech: Speech) -> AsyncGenerator[bytes, None]:
        """Mono samples, 16 bit. Raises SynthesisError."""
        duration = 1 / (1 + speech.prosody.rate / 100)
        scale = round(float(np.interp(duration, _DURATIONS, _SCALES)), 3)
        for number, part in enumerate(parts_of(speech)):
            if number:
                yield silence(speech.prosody.pause_ms, self.sample_rate)
            body = {"text": part, "length_scale": scale, **({"voice": self._voice} if self._voice else {})}
            wav = b"".join([piece async for piece in self._client.post(self._url, headers={}, json=body)])
            samples = louder(samples_of(wav, self.sample_rate), speech.prosody.volume)
            for start in range(0, len(samples), PIECE):
                yield samples[start : start + PIECE]

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.close()


def samples_of(wav: bytes, sample_rate: int) -> bytes:
    """The samples of a WAV file. Raises SynthesisError where it is none, or at another rate."""
    if len(wav) < 44 or wav[:4] != b"RIFF" or wav[8:12] != b"WAVE":
        raise SynthesisError("The synthesiser 'piper' gave no WAV file; see that 'url' is that of piper.http_server.")
    channels, rate = struct.unpack_from("<HI", wav, 22)
    if channels != 1 or rate != sample_rate:
        raise SynthesisError(f"The synthesiser 'piper' speaks at {rate} Hz; set its 'sample_rate' to that.")
    return wav[44 : 44 + (len(wav) - 44) // 2 * 2]
