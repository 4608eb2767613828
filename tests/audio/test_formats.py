"""The table of containers, codecs, rates and channels that are decoded; FFmpeg, through PyAV, makes the files."""

import io
import sys

import numpy as np
import pytest
import soundfile
from recordings import SECS, recorded

from rasa_emotion.audio import SAMPLE_RATE, load_audio
from rasa_emotion.audio.kinds import kind_of
from rasa_emotion.errors import AudioError

av = pytest.importorskip("av")

# Container, codec, rates in Hz, channels.
TABLE = [
    ("mp4", "aac", (16_000, 44_100, 48_000), (1, 2)),
    ("ipod", "aac", (8_000, 44_100), (1, 2)),
    ("ipod", "alac", (44_100,), (1, 2)),
    ("adts", "aac", (16_000, 48_000), (1, 2)),
    ("webm", "libopus", (16_000, 48_000), (1, 2)),
    ("matroska", "libopus", (48_000,), (1,)),
    ("ogg", "libopus", (16_000, 48_000), (1, 2)),
    ("amr", "libopencore_amrnb", (8_000,), (1,)),
    ("3gp", "libopencore_amrnb", (8_000,), (1,)),
    ("3gp", "aac", (16_000,), (1,)),
    ("asf", "wmav2", (16_000, 44_100), (1, 2)),
    ("asf", "wmav1", (44_100,), (1,)),
    ("caf", "pcm_s16le", (8_000, 44_100), (1, 2)),
    ("mov", "pcm_s16le", (16_000,), (1,)),
    ("wav", "pcm_s16le", (8_000, 192_000), (1, 2)),
    ("wav", "pcm_alaw", (8_000,), (1, 2)),
    ("wav", "pcm_mulaw", (8_000,), (1, 2)),
    ("wav", "pcm_s24le", (48_000,), (1,)),
    ("wav", "pcm_f32le", (16_000,), (1,)),
    ("wav", "adpcm_ima_wav", (8_000,), (1,)),
    ("wav", "libmp3lame", (16_000,), (1,)),
    ("aiff", "pcm_s16be", (44_100,), (1, 2)),
    ("au", "pcm_mulaw", (8_000,), (1,)),
    ("flac", "flac", (16_000, 96_000), (1, 2)),
    ("mp3", "libmp3lame", (16_000, 44_100), (1, 2)),
]
ROWS = [(box, codec, rate, count) for box, codec, rates, counts in TABLE for rate in rates for count in counts]


