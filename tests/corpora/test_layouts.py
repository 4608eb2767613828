"""Names of files in each corpus' published layout, good and bad."""

from collections import Counter
from pathlib import Path, PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_emotion.corpora.catalogue import CORPORA
from rasa_emotion.corpora.layouts import LAYOUTS, PARSERS, crema_d, emogator, layout, ravdess, recognise, savee, tess
from rasa_emotion.corpora.layouts.iesc import UNKNOWN_SPEAKER, WITHOUT_SPEAKER
from rasa_emotion.corpora.layouts.layout import SECOND_COPY, Utterance, deal_speakers
from rasa_emotion.emotions import EMOTIONS
from rasa_emotion.errors import ConfigError

HASH = "340a803168cbebd76b289a6adaf5622430355128c75e67ef2f3ec11e"

# Path, then speaker, label, emotion, text, script, standard fold.
PUBLISHED = {
    "ravdess": [
        (
            "Actor_12/03-01-06-01-02-01-12.wav",
            "12",
            "fear",
            "fear",
            "Dogs are sitting by the door",
            "Dogs are sitting by the door",
            2,
        ),
        (
            "Actor_22/03-01-02-02-01-02-22.wav",
            "22",
            "calm",
            "calm",
            "Kids are talking by the door",
            "Kids are talking by the door",
            6,
        ),
    ],
    "crema-d": [
        (
            "AudioWAV/1001_DFA_ANG_XX.wav",
            "1001",
            "anger",
            "angry",
            "Don't forget a jacket",
            "Don't forget a jacket",
            None,
        ),
        (
            "AudioWAV/1040_ITH_SAD_X.wav",
            "1040",
            "sad",
            "sad",
            "I think I have a doctor's appointment",
            "I think I have a doctor's appointment",
            None,
        ),
        ("AudioWAV/1091_IEO_HAP_HI.wav", "1091", "happy", "happy", "It's eleven o'clock", "It's eleven o'clock", None),
    ],
    "tess": [
        ("OAF_Fear/OAF_back_fear.wav", "OAF", "fear", "fear", "Say the word back", "back", 1),
        ("OAF_neutral/OA_bite_neutral.wav", "OAF", "neutral", "neutral", "Say the word bite", "bite", 1),
        ("YAF_pleasant_surprised/YAF_youth_ps.wav", "YAF", "ps", "surprise", "Say the word youth", "youth", 2),
        ("OAF_Pleasant_surprise/OAF_youth_ps.wav", "OAF", "ps", "surprise", "Say the word youth", "youth", 1),
    ],
    "savee": [
        ("AudioData/DC/a01.wav", "DC", "anger", "angry", "", "a01", 1),
        ("AudioData/KL/n30.wav", "KL", "neutral", "neutral", "", "n30", 4),
        ("JK_su15.wav", "JK", "surprise", "surprise", "", "su15", 3),
    ],
    "emodb": [
        ("wav/03a01Fa.wav", "03", "happiness", "happy", "Der Lappen liegt auf dem Eisschrank.", "a01", 1),
        (
            "wav/16b10Lb.wav",
            "16",
            "boredom",
            None,
            "Die wird auf dem Platz sein, wo wir sie immer hinlegen.",
            "b10",
            10,
        ),
    ],
    "emogator": [
        ("data/mp3/000001-02-2.mp3", "000001", "Amusement", "happy", "", "", None),
        ("data/mp3/000357-30-3.mp3", "000357", "Triumph", None, "", "", None),
    ],
    "iesc": [
        (f"webservice/yes-safe-Happy-1566229555287-{HASH}.wav", "340a803168", "happy", "happy", "yes", "yes", None),
        (f"House/background-glass break-None-20190701193438-{HASH}.wav", "340a803168", "none", None, "", "", None),
        (f"House/stop-safe-fearful-??-{HASH}.wav", "340a803168", "fearful", "fear", "stop", "stop", None),
    ],
}
ROWS = [(corpus, path, said) for corpus, rows in PUBLISHED.items() for path, *said in rows]


