"""Each dialect is well-formed, says the text, and says it as its engine is documented to take it."""

import re
import subprocess
import wave
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from needed import needs

from rasa_emotion.conversation.mood import MOODS
from rasa_emotion.conversation.ssml import DIALECTS, PROSODY, Prosody, prosody_for, prosody_table, render
from rasa_emotion.conversation.tone import TONES
from rasa_emotion.errors import ConfigError

SSML = "{http://www.w3.org/2001/10/synthesis}"
MSTTS = "{https://www.w3.org/2001/mstts}"

prosodies = st.builds(
    Prosody,
    rate=st.integers(-50, 100),
    pitch=st.integers(-12, 12),
    volume=st.integers(-20, 6),
    pause_ms=st.integers(0, 5000),
    style=st.none() | st.text(alphabet='ab"<&', min_size=1),
)
# What XML 1.0 can hold, markup and ends of sentences often among it.
texts = st.text(
    st.sampled_from("<>&\"'. !?\r\n\taB{}/")
    | st.characters(exclude_categories=("Cs",), exclude_characters="".join(map(chr, range(32))) + "\ufffe\uffff")
)


@given(texts, prosodies, st.sampled_from(DIALECTS))
def test_the_text_content_is_the_text(text, prosody, dialect):
    document = ElementTree.fromstring(render(text, prosody, dialect, voice="O'Neil \"&<"))
    assert "".join(document.itertext()) == text


@given(st.text(), prosodies, st.sampled_from(DIALECTS))
def test_any_text_is_well_formed(text, prosody, dialect):
    ElementTree.fromstring(render(text, prosody, dialect))


def test_what_xml_cannot_hold_is_left_out():
    assert render("a\x00b\x1bc\ud800\ufffe", Prosody(), "polly") == "<speak>abc</speak>"


SLOW = Prosody(rate=-12, pitch=-1, volume=-2, pause_ms=350, style="empathetic")


def parsed(dialect, **options):
    return ElementTree.fromstring(render("Hello. All is well.", SLOW, dialect, **options))


def test_generic():
    document = parsed("ssml", language="de-DE", voice="Hans")
    assert document.tag == f"{SSML}speak"
    assert document.attrib["version"] == "1.1"
    assert document.attrib["{http://www.w3.org/XML/1998/namespace}lang"] == "de-DE"
    (prosody,) = document.findall(f"{SSML}voice[@name='Hans']/{SSML}prosody")
    assert prosody.attrib == {"rate": "88%", "pitch": "-1st", "volume": "-2dB"}
    assert prosody.find(f"{SSML}break").attrib == {"time": "350ms"}


def test_azure_has_a_voice_a_style_and_relative_percentages():
    document = parsed("azure", voice="en-US-AriaNeural")
    assert document.attrib["version"] == "1.0"
    (style,) = document.findall(f"{SSML}voice[@name='en-US-AriaNeural']/{MSTTS}express-as")
    assert style.attrib == {"style": "empathetic"}
    assert style.find(f"{SSML}prosody").attrib == {"rate": "-12%", "pitch": "-1st", "volume": "-21%"}


def test_polly_has_no_pitch_and_no_style():
    document = parsed("polly")
    assert document.find("prosody").attrib == {"rate": "88%", "volume": "-2dB"}
    assert {element.tag for element in document.iter()} == {"speak", "prosody", "break"}


def test_the_voices_own_way_has_no_prosody():
    assert render("Hello. Yes.", Prosody(), "espeak") == "<speak>Hello. Yes.</speak>"


def test_the_pause_stands_between_sentences_only():
    assert render("A.\nB. ", Prosody(pause_ms=9), "polly") == '<speak>A.<break time="9ms"/>\nB. </speak>'


def test_the_first_name_with_a_row_counts():
    assert prosody_for(("disgust", "upset", "hostile")) == PROSODY["upset"]
    assert prosody_for(("neutral", "tense")) == PROSODY["tense"]
    assert prosody_for(()) == Prosody()


def test_the_table_is_of_families_and_moods():
    assert set(PROSODY) == (TONES | set(MOODS)) - {"calm"}
    for name in ("angry", "worried", "upset", "hostile", "distressed"):  # calmer and slower
        assert PROSODY[name].rate < 0
        assert PROSODY[name].pitch < 0


