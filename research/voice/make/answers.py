"""What heads say of sounds whose speakers, or whose whole corpus, they never heard.

    python -m research.voice.make.answers FOLDER --views runs/views --out runs/yardstick/before.npz
    python -m research.voice.make.answers models/acoustic --features runs/features-acoustic \
        --out runs/yardstick/acoustic.npz

The second is of a voice that this folder's modules made: `features --model` has kept its embedding, its folder has the
heads of the folds, and the heads without a corpus are fitted anew to the same embedding.
"""

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from rasa_emotion.acoustic.classifier import MODEL, OnnxNetwork
from rasa_emotion.acoustic.heads import HEADS, head_names, read_head
from rasa_emotion.training.voice.features import Rows, described, read_rows
from rasa_emotion.training.voice.heads import Fitted
from rasa_emotion.training.voice.kept import drawn, enough, read_sounds
from rasa_emotion.training.voice.material import FOLDS
from research.voice.make.answered import NEVER, SPEAKERS, Answers, joined
from research.voice.make.blend import SHIPPED, Blend, fit_blend

logger = logging.getLogger(__name__)

LEFT_OUT = ("emodb", "nemo", "urdu", "iesc", "digits", "calls", "prompts")
SCORED_VIEWS = ("clean", "line")


def answered(rows: Rows, logits: NDArray[np.float64], unheard: str) -> Answers:
    """Rows with what was said of them."""
    kept = {key: getattr(rows, key) for key in ("emotion", "corpus", "view", "speaker", "name")}
    return Answers(logits=logits, unheard=np.full(len(rows), unheard), **kept)


def train_rows(rows: Rows) -> NDArray[np.bool_]:
    """Which rows may train at all."""
    return ~np.char.startswith(rows.corpus, NEVER)


def scored_rows(rows: Rows) -> NDArray[np.bool_]:
    """Which rows are scored: no altered copies, and the views that stand for a microphone and a telephone."""
    return ~rows.augmented & np.isin(rows.view, SCORED_VIEWS)


def fit_folds(rows: Rows, blend: Blend) -> list[Fitted]:
    """One head a fold, fitted to the sounds of all others."""
    able = train_rows(rows)
    folds = tqdm(range(FOLDS), desc="folds", mininterval=2)
    return [fit_blend(rows.where(able & (rows.fold != fold)), blend) for fold in folds]


def answer_folds(rows: Rows, heads: Sequence[Fitted]) -> Answers:
    """Each row by the head of its own fold."""
    parts = []
    for fold, head in enumerate(heads):
        own = rows.where(rows.fold == fold)
        if len(own):
            parts.append(answered(own, head.logits(own.statistics), SPEAKERS))
    return joined(parts)


def answer_folder(folder: Path, views: Path, corpora: Sequence[str] = (), most: int = 0) -> Answers:
    """What a model folder says of the scored views: where it keeps heads of folds, RAVDESS by the head of its fold.

    `most` limits the sounds of a corpus, drawn by the checksum of their names; 0 takes all.

    The corpora of its card were heard in training; every other corpus is left out by nature.
    """
    network = OnnxNetwork(folder / MODEL)
    file = folder / "folds" / HEADS
    names = {int(name.removeprefix("fold")): name for name in head_names(file) if name.startswith("fold")}
    folds = {fold: read_head(file, name, network) for fold, name in names.items()}
    parts = []
    tables = [table for table in sorted(views.glob("*.csv")) if not corpora or table.stem in corpora]
    for table in tables:
        for view in SCORED_VIEWS:
            sounds = read_sounds(views, table.stem, view)
            own = described(views, table.stem, view, np.zeros((len(sounds), 0), np.float32))
            if own.augmented.all():
                continue
            if most:
                chosen = drawn(list(own.name), most)
                own, sounds = own.where(chosen), [sounds[index] for index in chosen]
            runs = [folds.get(int(fold) + 1, network) if table.stem == "ravdess" else network for fold in own.fold]
            rows = tqdm(zip(runs, sounds, strict=True), desc=f"{table.stem} {view}", mininterval=5, total=len(runs))
            logits = [run.run(["logits"], [enough(sound)])[0][0] for run, sound in rows]
            parts.append(answered(own, np.array(logits, dtype=np.float64), SPEAKERS))
    return joined(parts)


class Embedded:
    """Runs as a `heads.Network` whose sounds are embeddings already."""

    def run(self, outputs: Sequence[str], sounds: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        return [np.stack(sounds)]


def answer_kept(folder: Path, rows: Rows) -> Answers:
    """What a model folder's heads of the folds say of embeddings that were kept, each row by that of its own fold."""
    file = folder / "folds" / HEADS
    parts = []
    for fold in np.unique(rows.fold):
        own = rows.where(rows.fold == fold)
        head = read_head(file, f"fold{fold + 1}", Embedded())
        logits = head.run(["logits"], list(own.statistics))[0].astype(np.float64)
        parts.append(answered(own, logits, SPEAKERS))
    return joined(parts)


def answer_left_out(rows: Rows, blend: Blend, corpora: Sequence[str] = LEFT_OUT) -> Answers:
    """Each corpus by a head that was fitted to all the others."""
    able, scored = train_rows(rows), scored_rows(rows)
    parts = []
    for corpus in tqdm([name for name in corpora if name in rows.corpus], desc="corpora left out", mininterval=2):
        head = fit_blend(rows.where(able & (rows.corpus != corpus)), blend)
        own = rows.where(scored & (rows.corpus == corpus))
        parts.append(answered(own, head.logits(own.statistics), corpus))
    return joined(parts)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Keep what a model folder says of the scored views.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--views", type=Path, default=Path("runs/views"))
    parser.add_argument("--features", type=Path, help="of this folder's model; its heads then answer for every corpus")
    parser.add_argument("--out", type=Path, required=True, help="an .npz file")
    parser.add_argument("--corpus", action="append", default=[], help="only this one; repeatable")
    parser.add_argument("--heard", action="store_true", help="with --features: without the corpora left out")
    parser.add_argument("--left-out", type=Path, help="answers that `choose` kept: with --heard, the corpora left out")
    parser.add_argument("--most", type=int, default=0, help="sounds of each corpus, without --features")
    options = parser.parse_args(arguments)
    if options.features is None:
        answer_folder(options.folder, options.views, options.corpus, options.most).save(options.out)
        return
    rows = read_rows(options.features)
    parts = [answer_kept(options.folder, rows.where(scored_rows(rows)))]
    if not options.heard:
        parts.append(answer_left_out(rows, SHIPPED))
    elif options.left_out is not None:
        kept = Answers.load(options.left_out)
        parts.append(kept.where(kept.unheard != SPEAKERS))
    joined(parts).save(options.out)


if __name__ == "__main__":
    main()