@pytest.mark.parametrize(("corpus", "path", "said"), ROWS)
def test_names_say_everything(tmp_path: Path, corpus: str, path: str, said: list[str | int | None]) -> None:
    speaker, *about, fold = said
    (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / path).touch()
    (clip,) = layout(corpus).scan(tmp_path).clips
    assert (clip.path, clip.corpus, clip.speaker) == (path, corpus, f"{corpus}-{speaker}")
    assert [clip.label, clip.emotion, clip.text, clip.script] == about
    folds = layout(corpus).folds
    if fold is not None:
        assert isinstance(folds, dict)
        assert folds[clip.speaker] == fold


@pytest.mark.parametrize(
    ("corpus", "path"),
    [
        ("ravdess", "Actor_25/03-01-06-01-02-01-25.wav"),
        ("ravdess", "Actor_01/03-01-01-02-02-01-01.wav"),  # neutral has no strong form
        ("ravdess", "Actor_01/fear.wav"),
        ("crema-d", "1092_DFA_ANG_XX.wav"),
        ("crema-d", "1001_XXX_ANG_XX.wav"),
        ("tess", "OAF_elephant_fear.wav"),
        ("savee", "AudioData/XX/a01.wav"),
        ("savee", "AudioData/DC/a16.wav"),
        ("savee", "AudioData/DC/n31.wav"),
        ("emodb", "wav/03a03Fa.wav"),
        ("emogator", "000358-01-1.mp3"),
        ("emogator", "000001-31-1.mp3"),
        ("iesc", "yes-safe-happy-1-abc.wav"),
    ],
)
def test_other_names_say_nothing(corpus: str, path: str) -> None:
    assert PARSERS[corpus](PurePath(path)) is None


@given(st.text(max_size=30))
def test_no_name_breaks_a_parser(stem: str) -> None:
    path = PurePath("folder", stem.replace("/", "") or "x").with_suffix(".wav")
    for parse in PARSERS.values():
        parse(path)


@given(st.sampled_from([*ravdess.published(), *savee.published(), *tess.published()]))
def test_every_published_name_is_read_and_belongs_to_one_corpus(path: str) -> None:
    read = [corpus for corpus, parse in PARSERS.items() if isinstance(parse(PurePath(path)), Utterance)]
    assert len(read) == 1


@given(
    st.sampled_from(sorted(crema_d.ACTORS)),
    st.sampled_from(sorted(crema_d.SENTENCES)),
    st.sampled_from(sorted(crema_d.LABELS)),
    st.sampled_from(["XX", "LO", "MD", "HI"]),
)
def test_crema_d_names_go_there_and_back(actor: int, sentence: str, label: str, level: str) -> None:
    said = crema_d.parse(PurePath(f"{actor}_{sentence}_{label}_{level}.wav"))
    assert said == Utterance(
        f"{actor}_{sentence}_{label}_{level}",
        str(actor),
        crema_d.LABELS[label],
        crema_d.SENTENCES[sentence],
        crema_d.SENTENCES[sentence],
    )


@pytest.mark.parametrize(
    ("corpus", "names"),
    [
        ("ravdess", list(ravdess.published())),
        ("savee", list(savee.published())),
        ("tess", list(tess.published())),
        ("emogator", list(emogator.published())),
    ],
)
def test_the_published_names_are_as_many_as_the_catalogue_says(corpus: str, names: list[str]) -> None:
    keys = {said.key for name in names if isinstance(said := PARSERS[corpus](PurePath(name)), Utterance)}
    speakers = {said.speaker for name in names if isinstance(said := PARSERS[corpus](PurePath(name)), Utterance)}
    assert (len(names), len(keys), len(speakers)) == (CORPORA[corpus].clips,) * 2 + (CORPORA[corpus].speakers,)


def test_ravdess_has_emobox_six_folds_of_four_actors() -> None:
    folds = layout("ravdess").folds
    assert isinstance(folds, dict)
    assert Counter(folds.values()) == dict.fromkeys(range(1, 7), 4)
    assert len(folds) == 24


