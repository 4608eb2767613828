"""What phones and browsers record, as FFmpeg makes it; a test that asks for it is skipped without PyAV."""

import io

import numpy as np
import pytest

SECS = 1.5


def recorded(container: str, codec: str, rate: int = 16_000, channels: int = 1, *, secs: float = SECS) -> bytes:
    """A tone of 440 Hz as FFmpeg encodes it."""
    av = pytest.importorskip("av")
    file = io.BytesIO()
    seconds = np.arange(round(secs * rate)) / rate
    samples = np.tile((0.3 * np.sin(2 * np.pi * 440 * seconds)).astype(np.float32), (channels, 1))
    with av.open(file, "w", format=container) as output:
        layout = {1: "mono", 2: "stereo"}[channels]
        track = output.add_stream(codec, rate=rate, layout=layout)
        track.codec_context.bit_rate = 12_200 if "amr" in codec else 64_000
        fifo = av.AudioFifo()
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout=layout)
        frame.sample_rate = rate
        wanted = av.AudioResampler(format=track.format, layout=layout, rate=rate)
        for part in [*wanted.resample(frame), *wanted.resample(None)]:
            part.pts = None
            fifo.write(part)
        size = track.codec_context.frame_size or 1024
        while (part := fifo.read(size, partial=True)) is not None:
            part.pts = None
            output.mux(track.encode(part))
        output.mux(track.encode(None))
    return file.getvalue()
