"""What a synthesiser says, as a line carries it."""

import numpy as np
import pytest

from rasa_emotion.audio.raw import decode_raw
from rasa_emotion.voice.sound import Format, LineEncoder


@pytest.mark.parametrize("encoding", ["pcm_s16le", "mulaw", "alaw"])
@pytest.mark.parametrize("rate", [8000, 16000, 24000])
@pytest.mark.parametrize("piece", [1, 333, 4096])
def test_a_tone_stays_a_tone(tone, encoding, rate: int, piece: int) -> None:
    pcm = (tone(440, 0.5, 22_050, level=0.5) * 32767).astype("<i2").tobytes()
    encoder = LineEncoder(22_050, Format(encoding, rate))
    line = b"".join(encoder.feed(pcm[start : start + piece]) for start in range(0, len(pcm), piece)) + encoder.finish()
    assert len(line) == pytest.approx(0.5 * Format(encoding, rate).bytes_per_sec, abs=4)
    heard = decode_raw(line, encoding=encoding, sample_rate=rate).samples
    spectrum = np.abs(np.fft.rfft(heard))
    assert spectrum.argmax() * 16_000 / len(heard) == pytest.approx(440, abs=3)
    assert np.abs(heard).max() == pytest.approx(0.5, abs=0.05)


def test_the_same_format_is_handed_through() -> None:
    encoder = LineEncoder(16_000, Format())
    assert encoder.feed(b"\x01\x02\x03") + encoder.feed(b"\x04") + encoder.finish() == b"\x01\x02\x03\x04"


def test_full_scale_does_not_wrap() -> None:
    loud = np.tile(np.array([32767] * 20 + [-32768] * 20, "<i2"), 100).tobytes()
    encoder = LineEncoder(16_000, Format("pcm_s16le", 8000))
    line = np.frombuffer(encoder.feed(loud) + encoder.finish(), "<i2").astype(int)
    assert np.abs(np.diff(line)).max() < 66_000
    assert (np.abs(line[40:-40]) > 20_000).mean() > 0.7
