"""Fetching from a real HTTP server on this machine: interrupted, resumed, refused, altered."""

import hashlib
import io
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from rasa_emotion.corpora import download
from rasa_emotion.corpora.archives import unpack
from rasa_emotion.corpora.catalogue import CORPORA, Download
from rasa_emotion.corpora.download import ResumingDownload
from rasa_emotion.corpora.fetch import describe, fetch, pointed_at, source
from rasa_emotion.errors import ConfigError


@dataclass
class Mirror:
    """A server of files, and how it misbehaves.

    Args:
        files: content by path.
        ranges: whether it answers Range.
        version: its ETag; "" for none.
        cut_after: bytes after which it closes each of the next connections, one entry a connection.
        errors: statuses that it answers next.
        asked: path and Range header of each request.
    """

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    ranges: bool = True
    version: str = '"1"'
    cut_after: list[int] = field(default_factory=list)
    errors: list[int] = field(default_factory=list)
    asked: list[tuple[str, str | None]] = field(default_factory=list)


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    state = Mirror()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            state.asked.append((self.path, wanted))
            content = state.files.get(self.path)
            if state.errors or content is None:
                self.send_error(state.errors.pop(0) if state.errors else 404)
                return
            start = 0
            current = self.headers.get("If-Range") in (None, state.version)
            if wanted and state.ranges and current:
                start = int(wanted.removeprefix("bytes=").removesuffix("-"))
                if start >= len(content):
                    self.send_response(416)
                    self.send_header("Content-Range", f"bytes */{len(content)}")
                    self.end_headers()
                    return
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            else:
                self.send_response(200)
            if state.version:
                self.send_header("ETag", state.version)
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            self.wfile.write(content[start : start + state.cut_after.pop(0)] if state.cut_after else content[start:])

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    state.url = f"http://127.0.0.1:{server.server_port}"
    yield state
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


CONTENT = bytes(range(256)) * 1000


def get(mirror: Mirror, folder: Path, **options: Any) -> bytes:
    """Download `/file`; the bytes that came."""
    loader = ResumingDownload(folder / "file.part", pause_secs=0, **options)
    loader(f"{mirror.url}/file", str(folder / "file"), None)
    return (folder / "file").read_bytes()


def test_a_file_comes_whole_and_leaves_nothing_behind(mirror: Mirror, tmp_path: Path) -> None:
    mirror.files["/file"] = CONTENT
    seen: list[tuple[int, int | None]] = []
    assert get(mirror, tmp_path, progress=lambda done, total: seen.append((done, total))) == CONTENT
    assert seen[0] == (0, len(CONTENT))
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_broken_connection_is_taken_up_where_it_broke(mirror: Mirror, tmp_path: Path) -> None:
    mirror.files["/file"] = CONTENT
    mirror.cut_after = [100_000, 50_000]
    assert get(mirror, tmp_path) == CONTENT
    assert mirror.asked == [("/file", None), ("/file", "bytes=100000-"), ("/file", "bytes=150000-")]


