"""Tags before and behind a file are neither sound nor damage."""

import io
import struct

import numpy as np
import pytest
import soundfile

from rasa_emotion.audio import load_audio
from rasa_emotion.audio.tags import without_tags

ID3V1 = b"TAG" + b"title".ljust(30, b"\0") + bytes(95)
APE = b"APETAGEX" + struct.pack("<IIII", 2000, 32, 0, 0) + bytes(8)
APE_WITH_HEADER = (
    b"APETAGEX" + struct.pack("<IIII", 2000, 42, 1, 0xA0000000) + bytes(8)
    + bytes(10)
    + b"APETAGEX" + struct.pack("<IIII", 2000, 42, 1, 0x80000000) + bytes(8)
)  # fmt: skip
ID3V2 = b"ID3\x04\0\0" + bytes([0, 0, 1, 2]) + bytes(130)
WITH_FOOTER = b"ID3\x04\0\x10" + bytes([0, 0, 0, 20]) + bytes(20) + b"3DI\x04\0\x10" + bytes([0, 0, 0, 20])
FORMATS = ("FLAC", "WAV", "AIFF", "AU", "CAF", "OGG", "MP3")


def recording(container: str) -> bytes:
    file = io.BytesIO()
    sound = (0.3 * np.sin(np.arange(32_000) * 0.05)).astype(np.float32)
    soundfile.write(file, sound, 16_000, format=container)
    return file.getvalue()


@pytest.mark.parametrize("container", FORMATS)
@pytest.mark.parametrize("behind", [ID3V1, APE, APE + ID3V1, APE_WITH_HEADER])
def test_a_tag_behind_is_no_sound_and_no_damage(container: str, behind: bytes) -> None:
    notes: list[str] = []
    plain = load_audio(recording(container))
    tagged = load_audio(recording(container) + behind, notes=notes)
    assert np.array_equal(tagged.samples, plain.samples)
    assert notes == []


@pytest.mark.parametrize("container", FORMATS)
@pytest.mark.parametrize("before", [ID3V2, WITH_FOOTER])
def test_a_tag_before_any_file(container: str, before: bytes) -> None:
    plain = load_audio(recording(container)).samples
    tagged = load_audio(before + recording(container)).samples
    assert len(tagged) == len(plain)
    assert np.allclose(tagged, plain, atol=1e-6)  # two decoders of MP3 round differently


@pytest.mark.parametrize("size", [0, 31, 2**31, 2**32 - 1])
def test_a_tag_that_lies_about_its_size_costs_no_sound(size: int) -> None:
    lying = b"APETAGEX" + struct.pack("<IIII", 2000, size, 0, 0) + bytes(8)
    assert len(load_audio(recording("WAV") + lying).samples) == 32_000


def test_a_cut_file_is_still_said_to_be_cut() -> None:
    notes: list[str] = []
    load_audio(recording("WAV")[:-8_000] + ID3V1, notes=notes)
    assert "breaks off" in notes[0]


@pytest.mark.parametrize("content", [b"", b"ID3", ID3V2, ID3V1, APE, b"RIFF"])
def test_what_is_not_a_tagged_file_stays_as_it_is(content: bytes) -> None:
    stream = io.BytesIO(content)
    assert without_tags(stream) is stream
    assert stream.tell() == 0
