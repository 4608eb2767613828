"""ElevenLabs, by its HTTP interface: plain text in, samples out as they are made.

"Stream speech" (ElevenLabs API reference): POST /v1/text-to-speech/{voice_id}/stream with `xi-api-key`. It has a speed,
0.7 to 1.2, and no pitch; pauses and volume are made here. The text leaves this machine.
"""

from collections.abc import AsyncGenerator
from urllib.parse import quote

from rasa_emotion.errors import ConfigError
from rasa_emotion.settings import check_text
from rasa_emotion.voice.synthesisers.http import SpeechClient, key_of, whole_samples
from rasa_emotion.voice.synthesisers.speech import Speech, louder, parts_of, silence

OWNER = "The synthesiser 'elevenlabs'"
VARIABLE = "ELEVENLABS_API_KEY"
RATES = (8_000, 16_000, 22_050, 24_000, 44_100)
SLOWEST, FASTEST = 0.7, 1.2
REMEDIES = {
    400: "see that 'voice' and 'model' exist",
    401: f"correct {VARIABLE}, or raise the account's quota of characters",
    404: "see that 'voice' exists",
    422: "see that 'voice' and 'model' exist",
    429: "too many requests at the same time for this plan",
}


class ElevenLabs:
    """Speaks with a voice of ElevenLabs'.

    Args:
        voice: id of the voice.
        model: id of the model.
        sample_rate: Hz: 8000, 16000, 22050, 24000 or 44100.
        key: of the account; the environment variable ELEVENLABS_API_KEY by default.
        url: of the service.

    Raises:
        ConfigError: an option cannot be used, or there is no key.
    """

    name = "elevenlabs"
    dialect = None

    def __init__(
        self,
        *,
        voice: str,
        model: str = "eleven_flash_v2_5",
        sample_rate: int = 16_000,
        key: str | None = None,
        url: str = "https://api.elevenlabs.io",
    ) -> None:
        for option, value in (("voice", voice), ("model", model), ("url", url)):
            check_text(OWNER, option, value)
        if sample_rate not in RATES:
            raise ConfigError(f"{OWNER}: 'sample_rate' is {sample_rate!r}; take one of {', '.join(map(str, RATES))}.")
        self.sample_rate = sample_rate
        self._model, self._key = model, key_of(OWNER, VARIABLE, key)
        self._url = (
            f"{url.rstrip('/')}/v1/text-to-speech/{quote(voice, safe='')}/stream?output_format=pcm_{sample_rate}"
        )
        self._client = SpeechClient(self.name, REMEDIES)

    async def speak(self, speech: Speech) -> AsyncGenerator[bytes, None]:
        """Mono samples, 16 bit. Raises SynthesisError."""
        speed = min(FASTEST, max(SLOWEST, 1 + speech.prosody.rate / 100))
        for number, part in enumerate(parts_of(speech)):
            if number:
                yield silence(speech.prosody.pause_ms, self.sample_rate)
            body = {"text": part, "model_id": self._model, "voice_settings": {"speed": round(speed, 3)}}
            pieces = self._client.post(self._url, headers={"xi-api-key": self._key}, json=body)
            async for piece in whole_samples(pieces):
                yield louder(piece, speech.prosody.volume)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.close()
