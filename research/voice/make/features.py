"""What the trunk makes of every view: kept in files, so that heads are fitted in a minute.

    python -m research.voice.make.features --views runs/views --trunk runs/trunk --out runs/features
    python -m research.voice.make.features --model models/acoustic --out runs/features-acoustic

The second keeps the embedding of a model folder, in int8 as it runs: for new heads on a voice that ships.
"""

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from rasa_emotion.acoustic.classifier import MODEL, OnnxNetwork, padded
from rasa_emotion.training.voice.features import Hear, by_network, write_features
from research.voice.make.distil import read_trunk
from research.voice.make.network import Trunk


def by_trunk(trunk: Trunk) -> Hear:
    """Statistics as the trunk gives them, before they are normalised."""

    def hear(sounds: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        given = padded(sounds)
        with torch.no_grad():
            found: NDArray[np.float32] = trunk.statistics(
                torch.from_numpy(given["waveform"]), torch.from_numpy(given["lengths"])
            ).numpy()
        return found

    return hear


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Keep what the trunk makes of every view; what is there stays.")
    parser.add_argument("--views", type=Path, default=Path("runs/views"))
    parser.add_argument("--trunk", type=Path, default=Path("runs/trunk"))
    parser.add_argument("--model", type=Path, help="a model folder whose embedding is kept, instead of --trunk")
    parser.add_argument("--out", type=Path, default=Path("runs/features"))
    parser.add_argument(
        "--view", action="append", default=[], help="only this one; repeatable, all where none is named"
    )
    parser.add_argument("--corpus", action="append", default=[], help="only this one; repeatable")
    parser.add_argument("--most", type=int, default=0, help="sounds of each corpus; 0 takes all")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO)
    torch.set_num_threads(options.threads)
    if options.model:
        hear = by_network(OnnxNetwork(options.model / MODEL, threads=options.threads))
    else:
        hear = by_trunk(read_trunk(options.trunk))
    wanted = {"corpora": options.corpus, "only": options.view, "most": options.most}
    write_features(options.views, hear, options.out, **wanted)


if __name__ == "__main__":
    main()
