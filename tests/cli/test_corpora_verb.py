"""The verb `corpora`: tables, JSON, exit codes, and the licence that is asked first."""

import io
import json
import sys
import zipfile
from collections.abc import Callable
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from rich.console import Console
from typer.testing import CliRunner, Result

from rasa_emotion.cli import main
from rasa_emotion.cli.corpora import _read as read_with_bar
from rasa_emotion.cli.corpora import corpora
from rasa_emotion.corpora.catalogue import CORPORA
from rasa_emotion.corpora.layouts import savee
from rasa_emotion.corpora.manifest import read_manifest
from rasa_emotion.errors import ConfigError


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(corpora, [str(argument) for argument in arguments], env={"COLUMNS": "200"})


@pytest.fixture
def folder(tmp_path: Path, tone: Callable[..., NDArray[np.float32]]) -> Path:
    """All of SAVEE, as it is passed on flat."""
    root = tmp_path / "savee"
    root.mkdir()
    stream = io.BytesIO()
    soundfile.write(stream, tone(300, 0.05), 16_000, format="WAV")
    for path in savee.published():
        _, speaker, name = path.split("/")
        (root / f"{speaker}_{name}").write_bytes(stream.getvalue())
    return root


def test_the_list_names_every_corpus_its_licence_and_how_to_get_it() -> None:
    told = call("list").output
    for name, known in CORPORA.items():
        assert name in told
        assert known.download or known.ask in told
    report = json.loads(call("list", "--json").output)
    assert report["crema-d"]["commercial"] is True
    assert report["ravdess"]["checksum"] == "md5:bc696df654c87fed845eb13823edef8a"
    assert report["emodb"]["checksum"] is None
    assert "release form" in report["iemocap"]["ask"]
    assert report["meld"]["partitions"] == ["train", "dev", "test"]


def test_a_whole_corpus_passes(folder: Path) -> None:
    result = call("check", folder)
    assert result.exit_code == 0
    assert "savee: 480 clips, 4 speakers" in result.output
    assert "Nothing is missing." in result.output
    report = json.loads(call("check", folder, "--json").output)
    assert report["whole"] is True
    assert report["counts"]["emotion"]["neutral"] == 120
    assert report["counts"]["speaker"] == {f"savee-{speaker}": 120 for speaker in savee.SPEAKERS}
    assert report["counts"]["fold"] == {"1": 120, "2": 120, "3": 120, "4": 120}


def test_what_is_missing_or_unreadable_is_named_and_fails(folder: Path) -> None:
    (folder / "DC_a01.wav").rename(folder / "DC-anger.wav")
    (folder / "DC_a02.wav").write_bytes(b"noise")
    result = call("check", folder)
    assert result.exit_code == 1
    for part in ("1 missing:", "AudioData/DC/a01.wav", "1 unreadable and skipped:", "DC_a02.wav (", "DC-anger.wav"):
        assert part in result.output
    report = json.loads(call("check", folder, "--json").output)
    assert (report["whole"], report["clips"], report["missing"]) == (False, 478, ["AudioData/DC/a01.wav"])
    assert list(report["unreadable"]) == ["DC_a02.wav"]
    assert report["strangers"] == ["DC-anger.wav"]


def test_a_long_list_is_cut_for_people_alone(folder: Path) -> None:
    for path in sorted(folder.glob("KL_*.wav")):
        path.unlink()
    told = call("check", folder).output
    assert "120 missing:" in told
    assert "... and 100 more (--json names all)" in told
    assert len(json.loads(call("check", folder, "--json").output)["missing"]) == 120


def test_a_manifest_of_a_corpus_is_what_recipes_read(folder: Path, tmp_path: Path) -> None:
    (folder / "DC_a02.wav").write_bytes(b"noise")
    result = call("manifest", folder, "--out", tmp_path / "data")
    assert result.exit_code == 0
    assert "1 unreadable and skipped:" in result.output
    clips = read_manifest(tmp_path / "data", corpora=["savee"])
    assert len(clips) == 479
    assert {clip.fold for clip in clips} == {1, 2, 3, 4}
    assert isinstance(call("manifest", folder, "--out", tmp_path / "data").exception, ConfigError)


