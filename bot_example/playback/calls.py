"""Where the turns of a call come from: a synthesised caller, a folder of recordings, or actors of RAVDESS."""

import csv
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from rasa_emotion.errors import ConfigError

AUDIO_SUFFIXES = (".wav", ".flac", ".ogg", ".mp3")
ACTORS = "actors"


@dataclass(frozen=True)
class Turn:
    """What the caller says once: words, a sound file, or both."""

    text: str = ""
    audio: Path | None = None
    note: str = ""


@dataclass(frozen=True)
class Call:
    """A call, in order. `fold` names the acoustic model to use instead of the one that ships."""

    title: str
    turns: tuple[Turn, ...]
    caveat: str = ""
    fold: int | None = None


@dataclass(frozen=True)
class Line:
    """One line of the scripted caller: its words, how espeak-ng says them, and how an actor says them.

    `emotion` is the actor's alone: an actor may be angry where the words are not.
    """

    text: str
    words_per_minute: int
    pitch: int
    loudness: int
    emotion: str


SCRIPT = (
    Line("Hello, good morning.", 150, 45, 80, "neutral"),
    Line("I need a technician for my broadband.", 150, 45, 80, "calm"),
    Line("I am so worried, I am afraid that I will lose my job without it.", 190, 85, 90, "fear"),
    Line("It has been down since Monday.", 160, 50, 90, "angry"),
    Line("This is ridiculous! I already told you this, why does nobody ever call me back?", 220, 50, 200, "angry"),
    Line(
        "I am so angry with you! I have been waiting for three days and I am sick of your stupid excuses!",
        220,
        50,
        200,
        "angry",
    ),
)


@contextmanager
def open_call(source: str | None, *, data: Path, actor: str) -> Iterator[Call]:
    """The call that `--call` names; synthesised clips live as long as the context.

    Args:
        source: None for the synthesised caller, "actors", or a folder with 01.wav, 01.txt, ...
        data: folder with speech.csv, for the actors.
        actor: speaker in speech.csv.

    Raises:
        ConfigError: the source cannot be played.
    """
    if source == ACTORS:
        yield actors_call(data, actor)
    elif source:
        yield folder_call(Path(source))
    else:
        with TemporaryDirectory(prefix="rasa-emotion-call-") as folder:
            yield synthesised_call(Path(folder))


def synthesised_call(folder: Path) -> Call:
    """The scripted caller, spoken by espeak-ng into `folder`: calm at first, then faster, higher and louder."""
    espeak = shutil.which("espeak-ng")
    if espeak is None:
        raise ConfigError("espeak-ng is not installed; install it with: apt-get install espeak-ng")
    turns = []
    for number, line in enumerate(SCRIPT, start=1):
        clip = folder / f"{number:02}.wav"
        voice = ["-s", str(line.words_per_minute), "-p", str(line.pitch), "-a", str(line.loudness)]
        subprocess.run([espeak, "-v", "en-gb", *voice, "-w", str(clip), line.text], check=True)
        turns.append(Turn(line.text, clip))
    return Call(
        "A caller whose broadband is down",
        tuple(turns),
        caveat="The voice is synthetic: it tells the acoustic model little, so the words carry this call. "
        "CALL=actors or a folder of recordings lets the voice count.",
    )


def folder_call(folder: Path) -> Call:
    """One turn per stem: 01.wav (or .flac, .ogg, .mp3) is heard, 01.txt is read; either may be missing."""
    if not folder.is_dir():
        raise ConfigError(f"'{folder}' is not a folder; name one that holds 01.wav and 01.txt, 02.wav and 02.txt, ...")
    stems = sorted({file.stem for file in folder.iterdir() if file.suffix.lower() in (*AUDIO_SUFFIXES, ".txt")})
    if not stems:
        raise ConfigError(f"'{folder}' holds no turns; put 01.wav and 01.txt, 02.wav and 02.txt, ... into it.")
    return Call(f"The call in {folder}", tuple(_turn_of(folder, stem) for stem in stems))


def _turn_of(folder: Path, stem: str) -> Turn:
    files = sorted(file for file in folder.iterdir() if file.stem == stem)
    transcript = next((file for file in files if file.suffix.lower() == ".txt"), None)
    clip = next((file for file in files if file.suffix.lower() in AUDIO_SUFFIXES), None)
    try:
        text = transcript.read_text(encoding="utf-8").strip() if transcript else ""
    except UnicodeDecodeError as error:
        raise ConfigError(f"'{transcript}' is not UTF-8 text ({error}); save it as UTF-8.") from error
    if not text and clip is None:
        raise ConfigError(f"'{transcript}' is empty and has no recording beside it; write what was said, or remove it.")
    return Turn(text, clip)


def actors_call(data: Path, actor: str) -> Call:
    """The scripted call with clips of one RAVDESS actor, who feels in each turn as the script says."""
    manifest = data / "speech.csv"
    if not manifest.is_file():
        raise ConfigError(f"'{manifest}' is missing; set RASA_EMOTION_DATA to the folder that holds speech.csv.")
    with manifest.open(encoding="utf-8", newline="") as stream:
        clips = [row for row in csv.DictReader(stream) if row["corpus"] == "ravdess" and row["speaker"] == actor]
    if not clips:
        raise ConfigError(f"'{manifest}' has no clips of '{actor}'; name a speaker such as ravdess-08.")
    turns = []
    used: set[str] = set()
    for line in SCRIPT:
        clip = _clip(clips, line.emotion, used)
        used.add(clip["path"])
        turns.append(Turn(line.text, data / clip["path"], f"the actor says “{clip['text']}”, {clip['label']}"))
    fold = int(clips[0]["fold"])
    return Call(
        f"A caller played by {actor}",
        tuple(turns),
        caveat=f"Heard by the model of fold {fold}, which was not trained on this actor. "
        "The actors speak two fixed sentences; the words that the bot reads are the transcript of a customer's call.",
        fold=fold,
    )


def _clip(clips: list[dict[str, str]], emotion: str, used: set[str]) -> dict[str, str]:
    """An unused clip of the emotion, of strong intensity (the fourth field of its name) where there is one."""
    fitting = [clip for clip in clips if clip["emotion"] == emotion and clip["path"] not in used]
    if not fitting:
        raise ConfigError(f"The actor {clips[0]['speaker']} has too few clips for {emotion}; name another.")
    return max(fitting, key=lambda clip: Path(clip["path"]).stem.split("-")[3])
