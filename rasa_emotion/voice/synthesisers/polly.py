"""Amazon Polly, by its HTTP interface: SSML in, samples at 8 or 16 kHz out.

`SynthesizeSpeech` (Amazon Polly Developer Guide): POST /v1/speech, signed with Signature Version 4, which botocore
makes from the keys of the environment, a profile or a role. The text leaves this machine.
"""

import json
from collections.abc import AsyncGenerator
from typing import Any

from rasa_emotion.conversation.ssml import render
from rasa_emotion.errors import ConfigError
from rasa_emotion.settings import check_text
from rasa_emotion.voice.synthesisers.http import SpeechClient, whole_samples
from rasa_emotion.voice.synthesisers.speech import Speech, SynthesisError, words_of

OWNER = "The synthesiser 'polly'"
RATES = (8_000, 16_000)
REMEDIES = {
    400: "see that 'voice' exists in the region, with this 'engine'",
    403: "the keys may not call polly:SynthesizeSpeech, or the clock is wrong",
    404: "correct 'region'",
    429: "too many requests; raise the account's quota",
}


class Polly:
    """Speaks with a voice of Amazon Polly's.

    Args:
        region: of AWS, such as "eu-west-1".
        voice: such as "Amy".
        engine: "standard", "neural", "long-form" or "generative".
        sample_rate: Hz: 8000 or 16000.
        url: of the service, where it is not that of the region.

    Raises:
        ConfigError: an option cannot be used, or botocore or keys are missing.
    """

    name = "polly"
    dialect = "polly"

    def __init__(
        self,
        *,
        region: str = "us-east-1",
        voice: str = "Joanna",
        engine: str = "neural",
        sample_rate: int = 16_000,
        url: str | None = None,
    ) -> None:
        for key, value in (("region", region), ("voice", voice), ("engine", engine)):
            check_text(OWNER, key, value)
        if sample_rate not in RATES:
            raise ConfigError(f"{OWNER}: 'sample_rate' is {sample_rate!r}; take 8000 or 16000.")
        self.sample_rate = sample_rate
        self._region, self._voice, self._engine = region, voice, engine
        self._url = (url or f"https://polly.{region}.amazonaws.com").rstrip("/") + "/v1/speech"
        self._credentials = _credentials()
        self._client = SpeechClient(self.name, REMEDIES)

    async def speak(self, speech: Speech) -> AsyncGenerator[bytes, None]:
        """Mono samples, 16 bit. Raises SynthesisError."""
        text = words_of(speech)
        if not text:
            return
        body = json.dumps(
            {
                "Engine": self._engine,
                "OutputFormat": "pcm",
                "SampleRate": str(self.sample_rate),
                "Text": speech.ssml or render(text, speech.prosody, "polly"),
                "TextType": "ssml",
                "VoiceId": self._voice,
            }
        ).encode()
        async for piece in whole_samples(self._client.post(self._url, headers=self._signed(body), data=body)):
            yield piece

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.close()

    def _signed(self, body: bytes) -> dict[str, str]:
        from botocore.auth import SigV4Auth  # noqa: PLC0415 -- see `_credentials`
        from botocore.awsrequest import AWSRequest  # noqa: PLC0415
        from botocore.exceptions import BotoCoreError  # noqa: PLC0415

        request = AWSRequest("POST", self._url, {"Content-Type": "application/json"}, body)
        try:
            # Frozen each time: those of a role expire, and are then renewed.
            SigV4Auth(self._credentials.get_frozen_credentials(), "polly", self._region).add_auth(request)
        except BotoCoreError as error:
            raise SynthesisError(f"{OWNER} has no usable keys ({type(error).__name__}).") from error
        return dict(request.headers.items())


def _credentials() -> Any:
    try:
        from botocore.session import Session  # noqa: PLC0415 -- Rasa brings it; other synthesisers need none
    except ImportError as error:
        raise ConfigError(f"{OWNER} needs botocore; pip install botocore.") from error
    found = Session().get_credentials()
    if found is None:
        raise ConfigError(f"{OWNER} needs keys; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.")
    return found
