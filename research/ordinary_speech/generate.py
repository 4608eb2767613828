"""Make ordinary speech with one engine: `python -m research.ordinary_speech.generate espeak --out FOLDER`.

Run it from the root of the checkout with the Python of the engine's environment; README.md has every command.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

from research.ordinary_speech import clips, engines
from research.ordinary_speech.clips import Clip, Sound

PROGRAMS: dict[str, tuple[list[str], Callable[[Clip], Sound]]] = {
    "espeak": (engines.ESPEAK_VARIANTS, engines.espeak),
    "flite": (engines.FLITE_VOICES, engines.flite),
    "festival": (engines.FESTIVAL_VOICES, engines.festival),
}


def speaker(engine: str, model: Path | None) -> tuple[list[str], Callable[[Clip], Sound]]:
    """The voices of an engine and the function that speaks."""
    if engine in PROGRAMS:
        return PROGRAMS[engine]
    from research.ordinary_speech import neural  # noqa: PLC0415 -- programs need no environment of their own

    return neural.engine(engine, model)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("engine", choices=(*PROGRAMS, "nanotts", "piper", "hibari", "kokoro"))
    parser.add_argument("--out", type=Path, required=True, help="data folder that gets the clips and speech.csv")
    parser.add_argument("--per-voice", type=int, required=True, help="clips of each voice")
    parser.add_argument("--model", type=Path, help="model file or folder of a neural engine")
    parser.add_argument("--most-words", type=int, default=99, help="leave out longer sentences: for slow engines")
    parser.add_argument(
        "--test", action="store_true", help="this engine only tests: other sentences, corpus test-ENGINE"
    )
    flags = parser.parse_args()
    voices, say = speaker(flags.engine, flags.model)
    count = clips.make(
        flags.out, flags.engine, voices, flags.per_voice, say, test=flags.test, most_words=flags.most_words
    )
    print(f"{flags.engine}: {count} clips")


if __name__ == "__main__":
    main()
