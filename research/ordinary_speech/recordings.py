"""Ordinary human speech that ships with Debian: `python -m research.ordinary_speech.recordings prompts`
or `letters`, with `--out FOLDER`.

`prompts` are the announcements of Asterisk: seven people in five languages, five of them in a wide band (G.722) and two
in GSM. `letters` are those of KLettres: twenty volunteers, each in a language of her own, who read letters and
syllables, at home rather than in a studio. Recordings of one person are joined, with pauses of 0.15 to 0.45 s, until a
clip lasts 2.5 s. Tones, beeps and the joke prompts (`tt-`) are left out.
"""

import argparse
import random
from pathlib import Path

import av
import numpy as np
import soundfile
from numpy.typing import NDArray

from research.ordinary_speech import clips

SOUNDS, LETTERS = Path("/usr/share/asterisk/sounds"), Path("/usr/share/klettres")
PROMPTS = {
    "en_US_f_Allison": ["en_US_f_Allison"],
    "es_MX_f_Allison": ["es_MX_f_Allison"],
    "fr_CA_f_June": ["fr_CA_f_June"],
    "it_IT_m_Carlo": ["it_IT_m_Carlo"],
    "ru_RU_f_IvrvoiceRU": ["ru_RU_f_IvrvoiceRU"],
    "es_CO_f_July": ["es", "digits/es", "letters/es", "phonetic/es"],
    "fr_FR_f_Armelle": ["fr", "digits/fr", "letters/fr", "phonetic/fr"],
}
NO_SPEECH = ("tt-", "beep", "ascending", "descending", "confbridge-join", "confbridge-leave")
SHORTEST_CLIP = 2.5
FEWEST = 28
"""A speaker with fewer recordings is left out."""


def speech_files(folders: list[Path]) -> list[Path]:
    found = [path for folder in folders for path in sorted(folder.rglob("*.*"))]
    return [
        path
        for path in found
        if path.suffix in (".g722", ".gsm", ".ogg")
        and not path.name.startswith(NO_SPEECH)
        and "silence" not in path.parts
    ]


def decode(path: Path) -> NDArray[np.float32]:
    """Mono samples at 16 kHz."""
    if path.suffix == ".ogg":  # FFmpeg refuses 18 of them: an empty stereo link follows the mono one
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
        return clips.at_16_khz(samples.mean(axis=1), rate)
    with av.open(str(path), format=path.suffix[1:]) as container:
        rate = container.streams.audio[0].rate
        resampler = av.AudioResampler(format="flt", layout="mono")
        frames = [piece for frame in container.decode(audio=0) for piece in resampler.resample(frame)]
    samples = np.concatenate([frame.to_ndarray().reshape(-1) for frame in frames])
    return clips.at_16_khz(samples, rate)


def joined(files: list[Path], dice: random.Random) -> NDArray[np.float32]:
    """The next files of a speaker, which are taken off the list, until there are `SHORTEST_CLIP` seconds."""
    parts: list[NDArray[np.float32]] = []
    while files and sum(map(len, parts)) < SHORTEST_CLIP * clips.RATE:
        part = decode(files.pop())
        if np.abs(part).max(initial=0.0) > 0.01:
            parts += [clips.trimmed(part), np.zeros(int(dice.uniform(0.15, 0.45) * clips.RATE), np.float32)]
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=("prompts", "letters"))
    parser.add_argument("--out", type=Path, required=True, help="data folder that gets the clips and speech.csv")
    parser.add_argument("--per-voice", type=int, default=60, help="most clips of each speaker")
    flags = parser.parse_args()
    if flags.kind == "prompts":
        folders = {name: [SOUNDS / part for part in parts] for name, parts in PROMPTS.items()}
    else:
        folders = {folder.name: [folder] for folder in sorted(LETTERS.iterdir()) if folder.is_dir()}
    waiting = {name: speech_files(parts) for name, parts in folders.items()}
    waiting = {name: files for name, files in waiting.items() if len(files) >= FEWEST}
    for name, files in waiting.items():
        random.Random(name).shuffle(files)
    count = clips.make(
        flags.out,
        flags.kind,
        list(waiting),
        flags.per_voice,
        lambda clip: (joined(waiting[clip.voice], clip.dice), clips.RATE),
        texts=False,
    )
    print(f"{flags.kind}: {count} clips of {len(waiting)} speakers")


if __name__ == "__main__":
    main()