def test_names_in_brackets_are_shown_as_they_are(
    folder: Path, tmp_path: Path, tone: Callable[..., NDArray[np.float32]]
) -> None:
    odd = folder.rename(tmp_path / "[red]x[")
    data = tmp_path / "[red]y[" / "[red]z[/red]"
    assert f"{data}/speech.csv" in call("manifest", odd, "--out", data).output
    data.joinpath("speech.csv").write_text(
        "path,corpus,speaker,label,emotion,fold,seconds,text\n[red]1[/red].wav,own,[red]ann[/red],happy,happy,,1,\n"
        "[red]2[/red].wav,own,[/],happy,happy,,1,\n"
    )
    for number in "12":
        (data / f"[red]{number}[").mkdir()
    soundfile.write(data / "[red]1[/red].wav", tone(300, 0.05), 16_000)
    (data / "[red]2[/red].wav").write_bytes(b"noise")
    told = call("check", data).output
    assert "[red]ann[/red]" in told
    assert "[red]2[/red].wav" in told
    (data / "[red]2[/red].wav").unlink()
    assert "1 missing:\n  [red]2[/red].wav" in call("check", data).output


def test_the_bar_shows_the_folder_as_it_is(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(
        "rasa_emotion.cli.corpora.Console",
        lambda **_: Console(file=shown, force_terminal=True, width=200, color_system=None),
    )
    odd = folder.rename(tmp_path / "[red]x[")
    assert read_with_bar(odd, None).whole
    assert "read [red]x[" in shown.getvalue()
    assert "100%" in shown.getvalue()


def test_a_corpus_is_named_once(folder: Path, tmp_path: Path) -> None:
    result = call("manifest", folder, folder, "--out", tmp_path / "data")
    assert isinstance(result.exception, ConfigError)
    assert "More than one folder holds savee" in str(result.exception)
    assert not (tmp_path / "data").exists()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


def test_a_corpus_is_fetched_after_its_licence_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    (tmp_path / "served").mkdir()
    with zipfile.ZipFile(tmp_path / "served/a.zip", "w") as archive:
        archive.writestr("wav/03a01Fa.wav", b"")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "served")))
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    arguments = ("fetch", "emodb", "--url", f"http://127.0.0.1:{server.server_port}/a.zip", "--out", tmp_path / "out")
    try:
        refused = call(*arguments)
        assert isinstance(refused.exception, ConfigError)  # nobody is there to accept
        assert "Licence: CC0-1.0" in refused.output
        assert not (tmp_path / "out").exists()
        result = call(*arguments, "--yes")
    finally:
        server.shutdown()
        server.server_close()
    assert result.exit_code == 0, result.exception
    assert result.output.index("Licence") < result.output.index("SHA-256")
    assert "pin it with --sha256" in result.output
    assert (tmp_path / "out/emodb/wav/03a01Fa.wav").is_file()


@pytest.mark.parametrize("verb", ["list", "fetch", "check", "manifest"])
def test_help_has_an_example(verb: str) -> None:
    assert f"Example: rasa-emotion corpora {verb}" in call(verb, "--help").output


def test_a_place_that_cannot_be_written_to_is_said_in_one_line(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "notes.txt"
    place.touch()
    monkeypatch.setattr(sys, "argv", ["rasa-emotion", "corpora", "manifest", str(folder), "--out", str(place / "data")])
    with pytest.raises(SystemExit) as stopped:
        main()
    error = capsys.readouterr().err.strip()
    assert stopped.value.code == 1
    assert f"'{place / 'data'}' cannot be read or written (Not a directory)" in error
    assert len(error.splitlines()) == 1


def test_a_data_folder_is_counted_by_corpus(tmp_path: Path, tone: Callable[..., NDArray[np.float32]]) -> None:
    rows = "path,corpus,speaker,label,emotion,fold,seconds,text\n"
    for name, corpus in (("a", "shop"), ("b", "shop"), ("c", "bank")):
        soundfile.write(tmp_path / f"{name}.wav", tone(300, 0.05), 16_000)
        rows += f"{name}.wav,{corpus},{name},sad,sad,,0.05,\n"
    (tmp_path / "speech.csv").write_text(rows)
    told = " ".join(call("check", tmp_path).output.split())
    assert "corpus clips bank 1 shop 2" in told
    assert json.loads(call("check", tmp_path, "--json").output)["counts"]["corpus"] == {"bank": 1, "shop": 2}


def test_each_split_says_what_both_sides_share(folder: Path) -> None:
    report = json.loads(call("splits", folder, "--json").output)["savee"]
    random = report[-1]
    assert (random["split"], random["speakers"], random["refused"]) == ("a fifth at random", 4, "")
    assert random["train"] + random["test"] == 480
    folds = [row for row in report if row["split"].startswith("fold ")]
    assert len(folds) >= 4
    assert {row["speakers"] for row in folds} == {0}
    table = call("splits", folder).output
    assert "speakers on both sides" in table
    assert "a fifth at random" in table
