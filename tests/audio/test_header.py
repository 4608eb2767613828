"""Headers that announce less, or more, than there is."""

import io
import struct

import numpy as np
import pytest
import soundfile

from rasa_emotion.audio import load_audio
from rasa_emotion.errors import AudioError

SECS = 3.0


def written(kind: str, subtype: str = "PCM_16", rate: int = 8_000) -> bytearray:
    file = io.BytesIO()
    seconds = np.arange(round(SECS * rate)) / rate
    soundfile.write(file, 0.3 * np.sin(2 * np.pi * 440 * seconds), rate, format=kind, subtype=subtype)
    return bytearray(file.getvalue())


def with_size(kind: str, size: int, subtype: str = "PCM_16") -> bytes:
    """A file whose header says that so many bytes of sound follow."""
    file = written(kind, subtype)
    if kind == "AU":
        struct.pack_into(">I", file, 8, size)
    elif kind == "RF64":
        struct.pack_into("<Q", file, file.index(b"ds64") + 16, size)
    else:
        struct.pack_into("<I", file, file.index(b"data") + 4, size)
    return bytes(file)


@pytest.mark.parametrize(
    ("kind", "subtype"),
    [("WAV", "PCM_16"), ("WAV", "ULAW"), ("WAVEX", "PCM_16"), ("AU", "ULAW"), ("RF64", "PCM_16")],
)
@pytest.mark.parametrize("size", [0, 8_000, 16_000])
def test_a_size_of_zero_or_a_stale_one_means_to_the_end(kind: str, subtype: str, size: int) -> None:
    notes: list[str] = []
    waveform = load_audio(with_size(kind, size, subtype), notes=notes)
    assert waveform.seconds == pytest.approx(SECS, abs=0.02)
    assert notes == []


@pytest.mark.parametrize("size", [0xFFFF_FFFF, 0x7FFF_FFFF, 0x8000_0000, 0x7FFF_F000])
def test_placeholders_of_streaming_recorders(size: int) -> None:
    notes: list[str] = []
    assert load_audio(with_size("WAV", size), notes=notes).seconds == pytest.approx(SECS, abs=0.01)
    assert notes == []


@pytest.mark.parametrize("kind", ["WAV", "AU"])
def test_a_file_shorter_than_its_header_says_is_told(kind: str) -> None:
    file, notes = bytes(written(kind)), list[str]()
    assert load_audio(file[: len(file) // 2], notes=notes).seconds == pytest.approx(SECS / 2, abs=0.02)
    assert len(notes) == 1
    assert "50%" in notes[0]


def test_chunks_behind_the_sound_are_no_sound() -> None:
    file = written("WAV")
    tags = b"LIST" + struct.pack("<I", 400) + b"INFO" + bytes(396)
    struct.pack_into("<I", file, 4, len(file) - 8 + len(tags))
    assert load_audio(bytes(file) + tags).seconds == pytest.approx(SECS, abs=0.001)


def test_an_empty_recording_with_tags_stays_empty() -> None:
    file = written("WAV")
    head = bytes(file[: file.index(b"data")]) + b"data" + bytes(4)
    with pytest.raises(AudioError, match="only a header"):
        load_audio(head + b"LIST" + struct.pack("<I", 40) + b"INFO" + bytes(36))


def test_a_stale_size_from_a_path_and_a_stream(tmp_path) -> None:
    path = tmp_path / "growing.wav"
    path.write_bytes(with_size("WAV", 4_000))
    assert load_audio(path).seconds == pytest.approx(SECS, abs=0.01)
    with path.open("rb") as stream:
        assert load_audio(stream).seconds == pytest.approx(SECS, abs=0.01)