def test_rows_are_replaced_value_by_value():
    table = prosody_table("x", {"angry": {"rate": -20, "style": None}})
    assert table["angry"] == Prosody(rate=-20, pitch=-1, volume=-2, pause_ms=250)
    assert table["hostile"] == PROSODY["hostile"]


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        ({"angr": {}}, "did you mean 'angry'"),
        ({"angry": -10}, "'prosody' of 'angry' is -10"),
        ({"angry": {"speed": 1}}, "no option 'speed'"),
        ({"angry": {"rate": -51}}, "'rate' is -51"),
        ({"angry": {"rate": 1.5}}, "whole number"),
        ({"angry": {"rate": True}}, "'rate' is True"),
        ({"angry": {"style": ""}}, "'style'"),
    ],
)
def test_bad_rows_are_refused(overrides, sentence):
    with pytest.raises(ConfigError, match=sentence):
        prosody_table("x", overrides)


def spoken_secs(folder: Path, text: str, prosody: Prosody) -> float:
    out = folder / "said.wav"
    subprocess.run(["espeak-ng", "-m", "-w", out, render(text, prosody, "espeak")], check=True)
    with wave.open(str(out)) as sound:
        return sound.getnframes() / sound.getframerate()


espeak = needs("espeak-ng")


@espeak
def test_espeak_speaks_slower_and_pauses(tmp_path):
    text = "Since when has the broadband been down? Please tell me."
    plain = spoken_secs(tmp_path, text, Prosody())
    assert plain > 1.5
    assert spoken_secs(tmp_path, text, Prosody(rate=-20)) > 1.15 * plain
    assert spoken_secs(tmp_path, text, Prosody(rate=25)) < 0.9 * plain
    assert spoken_secs(tmp_path, text, Prosody(pause_ms=2000)) > plain + 1


@espeak
@pytest.mark.parametrize(("rate", "pause_ms"), [(0, 50), (-4, 150), (-30, 150), (40, 150)])
@pytest.mark.parametrize(
    "text", ["Hello my dear. All is well with you.", "Is it so? Yes! It is.", "Well... All is well.", "One.\nTwo."]
)
def test_espeak_pauses_longer_than_by_itself(tmp_path, text, rate, pause_ms):
    without = spoken_secs(tmp_path, text, Prosody(rate=rate))
    assert spoken_secs(tmp_path, text, Prosody(rate=rate, pause_ms=pause_ms)) > without


def pitch_hz(folder: Path, pitch: int) -> float:
    """The median over voiced frames, by autocorrelation."""
    out = folder / "said.wav"
    text = "We all were away, we all were away a year ago."
    subprocess.run(["espeak-ng", "-m", "-w", out, render(text, Prosody(pitch=pitch), "espeak")], check=True)
    samples, rate = soundfile.read(out)
    size, found = round(0.04 * rate), []
    for start in range(0, len(samples) - size, size // 2):
        frame = samples[start : start + size] - samples[start : start + size].mean()
        likeness = np.correlate(frame, frame, "full")[size - 1 :]
        lag = rate // 400 + int(np.argmax(likeness[rate // 400 : rate // 50]))
        if np.sqrt(np.mean(frame**2)) > 0.03 and likeness[lag] > 0.5 * likeness[0]:
            found.append(rate / lag)
    return float(np.median(found))


@espeak
@pytest.mark.parametrize("semitones", [-2, -1, 1, 2])
def test_espeak_moves_its_pitch_as_asked_within_what_is_promised(tmp_path, semitones):
    moved = 12 * np.log2(pitch_hz(tmp_path, semitones) / pitch_hz(tmp_path, 0))
    assert moved == pytest.approx(semitones, abs=0.75)


@espeak
@pytest.mark.parametrize("semitones", [-12, -6, 6, 12])
def test_espeak_moves_its_pitch_beyond_it_at_least_the_right_way(tmp_path, semitones):
    moved = 12 * np.log2(pitch_hz(tmp_path, semitones) / pitch_hz(tmp_path, 0))
    assert moved * np.sign(semitones) > 2


@espeak
def test_espeak_reads_signs_as_text(tmp_path):
    answer = subprocess.run(
        ["espeak-ng", "-m", "-q", "-x", render("Five <b>six</b> &amp; seven", Prosody(), "espeak")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    bare = subprocess.run(["espeak-ng", "-q", "-x", "b"], capture_output=True, text=True, check=True).stdout.strip()
    assert len(re.findall(re.escape(bare.lstrip("'")), answer.stdout)) >= 2  # both tags' letters are spoken, not obeyed