def test_songs_videos_unknown_speakers_and_second_copies_are_left_aside(tmp_path: Path) -> None:
    unknown = f"House/go-safe-calm-1-{UNKNOWN_SPEAKER}.wav"
    for path in (
        "Actor_01/03-01-05-01-01-01-01.wav",
        "again/Actor_01/03-01-05-01-01-01-01.wav",
        "Actor_01/03-02-05-01-01-01-01.wav",
        "Actor_01/._03-01-05-01-01-01-01.wav",
        "Actor_01/01-01-05-01-01-01-01.wav",
        unknown,
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    scan = layout("ravdess").scan(tmp_path)
    assert [clip.path for clip in scan.clips] == ["Actor_01/03-01-05-01-01-01-01.wav"]
    assert scan.aside == {
        ravdess.NOT_SPEECH: ["Actor_01/01-01-05-01-01-01-01.wav", "Actor_01/03-02-05-01-01-01-01.wav"],
        SECOND_COPY: ["again/Actor_01/03-01-05-01-01-01-01.wav"],
    }
    assert scan.strangers == [unknown]
    assert layout("iesc").scan(tmp_path).aside == {WITHOUT_SPEAKER: [unknown]}


def test_a_compressed_copy_stands_back_behind_the_recording(tmp_path: Path) -> None:
    for path in ("AudioMP3/1001_DFA_ANG_XX.mp3", "AudioWAV/1001_DFA_ANG_XX.wav"):
        (tmp_path / path).parent.mkdir()
        (tmp_path / path).touch()
    scan = layout("crema-d").scan(tmp_path)
    assert [clip.path for clip in scan.clips] == ["AudioWAV/1001_DFA_ANG_XX.wav"]
    assert scan.aside == {SECOND_COPY: ["AudioMP3/1001_DFA_ANG_XX.mp3"]}


def test_what_crema_d_lists_itself_and_lacks_is_missing(tmp_path: Path) -> None:
    (tmp_path / "AudioWAV").mkdir()
    (tmp_path / "AudioWAV/1040_ITH_SAD_X.wav").touch()
    (tmp_path / "processedResults").mkdir()
    names = ("1001_DFA_ANG_XX", "1040_ITH_SAD_XX", "1013_WSI_DIS_XX")
    rows = "".join(f'"{number}","{name}","A"\n' for number, name in enumerate(names))
    (tmp_path / "processedResults/summaryTable.csv").write_text(f'"","FileName","VoiceVote"\n{rows}')
    assert layout("crema-d").scan(tmp_path).missing == ["AudioWAV/1001_DFA_ANG_XX.wav"]


@pytest.mark.parametrize("corpus", PUBLISHED)
def test_a_folder_is_recognised_by_its_names(tmp_path: Path, corpus: str) -> None:
    for path, *_ in PUBLISHED[corpus]:
        (tmp_path / "unpacked" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "unpacked" / path).touch()
    assert recognise(tmp_path).corpus == corpus


def test_an_unknown_folder_is_not_guessed(tmp_path: Path) -> None:
    (tmp_path / "hello.wav").touch()
    with pytest.raises(ConfigError, match=r"no published layout that is known .* --corpus"):
        recognise(tmp_path)
    with pytest.raises(ConfigError, match="'babble': name one of ravdess"):
        layout("babble")


def test_layouts_and_catalogue_name_the_same_corpora() -> None:
    assert set(LAYOUTS) <= set(CORPORA)
    assert all(known.download or known.ask for known in CORPORA.values())
    # What has no layout comes with a manifest of its own: nothing is downloaded that could not be read.
    assert not any(known.download for name, known in CORPORA.items() if name not in LAYOUTS)


@given(st.sets(st.text(min_size=1), min_size=1, max_size=40), st.integers(1, 8))
def test_speakers_are_dealt_evenly_and_the_same_each_time(speakers: set[str], folds: int) -> None:
    dealt = deal_speakers(speakers, folds)
    assert dealt == deal_speakers(sorted(speakers), folds)
    sizes = Counter(dealt.values())
    assert set(dealt) == speakers
    assert max(sizes.values()) - min(sizes.values()) <= 1
    assert set(dealt.values()) <= set(range(1, folds + 1))


def test_the_emotions_of_all_layouts_are_the_eight() -> None:
    named = [module.EMOTIONS for module in (crema_d, savee, tess, emogator)]
    assert {emotion for mapping in named for emotion in mapping.values()} <= set(EMOTIONS)