@pytest.mark.parametrize(("container", "codec", "rate", "channels"), ROWS)
def test_table(container: str, codec: str, rate: int, channels: int) -> None:
    notes: list[str] = []
    waveform = load_audio(recorded(container, codec, rate, channels), notes=notes)
    assert notes == []
    # AAC begins and ends with frames of 1,024 samples that are not all sound.
    assert waveform.seconds == pytest.approx(SECS, abs=0.05 + 2048 / rate)
    middle = waveform.samples[SAMPLE_RATE // 2 : SAMPLE_RATE]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    assert np.argmax(spectrum) * SAMPLE_RATE / len(middle) == pytest.approx(440, abs=4)
    # Of the power, since encoders let single peaks of a tone pass its level. AMR is made for voices, not for tones.
    assert np.sqrt(2 * np.mean(middle**2)) == pytest.approx(0.3, rel=0.3 if "amr" in codec else 0.1)


@pytest.mark.parametrize(("container", "codec"), [("ipod", "aac"), ("webm", "libopus"), ("amr", "libopencore_amrnb")])
def test_without_the_extra_a_sentence_names_it(monkeypatch: pytest.MonkeyPatch, container: str, codec: str) -> None:
    file = recorded(container, codec, 8_000)
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(AudioError, match=r"pip install 'rasa-emotion\[formats\]'.* ffmpeg -i FILE"):
        load_audio(file)


@pytest.mark.parametrize(("container", "codec"), [("adts", "aac"), ("webm", "libopus"), ("amr", "libopencore_amrnb")])
def test_a_recording_that_breaks_off_is_heard_as_far_as_it_goes(container: str, codec: str) -> None:
    file = recorded(container, codec, 8_000, secs=4)
    assert 1 < load_audio(file[: len(file) // 2]).seconds < 3


def test_a_cut_m4a_whose_index_is_missing_is_refused_in_one_sentence() -> None:
    file = recorded("ipod", "aac")
    with pytest.raises(AudioError, match="damaged, cut off or encrypted"):
        load_audio(file[: len(file) // 2])


def test_a_webm_that_was_never_finished_is_heard() -> None:
    # Browsers write it live: no duration, and no index at the end.
    notes: list[str] = []
    file = recorded("webm", "libopus", 48_000, secs=4)
    assert load_audio(file[: int(len(file) * 0.7)], notes=notes).seconds > 2


def vorbis(secs: float, rate: int = 16_000, channels: int = 1) -> bytes:
    file = io.BytesIO()
    sound = 0.1 * np.random.default_rng(0).standard_normal((round(secs * rate), channels))
    soundfile.write(file, sound, rate, format="OGG", subtype="VORBIS")
    return file.getvalue()


@pytest.mark.parametrize("count", [2, 3, 7])
def test_chained_ogg_is_heard_to_its_end(count: int) -> None:
    notes: list[str] = []
    one = recorded("ogg", "libopus", 48_000)
    assert load_audio(count * one, notes=notes).seconds == pytest.approx(count * load_audio(one).seconds, abs=0.01)
    assert load_audio(count * vorbis(1.0), notes=notes).seconds == pytest.approx(count, abs=0.05)
    assert notes == []


@pytest.mark.parametrize(
    "second",
    [vorbis(1.0, 44_100), vorbis(1.0, 16_000, 2), recorded("ogg", "libopus", 48_000)],
    ids=["another rate", "two channels", "another codec"],  # the files differ from run to run
)
def test_a_chain_that_goes_on_in_another_format_is_told(second: bytes) -> None:
    notes: list[str] = []
    assert load_audio(vorbis(2.0) + vorbis(1.0) + second, notes=notes).seconds == pytest.approx(3, abs=0.1)
    assert notes == ["The audio goes on in another format; the first 2 of 3 parts were heard."]


def test_a_chain_whose_end_is_damaged_is_heard_as_far_as_it_goes() -> None:
    notes: list[str] = []
    second = vorbis(1.0)
    heard = load_audio(vorbis(2.0) + second[:58] + bytes(400) + second[458:], notes=notes)
    assert heard.seconds >= 1.9
    assert len(notes) == 1
    assert load_audio(vorbis(2.0) + second[:30]).seconds == pytest.approx(2, abs=0.05)


def test_the_first_of_three_sound_tracks_is_heard_and_told() -> None:
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as output:
        video = output.add_stream("mpeg4", rate=10)
        video.width = video.height = 64
        video.pix_fmt = "yuv420p"
        tracks = [output.add_stream("pcm_s16le", rate=16_000, layout="mono") for _ in range(3)]
        picture = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
        output.mux(video.encode(picture))
        for number, track in enumerate(tracks):
            tone = (9000 * np.sin(np.arange(16_000) * 0.1 * (number + 1))).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(tone[None], format="s16", layout="mono")
            frame.sample_rate = 16_000
            output.mux(track.encode(frame))
        for track in (video, *tracks):
            output.mux(track.encode(None))
    notes: list[str] = []
    waveform = load_audio(file.getvalue(), notes=notes)
    assert "3 sound tracks" in notes[0]
    spectrum = np.abs(np.fft.rfft(waveform.samples[:16_000]))
    assert np.argmax(spectrum) == pytest.approx(0.1 * 16_000 / (2 * np.pi), abs=2)


def test_a_film_without_sound_is_told() -> None:
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as output:
        video = output.add_stream("mpeg4", rate=10)
        video.width = video.height = 64
        video.pix_fmt = "yuv420p"
        picture = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
        output.mux([*video.encode(picture), *video.encode(None)])
    with pytest.raises(AudioError, match="no sound track"):
        load_audio(file.getvalue())


@pytest.mark.parametrize("name", [b"drms", b"enca"])
def test_an_encrypted_m4a_is_refused_in_one_sentence(name: bytes) -> None:
    # What is encrypted carries another name in its sample description.
    file = recorded("ipod", "aac").replace(b"mp4a", name)
    with pytest.raises(AudioError, match="encrypted"):
        load_audio(file)


@pytest.mark.parametrize(
    "head", [b"MZ\x90\x00", b"%PDF-1.7", b"PK\x03\x04", b"#EXTM3U\n", b"ffconcat version 1.0\n", b"NIST_1A\n", b"MAT4"]
)
def test_what_no_recorder_makes_reaches_no_decoder(head: bytes) -> None:
    assert kind_of(head + bytes(60)) is None
    with pytest.raises(AudioError, match="is not audio that can be decoded"):
        load_audio(head + bytes(4000))


@pytest.mark.parametrize("channels", [9, 30])
def test_more_channels_than_any_recorder_are_refused(channels: int) -> None:
    file = io.BytesIO()
    soundfile.write(file, np.full((4000, channels), 0.1, np.float32), 16_000, format="WAV", subtype="PCM_16")
    with pytest.raises(AudioError, match=f"{channels} channels, more than 8"):
        load_audio(file.getvalue())
