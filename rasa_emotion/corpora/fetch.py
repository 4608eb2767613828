"""Fetches a corpus: downloaded with pooch, checked, unpacked."""

import logging
import re
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rasa_emotion.corpora.archives import unpack
from rasa_emotion.corpora.catalogue import CORPORA, Corpus, Download, corpus
from rasa_emotion.corpora.download import ResumingDownload
from rasa_emotion.corpora.layouts import meld
from rasa_emotion.errors import ConfigError
from rasa_emotion.extras import needs_extra
from rasa_emotion.logs import named

logger = logging.getLogger(__name__)

Progress = Callable[[int, int | None], None]
Step = Callable[[str], Progress]
"""Given what is done now ("download", "unpack", ...), what to tell how far it is."""

SHA256 = re.compile(r"[0-9a-f]{64}")
POINTER = re.compile(rb"version https://git-lfs\.github\.com/spec/v1\noid sha256:([0-9a-f]{64})\nsize \d+\n")
POINTER_BYTES = 1024
CONNECTIONS = 8


@dataclass(frozen=True)
class Fetched:
    """Where a corpus lies now.

    Args:
        folder: its unpacked files.
        sha256: of the archive, or "" where it had been fetched before.
        checked: whether the archive was compared with a known checksum.
    """

    folder: Path
    sha256: str
    checked: bool


def source(name: str, *, url: str | None = None, sha256: str | None = None) -> Download:
    """Where to fetch a corpus: the address that is given, or the public one.

    Args:
        url: of a copy, such as a company's own; it needs `sha256` to be checked.
        sha256: of the archive, as 64 hexadecimal digits.

    Raises:
        ConfigError: the corpus is unknown or handed out on request alone, or the checksum is none.
    """
    if name not in CORPORA:
        raise ConfigError(f"The corpus '{name}' is unknown: name one of {', '.join(CORPORA)}.")
    entry = corpus(name)
    if sha256 is not None and not SHA256.fullmatch(sha256.lower()):
        raise ConfigError(f"'{sha256}' is not a SHA-256: give its 64 hexadecimal digits.")
    checksum = f"sha256:{sha256.lower()}" if sha256 else ""
    if url is not None:
        return Download(url, checksum)
    if entry.download is None:
        raise ConfigError(f"{entry.title} cannot be fetched from here: {entry.ask}; --url fetches your own copy.")
    public = entry.download
    return Download(public.url, checksum or public.checksum, public.objects, public.pointers)


def fetch(name: str, place: Download, out: Path, step: Step = lambda title: lambda done, total: None) -> Fetched:
    """Download, check and unpack a corpus into `out/NAME`; run it again to go on where it stopped.

    Args:
        name: of the corpus.
        place: see `source`.
        out: the folder of the corpora.
        step: asked for a progress callback when a step begins.

    Raises:
        ConfigError: pooch is not installed, the server refuses, the checksum differs, or the archive is damaged.
    """
    folder = out / name
    digest = ""
    if not folder.is_dir():
        work = out / f"{name}.download"
        work.mkdir(parents=True, exist_ok=True)
        archive = _download(place, work, step("download"))
        digest = str(_pooch().file_hash(archive))
        unpacked = work / "unpacked"
        shutil.rmtree(unpacked, ignore_errors=True)
        unpacked.mkdir()
        try:
            unpack(archive, unpacked, step("unpack"))
        except ConfigError:
            archive.unlink()  # a damaged one must not be taken for good the next time
            raise
        except OSError as error:
            raise ConfigError(f"'{archive}' cannot be unpacked ({error}): make room, then run it again.") from error
        unpacked.replace(folder)
        shutil.rmtree(work)
    if place.objects:
        _fetch_objects(folder, place, step("recordings"))
    if name == "meld":
        failed = meld.extract_audio(folder, step("extract sound"))
        if failed:
            logger.warning(
                "%d videos have no sound that ffmpeg can read: %s.",
                len(failed),
                ", ".join(failed),
                extra=named("corpora.audio.missing"),
            )
    return Fetched(folder, digest, bool(place.checksum))


def describe(name: str, place: Download) -> str:
    """What a user agrees to: the corpus, its licence, its address and how it is checked."""
    entry: Corpus = corpus(name)
    use = "Companies may use weights" if entry.commercial else "Weights"
    use += " trained on it." if entry.commercial else " trained on it are for research and evaluation only."
    check = place.checksum or "not published; the first download prints the SHA-256 to pin"
    return f"{entry.title}: {entry.holds}\nLicence: {entry.licence}. {use}\nFrom: {place.url}\nChecksum: {check}"


def _download(place: Download, work: Path, progress: Progress) -> Path:
    downloader = ResumingDownload(work / "part", checked=bool(place.checksum), progress=progress)
    with _checksum_errors(place):
        return Path(
            _pooch().retrieve(place.url, place.checksum or None, fname="archive", path=work, downloader=downloader)
        )


def _fetch_objects(folder: Path, place: Download, progress: Progress) -> None:
    """Replace Git LFS pointers by what they stand for, each checked against the SHA-256 in its pointer."""
    wanted = [(path, digest, root) for root, path in _matches(folder, place.pointers) if (digest := pointed_at(path))]
    pooch = _pooch() if wanted else None

    def get(item: tuple[Path, str, Path]) -> None:
        path, digest, root = item
        one = Download(place.objects + path.relative_to(root).as_posix(), f"sha256:{digest}")
        downloader = ResumingDownload(path.with_name(f"{path.name}.part"), checked=True)
        with _checksum_errors(one):
            pooch.retrieve(one.url, one.checksum, fname=path.name, path=path.parent, downloader=downloader)  # type: ignore[union-attr]

    pool = ThreadPoolExecutor(CONNECTIONS)
    try:
        for number, _ in enumerate(pool.map(get, wanted), start=1):
            progress(number, len(wanted))
    finally:
        pool.shutdown(cancel_futures=True)


def pointed_at(path: Path) -> str | None:
    """The SHA-256 of the file that a Git LFS pointer stands for; None for any other file."""
    if path.stat().st_size > POINTER_BYTES:
        return None
    match = POINTER.match(path.read_bytes())
    return match[1].decode() if match else None


def _matches(folder: Path, pattern: str) -> Iterator[tuple[Path, Path]]:
    """Files of a pattern at the top of an archive or below its single folder, each with that top."""
    for top in (folder, *sorted(path for path in folder.iterdir() if path.is_dir())):
        yield from ((top, path) for path in sorted(top.glob(pattern)))


@contextmanager
def _checksum_errors(place: Download) -> Iterator[None]:
    try:
        yield
    except ValueError as error:  # pooch's; it has removed the file
        raise ConfigError(
            f"What {place.url} sent does not have the checksum {place.checksum} and was removed: fetch it again; if "
            "it still differs ask its owner, or name another address with --url."
        ) from error


def _pooch() -> Any:
    with needs_extra("evaluate", "Fetching corpora"):
        import pooch  # noqa: PLC0415
    pooch.get_logger().setLevel("WARNING")
    return pooch
