"""Many recordings at once, each in a process of its own that may fail without the others."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.connection import wait as wait_for
from pathlib import Path

from rasa_emotion.analyzer import EmotionAnalyzer
from rasa_emotion.archive.call import Scored, failed, identity, printable, score_call
from rasa_emotion.archive.options import ScoreOptions
from rasa_emotion.archive.words import Words

AHEAD = 2
"""Recordings that wait for each process."""

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def score_all(paths: Sequence[Path], options: ScoreOptions, *, workers: int) -> Iterator[Scored]:
    """The rows of each recording as soon as they are there, in any order.

    A recording that ends the process that hears it, such as by a fault in a decoder's library, is told from those that
    were heard beside it by hearing each of them alone; its row says so.

    Args:
        paths: of the recordings.
        options: how they are scored.
        workers: processes, each of which computes in one thread.
    """
    for name in THREADS:  # before the processes start: the libraries read these once
        os.environ.setdefault(name, "1")
    waiting = list(reversed(paths))
    while waiting:
        suspects: list[Path] = []
        yield from _until_broken(waiting, suspects, options, workers)
        for path in suspects:
            yield score_alone(path, options)


def _until_broken(waiting: list[Path], suspects: list[Path], options: ScoreOptions, workers: int) -> Iterator[Scored]:
    """Takes from the end of `waiting`; where a process ends early, those under way become `suspects`."""
    pending: dict[Future[Scored], Path] = {}
    with _pool(options, min(workers, len(waiting))) as pool:
        try:
            while (waiting and not suspects) or pending:
                while waiting and not suspects and len(pending) < AHEAD * workers:
                    path = waiting.pop()
                    try:
                        pending[pool.submit(_score, path)] = path
                    except BrokenProcessPool:
                        suspects.append(path)
                done, _ = wait(pending, return_when=FIRST_COMPLETED)
                for future in done:
                    path = pending.pop(future)
                    try:
                        yield future.result()
                    except BrokenProcessPool:
                        suspects.append(path)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def score_alone(path: Path, options: ScoreOptions) -> Scored:
    """The rows of one recording, or of its failure where it ends the process that hears it."""
    with _pool(options, 1) as pool:
        try:
            return pool.submit(_score, path).result()
        except BrokenProcessPool:
            try:
                known = identity(path)
            except OSError:
                known = {"path": printable(str(path))}
            return failed(known, f"'{path}' ended the process that heard it; try it with rasa-emotion analyze.")


def _pool(options: ScoreOptions, workers: int) -> ProcessPoolExecutor:
    # Started anew instead of forked: ONNX Runtime's threads do not survive a fork.
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, mp_context=context, initializer=_begin, initargs=(options,))


@dataclass(frozen=True)
class _Worker:
    analyzer: EmotionAnalyzer
    options: ScoreOptions
    words: Words | None


_this: list[_Worker] = []  # of this process


def _begin(options: ScoreOptions) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that was asked ends these
    threading.Thread(target=_end_with_parent, daemon=True).start()
    analyzer = EmotionAnalyzer.load(options.models, acoustic=options.acoustic)
    _this.append(_Worker(analyzer, options, None if options.recogniser == "none" else Words(options)))


def _end_with_parent() -> None:
    """A killed parent tells nobody: its processes would wait for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait_for([parent.sentinel])
        os._exit(1)


def _score(path: Path) -> Scored:
    worker = _this[0]
    return score_call(worker.analyzer, path, worker.options, worker.words)
