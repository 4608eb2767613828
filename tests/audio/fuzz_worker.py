"""Decodes altered recordings in a process of its own, so that what outside software breaks takes no test with it.

    python tests/audio/fuzz_worker.py FORMAT COUNT SEED

Alters a recording of one format `COUNT` times and prints one JSON line: how many were decoded, how many were refused in
a sentence, and what came that is neither. Memory beyond that of the idle process is limited to `BOUND`.
"""

import faulthandler
import json
import logging
import resource
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

BOUND = 300_000_000
"""Bytes that decoding may take beyond what the process has taken before."""

MAX_SECS = 30.0


def altered(file: bytes, rng: np.random.Generator) -> bytes:
    """The file cut at a random place, with random bytes, or both; in each third one the beginning is spared."""
    kind = rng.integers(4)
    found = bytearray(file)
    if kind != 0:
        spared = int(rng.choice([0, 0, 64, 512]))
        for _ in range(int(rng.choice([1, 3, 20, 200]))):
            found[int(rng.integers(min(spared, len(found) - 1), len(found)))] = int(rng.integers(256))
    if kind in (0, 1):
        found = found[: int(rng.integers(1, len(found) + 1))]
    if kind == 2:  # a piece is missing or there twice
        at, size = int(rng.integers(len(found))), int(rng.integers(1, 400))
        found[at : at + size] = b"" if rng.integers(2) else bytes(found[at : at + size]) * 2
    return bytes(found)


def inputs(file: bytes, count: int, seed: int) -> Iterator[bytes]:
    """`count` altered copies; the same ones for the same seed."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        yield altered(file, rng)


def main(path: str, count: str, seed: str) -> None:
    from rasa_emotion.audio import load_audio  # noqa: PLC0415 -- its libraries are not to count
    from rasa_emotion.audio.voice import voice_network  # noqa: PLC0415
    from rasa_emotion.errors import AudioError  # noqa: PLC0415

    faulthandler.enable()
    logging.disable()
    file = Path(path).read_bytes()
    voice_network()
    load_audio(file, max_secs=MAX_SECS)
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + BOUND, taken + BOUND))
    decoded, refused, others = 0, 0, []
    for number, one in enumerate(inputs(file, int(count), int(seed))):
        try:
            load_audio(one, max_secs=MAX_SECS)
            decoded += 1
        except AudioError as error:
            refused += 1
            if "\n" in str(error) or not str(error).endswith("."):
                others.append([number, str(error)])
        except Exception as error:  # the test says which
            others.append([number, f"{type(error).__name__}: {error}"])
    print(json.dumps({"decoded": decoded, "refused": refused, "others": others}))


if __name__ == "__main__":
    main(*sys.argv[1:])
