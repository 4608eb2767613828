"""Live audio: frames of a call to 16 kHz mono, at constant memory, with time counted in samples."""

import io
from functools import lru_cache
from typing import Literal, get_args

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from rasa_emotion.audio.resample import check_sample_rate
from rasa_emotion.audio.sound import MAX_CHANNELS
from rasa_emotion.audio.waveform import SAMPLE_RATE
from rasa_emotion.errors import AudioError

StreamEncoding = Literal["pcm_s16le", "pcm_s16be", "mulaw", "alaw"]
STREAM_ENCODINGS: tuple[str, ...] = get_args(StreamEncoding)

NAME = "The stream"
LONGEST_FRAME_SECS = 60.0
"""Of one frame; lines send 10 to 100 ms, and what buffers for long some seconds."""

_PCM = {"pcm_s16le": "<i2", "pcm_s16be": ">i2"}
_G711 = {"mulaw": "ULAW", "alaw": "ALAW"}


class StreamDecoder:
    """Frames of any size to 16 kHz mono. One per stream and direction; not safe to share between threads.

    A frame may end within a sample: the rest is kept for the next one. The resampler is one stream without seams. It
    runs in soxr's variable-rate mode, since its other mode gives its output in bursts of up to 120 ms: here each
    output sample comes 10 to 30 ms after its sound.

    Args:
        encoding: "pcm_s16le" or "pcm_s16be" (signed 16 bit, little or big endian), "mulaw" or "alaw" (G.711).
        sample_rate: Hz, 4,000 to 192,000.
        channels: how many samples stand side by side, 1 to 8.
        channel: the one to hear, from 0; None for the mean of all.

    Raises:
        AudioError: the encoding, rate, number of channels or the channel cannot be used.

    >>> decoder = StreamDecoder("mulaw", 8000)
    >>> sum(len(decoder.feed(b"\\xff" * 160)) for _ in range(50)) + len(decoder.finish())
    16000
    """

    def __init__(
        self,
        encoding: str = "pcm_s16le",
        sample_rate: int = SAMPLE_RATE,
        *,
        channels: int = 1,
        channel: int | None = None,
    ) -> None:
        if encoding not in STREAM_ENCODINGS:
            raise AudioError(f"{NAME} cannot be decoded as '{encoding}'; name one of {', '.join(STREAM_ENCODINGS)}.")
        check_sample_rate(sample_rate, NAME)
        if not 1 <= channels <= MAX_CHANNELS or (channel is not None and not 0 <= channel < channels):
            raise AudioError(f"{NAME} cannot have {channels} channels of which {channel} is heard; name 1 to 8.")
        self.encoding, self.sample_rate, self.channels, self.channel = encoding, sample_rate, channels, channel
        self._width = channels * (2 if encoding in _PCM else 1)
        self._rest = b""
        self._taken = self._given = 0
        self._resampler = (
            None
            if sample_rate == SAMPLE_RATE
            else soxr.ResampleStream(sample_rate, SAMPLE_RATE, num_channels=1, dtype="float32", quality="HQ", vr=True)
        )

    @property
    def seconds(self) -> float:
        """Of sound that came in, counted in samples."""
        return self._taken / self.sample_rate

    def feed(self, frame: bytes | bytearray | memoryview) -> NDArray[np.float32]:
        """The next frame as 16 kHz mono samples, shape [samples], -1 to 1; some may come with a later frame.

        Raises:
            AudioError: it is not bytes, such as a text message where audio belongs, or longer than
                `LONGEST_FRAME_SECS`. The stream can go on with the next frame.
        """
        if not isinstance(frame, bytes | bytearray | memoryview):
            raise AudioError(f"{NAME} got {type(frame).__name__} where audio belongs; send bytes.")
        most = int(LONGEST_FRAME_SECS * self.sample_rate) * self._width
        if len(frame) > most:
            raise AudioError(
                f"{NAME} got a frame of {len(frame)} bytes; send at most {LONGEST_FRAME_SECS:g} s at once."
            )
        data = self._rest + bytes(frame)
        whole = len(data) // self._width * self._width
        self._rest = data[whole:]
        samples = self._mono(data[:whole])
        self._taken += len(samples)
        if self._resampler is None:
            return samples
        return self._counted(self._resampler.resample_chunk(samples))

    def finish(self) -> NDArray[np.float32]:
        """What the resampler still held; exactly the length of the sound has then been given. Nothing may follow."""
        if self._resampler is None:
            return np.zeros(0, np.float32)
        rest = self._resampler.resample_chunk(np.zeros(0, np.float32), last=True)
        missing = round(self._taken * SAMPLE_RATE / self.sample_rate) - self._given
        return self._counted(np.pad(rest, (0, max(0, missing - len(rest))))[: max(0, missing)])

    def _mono(self, data: bytes) -> NDArray[np.float32]:
        if self.encoding in _PCM:
            samples = np.frombuffer(data, _PCM[self.encoding]).astype(np.float32) / np.float32(32768)
        else:
            samples = _g711(self.encoding)[np.frombuffer(data, np.uint8)]
        if self.channels == 1:
            return samples
        side_by_side = samples.reshape(-1, self.channels)
        chosen = side_by_side.mean(axis=1) if self.channel is None else side_by_side[:, self.channel]
        return np.ascontiguousarray(chosen, dtype=np.float32)

    def _counted(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        self._given += len(samples)
        # The filter overshoots where the input is already at full scale; `np.clip` is slow over so few samples.
        return np.minimum(np.maximum(samples, np.float32(-1)), np.float32(1))


@lru_cache(maxsize=2)
def _g711(encoding: str) -> NDArray[np.float32]:
    """The sample of each of the 256 bytes."""
    samples, _ = soundfile.read(
        io.BytesIO(bytes(range(256))),
        format="RAW",
        subtype=_G711[encoding],
        samplerate=8000,
        channels=1,
        dtype="float32",
    )
    found: NDArray[np.float32] = samples
    return found
