"""Headers that announce less, or more, than there is."""

import io
import re
import struct

import numpy as np
import pytest
import soundfile

from rasa_emotion.audio import load_audio
from rasa_emotion.audio.mpeg import mp3_frame
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
    elif kind == "AIFF":
        struct.pack_into(">I", file, file.index(b"SSND") + 4, size)
    elif kind == "CAF":
        struct.pack_into(">q", file, file.index(b"data") + 4, size)
    elif kind == "FLAC":  # samples, in the lowest 36 of 64 bits
        (packed,) = struct.unpack_from(">Q", file, 18)
        struct.pack_into(">Q", file, 18, packed >> 36 << 36 | size)
    elif kind == "MP3":  # frames and bytes
        struct.pack_into(">II", file, file.index(b"Xing") + 8, size // 100, size)
    elif kind == "RF64":
        struct.pack_into("<Q", file, file.index(b"ds64") + 16, size)
    else:
        struct.pack_into("<I", file, file.index(b"data") + 4, size)
    return bytes(file)


@pytest.mark.parametrize(
    ("kind", "subtype"),
    [
        *[("WAV", "PCM_16"), ("WAV", "ULAW"), ("WAV", "IMA_ADPCM"), ("WAV", "GSM610"), ("WAVEX", "PCM_16")],
        *[("AU", "ULAW"), ("RF64", "PCM_16"), ("AIFF", "PCM_16"), ("AIFF", "ULAW"), ("CAF", "PCM_16")],
        *[("CAF", "ALAW"), ("FLAC", "PCM_16"), ("MP3", "MPEG_LAYER_III")],
    ],
)
@pytest.mark.parametrize("size", [0, 1_000, 3_000])
def test_a_size_of_zero_or_a_stale_one_means_to_the_end(kind: str, subtype: str, size: int) -> None:
    notes: list[str] = []
    waveform = load_audio(with_size(kind, size, subtype), notes=notes)
    assert waveform.seconds == pytest.approx(SECS, abs=0.05)  # the last block of a codec may be filled up
    assert notes == []


@pytest.mark.parametrize("size", [0xFFFF_FFFF, 0x7FFF_FFFF, 0x8000_0000, 0x7FFF_F000])
def test_placeholders_of_streaming_recorders(size: int) -> None:
    notes: list[str] = []
    assert load_audio(with_size("WAV", size), notes=notes).seconds == pytest.approx(SECS, abs=0.01)
    assert notes == []


def test_a_size_that_caf_writes_for_to_the_end() -> None:
    notes: list[str] = []
    assert load_audio(with_size("CAF", -1), notes=notes).seconds == pytest.approx(SECS, abs=0.01)
    assert notes == []


@pytest.mark.parametrize(
    ("kind", "subtype"),
    [("WAV", "PCM_16"), ("WAV", "ALAW"), ("AU", "PCM_16"), ("AIFF", "PCM_16"), ("CAF", "PCM_16"), ("RF64", "PCM_16")],
)
def test_a_file_shorter_than_its_header_says_is_told(kind: str, subtype: str) -> None:
    file, notes = bytes(written(kind, subtype)), list[str]()
    assert load_audio(file[: len(file) // 2], notes=notes).seconds == pytest.approx(SECS / 2, abs=0.3)
    assert len(notes) == 1
    assert re.search("it holds (4[0-9]|50)% of the sound", notes[0])


@pytest.mark.parametrize(
    ("kind", "subtype"), [("FLAC", "PCM_16"), ("MP3", "MPEG_LAYER_III"), ("OGG", "VORBIS"), ("OGG", "OPUS")]
)
def test_a_compressed_file_that_is_cut_is_told_once(kind: str, subtype: str) -> None:
    file = io.BytesIO()
    noise = np.random.default_rng(0).normal(0, 0.1, 160_000)
    soundfile.write(file, noise, 16_000, format=kind, subtype=subtype)
    notes: list[str] = []
    assert 2 < load_audio(file.getvalue()[: len(file.getvalue()) // 2 + 11], notes=notes).seconds < 8
    assert len(notes) == 1
    assert "breaks off" in notes[0]


def test_what_follows_the_frames_of_an_mp3_is_no_sound_that_is_missing() -> None:
    notes: list[str] = []
    tagged = b"ID3\x03\0\0\0\0\0\x0a" + bytes(10) + bytes(written("MP3", "MPEG_LAYER_III")) + b"TAG" + bytes(125)
    assert load_audio(tagged, notes=notes).seconds == pytest.approx(SECS, abs=0.05)
    assert notes == []


def test_an_mp3_of_varying_bit_rate_whose_first_frame_says_no_length() -> None:
    pytest.importorskip("av")
    sound = np.random.default_rng(0).normal(0, 0.1, 64_000) * np.repeat([0.0, 1.0, 0.001, 1.0], 16_000)
    file = io.BytesIO()
    soundfile.write(file, sound, 16_000, format="MP3", subtype="MPEG_LAYER_III")
    content = file.getvalue()
    assert load_audio(content[mp3_frame(content) :]).seconds == pytest.approx(4, abs=0.2)


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
