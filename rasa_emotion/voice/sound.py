"""From what a synthesiser says to what a line carries."""

import io
from dataclasses import dataclass

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from rasa_emotion.audio.raw import RawEncoding

_SUBTYPES = {"mulaw": "ULAW", "alaw": "ALAW"}


@dataclass(frozen=True)
class Format:
    """How samples travel on a line.

    Args:
        encoding: "pcm_s16le", "mulaw" or "alaw".
        sample_rate: Hz.

    >>> Format("mulaw", 8000).bytes_per_sec
    8000
    """

    encoding: RawEncoding = "pcm_s16le"
    sample_rate: int = 16_000

    @property
    def width(self) -> int:
        """Bytes of a sample."""
        return 2 if self.encoding == "pcm_s16le" else 1

    @property
    def bytes_per_sec(self) -> int:
        """Bytes of a second."""
        return self.width * self.sample_rate


class LineEncoder:
    """One speech for the line, piece by piece, as one signal without seams.

    Args:
        from_rate: Hz of the 16 bit samples that come.
        to: what the line carries.

    >>> encoder = LineEncoder(16_000, Format("mulaw", 8000))
    >>> len(encoder.feed(bytes(32_000))) + len(encoder.finish())
    8000
    """

    def __init__(self, from_rate: int, to: Format) -> None:
        self._to = to
        self._resampler = (
            None
            if from_rate == to.sample_rate
            else soxr.ResampleStream(from_rate, to.sample_rate, num_channels=1, dtype="float32", quality="MQ")
        )
        self._rest = b""

    def feed(self, pcm: bytes) -> bytes:
        """The next samples, 16 bit little-endian, as bytes for the line; some may come with later ones."""
        data = self._rest + pcm
        whole = len(data) // 2 * 2
        self._rest = data[whole:]
        if self._resampler is None and self._to.encoding == "pcm_s16le":
            return data[:whole]
        samples = np.frombuffer(data[:whole], "<i2").astype(np.float32) / np.float32(32768)
        return self._encoded(samples if self._resampler is None else self._resampler.resample_chunk(samples))

    def finish(self) -> bytes:
        """What was held back; nothing may follow."""
        if self._resampler is None:
            return b""
        return self._encoded(self._resampler.resample_chunk(np.zeros(0, np.float32), last=True))

    def _encoded(self, samples: NDArray[np.float32]) -> bytes:
        if not len(samples):
            return b""
        # The filter overshoots at full scale, and libsndfile would wrap it.
        clipped = np.clip(samples, -1.0, 32767 / 32768)
        if self._to.encoding == "pcm_s16le":
            return bytes(np.round(clipped * 32768).astype("<i2").tobytes())
        line = io.BytesIO()
        soundfile.write(line, clipped, self._to.sample_rate, format="RAW", subtype=_SUBTYPES[self._to.encoding])
        return line.getvalue()