def test_a_later_process_goes_on_too(mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mirror.files["/file"] = CONTENT
    mirror.cut_after = [100_000]
    monkeypatch.setattr(download, "ATTEMPTS", 1)
    with pytest.raises(ConfigError, match=r"broke off after 100,000 bytes .* goes on from there"):
        get(mirror, tmp_path)
    assert get(mirror, tmp_path) == CONTENT
    assert mirror.asked[1:] == [("/file", "bytes=100000-")]


@pytest.mark.parametrize("change", ["no ranges", "new version", "no version", "weak version"])
def test_what_cannot_be_continued_starts_anew(
    mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    mirror.version = {"no version": "", "weak version": 'W/"1"'}.get(change, mirror.version)
    mirror.files["/file"] = CONTENT[::-1]
    mirror.cut_after = [100_000]
    monkeypatch.setattr(download, "ATTEMPTS", 1)
    with pytest.raises(ConfigError):
        get(mirror, tmp_path)
    mirror.ranges = change != "no ranges"
    if change == "new version":
        mirror.version = '"2"'
    mirror.files["/file"] = CONTENT
    assert get(mirror, tmp_path) == CONTENT


def test_with_a_checksum_a_server_without_versions_is_continued(mirror: Mirror, tmp_path: Path) -> None:
    mirror.files["/file"] = CONTENT
    mirror.version = ""
    mirror.cut_after = [100_000]
    assert get(mirror, tmp_path, checked=True) == CONTENT
    assert mirror.asked[1] == ("/file", "bytes=100000-")


def test_a_complete_part_needs_no_byte_more(mirror: Mirror, tmp_path: Path) -> None:
    mirror.files["/file"] = CONTENT
    (tmp_path / "file.part").write_bytes(CONTENT)
    assert get(mirror, tmp_path, checked=True) == CONTENT
    assert len(mirror.asked) == 1


def test_a_part_longer_than_the_file_starts_anew(mirror: Mirror, tmp_path: Path) -> None:
    mirror.files["/file"] = CONTENT[:1000]
    (tmp_path / "file.part").write_bytes(CONTENT)
    assert get(mirror, tmp_path, checked=True) == CONTENT[:1000]


def test_a_passing_fault_is_tried_again_and_a_refusal_is_not(mirror: Mirror, tmp_path: Path) -> None:
    mirror.files["/file"] = CONTENT
    mirror.errors = [503, 429]
    assert get(mirror, tmp_path) == CONTENT
    mirror.files.clear()
    mirror.asked.clear()
    with pytest.raises(ConfigError, match=r"refuses http://127.0.0.1:\d+/file \(404 .* --url"):
        get(mirror, tmp_path)
    assert len(mirror.asked) == 1


def test_only_http_is_fetched(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="'file:///etc/passwd' cannot be fetched"):
        ResumingDownload(tmp_path / "part")("file:///etc/passwd", str(tmp_path / "file"), None)


def zipped(*names: str, content: bytes = b"sound") -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in names:
            archive.writestr(name, content)
    return stream.getvalue()


def tarred(**files: bytes) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name.replace("__", "/"))
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()


def test_a_corpus_is_fetched_checked_and_unpacked(mirror: Mirror, tmp_path: Path) -> None:
    archive = zipped("Actor_01/03-01-01-01-01-01-01.wav")
    mirror.files["/ravdess.zip"] = archive
    mirror.cut_after = [20]
    digest = hashlib.sha256(archive).hexdigest()
    steps: list[str] = []
    place = source("ravdess", url=f"{mirror.url}/ravdess.zip", sha256=digest.upper())
    fetched = fetch("ravdess", place, tmp_path, lambda title: steps.append(title) or (lambda done, total: None))  # type: ignore[func-returns-value]
    assert (fetched.folder, fetched.sha256, fetched.checked) == (tmp_path / "ravdess", digest, True)
    assert steps == ["download", "unpack"]
    assert [path.name for path in tmp_path.iterdir()] == ["ravdess"]
    assert (tmp_path / "ravdess/Actor_01/03-01-01-01-01-01-01.wav").read_bytes() == b"sound"
    again = fetch("ravdess", place, tmp_path)
    assert again.sha256 == ""
    assert len(mirror.asked) == 2


def test_a_wrong_checksum_is_refused_and_nothing_of_it_stays(mirror: Mirror, tmp_path: Path) -> None:
    mirror.files["/a.zip"] = zipped("a.wav")
    place = source("emodb", url=f"{mirror.url}/a.zip", sha256="0" * 64)
    with pytest.raises(ConfigError, match=r"does not have the checksum sha256:0{64} and was removed"):
        fetch("emodb", place, tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert not (tmp_path / "emodb").exists()


def test_a_damaged_archive_is_not_kept(mirror: Mirror, tmp_path: Path) -> None:
    mirror.files["/a.zip"] = b"<html>Sorry</html>"
    with pytest.raises(ConfigError, match="neither a zip nor a tar file"):
        fetch("emodb", Download(f"{mirror.url}/a.zip"), tmp_path)
    mirror.files["/a.zip"] = zipped("a.wav")
    fetched = fetch("emodb", Download(f"{mirror.url}/a.zip"), tmp_path)
    assert (fetched.checked, fetched.sha256) == (False, hashlib.sha256(mirror.files["/a.zip"]).hexdigest())


def test_an_archive_that_finds_no_room_is_kept(mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mirror.files["/a.zip"] = zipped("a.wav")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("rasa_emotion.corpora.fetch.unpack", full)
        with pytest.raises(ConfigError, match=r"No space left on device.*make room"):
            fetch("emodb", Download(f"{mirror.url}/a.zip"), tmp_path)
    assert (fetch("emodb", Download(f"{mirror.url}/a.zip"), tmp_path).folder / "a.wav").is_file()
    assert len(mirror.asked) == 1


def test_pointers_are_replaced_by_what_they_stand_for(mirror: Mirror, tmp_path: Path) -> None:
    sounds = {f"1001_DFA_{label}_XX.wav": label.encode() * 100 for label in ("ANG", "SAD", "HAP")}
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, sound in sounds.items():
            digest = hashlib.sha256(sound).hexdigest()
            text = f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {len(sound)}\n"
            archive.writestr(f"CREMA-D-master/AudioWAV/{name}", text)
            archive.writestr(f"CREMA-D-master/AudioMP3/{name}", text)
            mirror.files[f"/media/AudioWAV/{name}"] = sound
    mirror.files["/master.zip"] = stream.getvalue()
    broken = "/media/AudioWAV/1001_DFA_SAD_XX.wav"
    mirror.files[broken], good = b"altered", mirror.files[broken]
    place = Download(f"{mirror.url}/master.zip", objects=f"{mirror.url}/media/", pointers="AudioWAV/*.wav")
    with pytest.raises(ConfigError, match=r"SAD_XX\.wav sent does not have the checksum"):
        fetch("crema-d", place, tmp_path)
    mirror.files[broken] = good
    folder = fetch("crema-d", place, tmp_path).folder / "CREMA-D-master"
    assert {path.name: path.read_bytes() for path in (folder / "AudioWAV").iterdir()} == sounds
    assert all(pointed_at(path) for path in (folder / "AudioMP3").iterdir())  # not asked for
    assert sum(path == "/master.zip" for path, _ in mirror.asked) == 1


def test_archives_in_an_archive_are_unpacked_where_they_lie(tmp_path: Path) -> None:
    inner = tarred(train_splits__dia0_utt0=b"video")
    (tmp_path / "a").write_bytes(tarred(**{"MELD__README": b"x", "MELD__train.tar.gz": inner}))
    unpack(tmp_path / "a", tmp_path / "out")
    files = sorted(path.name for path in (tmp_path / "out").rglob("*") if path.is_file())
    assert files == ["README", "dia0_utt0"]
    assert (tmp_path / "out/MELD/train_splits/dia0_utt0").read_bytes() == b"video"


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_no_archive_writes_outside_its_folder(tmp_path: Path, kind: str) -> None:
    archive = tmp_path / "archive"
    archive.write_bytes(zipped("../evil.wav") if kind == "zip" else tarred(**{"..__evil.wav": b"x"}))
    with pytest.raises(ConfigError, match=r"'../evil.wav', which lies outside"):
        unpack(archive, tmp_path / "out")
    assert not (tmp_path / "evil.wav").exists()


def test_links_in_an_archive_are_passed_over(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "archive", "w") as archive:
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    unpack(tmp_path / "archive", tmp_path / "out")
    assert list((tmp_path / "out").rglob("*")) == []


def test_a_cut_archive_says_so(tmp_path: Path) -> None:
    (tmp_path / "archive").write_bytes(tarred(a=CONTENT)[:300])
    with pytest.raises(ConfigError, match=r"cannot be unpacked|neither a zip nor a tar"):
        unpack(tmp_path / "archive", tmp_path / "out")


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("babble", {}, "'babble' is unknown: name one of ravdess"),
        ("iemocap", {}, "sign the release form at https://sail.usc.edu"),
        ("msp-podcast", {}, "sign the agreement"),
        ("savee", {}, "register at"),
        ("ravdess", {"sha256": "abc"}, "'abc' is not a SHA-256"),
    ],
)
def test_what_cannot_be_fetched_says_where_to_ask(name: str, options: dict[str, str], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        source(name, **options)


def test_a_copy_of_ones_own_replaces_the_public_address() -> None:
    public = CORPORA["ravdess"].download
    assert source("ravdess") == public
    assert source("iemocap", url="https://example.org/i.tar") == Download("https://example.org/i.tar")
    pinned = source("emodb", sha256="a" * 64)
    assert (pinned.checksum, pinned.url) == (f"sha256:{'a' * 64}", CORPORA["emodb"].download.url)  # type: ignore[union-attr]


def test_people_see_the_licence_first() -> None:
    text = describe("ravdess", source("ravdess"))
    assert "CC BY-NC-SA 4.0" in text
    assert "research and evaluation only" in text
    assert "md5:bc696df654c87fed845eb13823edef8a" in text
    assert "not published" in describe("emodb", source("emodb"))
    assert "Companies may use" in describe("crema-d", source("crema-d"))
