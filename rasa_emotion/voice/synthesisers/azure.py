"""Azure's text to speech, by its REST interface: SSML in, raw samples out.

"Text to speech REST API" (Microsoft Learn): POST /cognitiveservices/v1 with `Ocp-Apim-Subscription-Key` and
`X-Microsoft-OutputFormat`. The text leaves this machine.
"""

from collections.abc import AsyncGenerator

from rasa_emotion.conversation.ssml import render
from rasa_emotion.errors import ConfigError
from rasa_emotion.settings import check_text
from rasa_emotion.voice.synthesisers.http import SpeechClient, key_of, whole_samples
from rasa_emotion.voice.synthesisers.speech import Speech, words_of

OWNER = "The synthesiser 'azure'"
VARIABLE = "AZURE_SPEECH_KEY"
RATES = (8_000, 16_000, 22_050, 24_000, 44_100, 48_000)
REMEDIES = {
    400: "see that 'voice' exists in the region and speaks its styles",
    401: f"correct {VARIABLE}, or 'region', to which it belongs",
    403: f"correct {VARIABLE}, or 'region', to which it belongs",
    404: "correct 'region'",
    429: "too many requests for this subscription; raise its quota",
}


class Azure:
    """Speaks with a voice of Azure's.

    Args:
        region: of the Speech resource, such as "westeurope".
        voice: such as "en-GB-SoniaNeural".
        language: BCP 47 tag of the texts.
        sample_rate: Hz: 8000, 16000, 22050, 24000, 44100 or 48000.
        key: of the resource; the environment variable AZURE_SPEECH_KEY by default.
        url: of the service, where it is not that of the region.

    Raises:
        ConfigError: an option cannot be used, or there is no key.
    """

    name = "azure"
    dialect = "azure"

    def __init__(
        self,
        *,
        region: str | None = None,
        voice: str = "en-US-AriaNeural",
        language: str = "en-US",
        sample_rate: int = 16_000,
        key: str | None = None,
        url: str | None = None,
    ) -> None:
        check_text(OWNER, "voice", voice)
        check_text(OWNER, "language", language)
        if not region and not url:
            raise ConfigError(f"{OWNER} needs the 'region' of the Speech resource, such as westeurope.")
        if sample_rate not in RATES:
            raise ConfigError(f"{OWNER}: 'sample_rate' is {sample_rate!r}; take one of {', '.join(map(str, RATES))}.")
        self.sample_rate = sample_rate
        self._voice, self._language, self._key = voice, language, key_of(OWNER, VARIABLE, key)
        self._url = (url or f"https://{region}.tts.speech.microsoft.com").rstrip("/") + "/cognitiveservices/v1"
        self._client = SpeechClient(self.name, REMEDIES)

    async def speak(self, speech: Speech) -> AsyncGenerator[bytes, None]:
        """Mono samples, 16 bit. Raises SynthesisError."""
        text = words_of(speech)
        if not text:
            return
        ssml = speech.ssml or render(text, speech.prosody, "azure", language=self._language, voice=self._voice)
        khz = {22_050: "22050hz", 44_100: "44100hz"}.get(self.sample_rate, f"{self.sample_rate // 1000}khz")
        headers = {
            "Ocp-Apim-Subscription-Key": self._key,
            "Content-Type": "application/ssml+xml",
            "X-Microsoft-OutputFormat": f"raw-{khz}-16bit-mono-pcm",
            "User-Agent": "rasa-emotion",
        }
        async for piece in whole_samples(self._client.post(self._url, headers=headers, data=ssml.encode())):
            yield piece

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.close()
