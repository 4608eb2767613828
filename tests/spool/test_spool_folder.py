"""What the database refuses is on the disk when it is kept, comes back in order, and is gone when it was given away."""

import contextvars
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from rasa_emotion.errors import ConfigError
from rasa_emotion.spool.cipher import Cipher, write_new_key
from rasa_emotion.spool.file import SpoolError
from rasa_emotion.spool.folder import PLACE_BYTES, Spool

SECRET = "my number is 07700 900123"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "bot.db.spool"


def bodies(spool: Spool) -> list:
    return [entry.body for entry in spool.look().entries]


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.spool"))


def elsewhere(folder: Path, code: str) -> None:
    """Run code in another process, which then ends without a word."""
    start = "import os, pathlib; from rasa_emotion.spool.folder import Spool"
    made = f"spool = Spool(pathlib.Path({str(folder)!r}))"
    subprocess.run([sys.executable, "-c", f"{start}; {made}; {code}; os._exit(0)"], check=True)


def test_another_process_reads_what_was_kept_in_its_order(folder: Path) -> None:
    elsewhere(folder, "[spool.keep('words', 'ada', {'n': n}) for n in range(50)]")
    spool = Spool(folder)
    spool.keep("words", "ada", {"n": 50})
    assert bodies(spool) == [{"n": n} for n in range(51)]
    spool.drop(spool.look().entries)
    assert bodies(spool) == bodies(Spool(folder)) == []
    assert len(files(folder)) == 1, "that of the process that ended is deleted"


def test_looking_makes_nothing(folder: Path) -> None:
    spool = Spool(folder)
    assert spool.look().entries == ()
    spool.drop([])
    with spool.locked():
        pass
    assert not folder.exists()


def test_an_order_that_a_clock_that_is_put_back_does_not_change(folder: Path) -> None:
    hours = iter([7200.0, 3600.0, 0.0])
    spool = Spool(folder, clock=lambda: next(hours))
    for number in range(3):
        spool.keep("words", "ada", {"n": number})
    assert bodies(Spool(folder)) == [{"n": 0}, {"n": 1}, {"n": 2}]


def test_what_is_dropped_is_no_longer_in_the_file(folder: Path) -> None:
    spool = Spool(folder)
    spool.keep("words", "ada", {"text": SECRET})
    spool.keep("words", "bob", {"text": "hello"})
    (file,) = files(folder)
    assert SECRET.encode() in file.read_bytes()
    spool.drop(entry for entry in spool.look().entries if entry.sender == "ada")
    assert SECRET.encode() not in file.read_bytes()
    assert bodies(spool) == [{"text": "hello"}]
    spool.drop(spool.look().entries)
    assert b"hello" not in file.read_bytes()


def test_only_the_owner_can_read_it(folder: Path) -> None:
    before = os.umask(0)
    try:
        Spool(folder).keep("words", "ada", {})
    finally:
        os.umask(before)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert files(folder)[0].stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("cut", range(1, 12))
def test_a_record_whose_writing_broke_off_is_passed_over(folder: Path, cut: int) -> None:
    """The disk has any beginning of it, or any of its pages alone."""
    spool = Spool(folder)
    spool.keep("words", "ada", {"n": 1})
    end = spool._own.end
    spool.keep("words", "ada", {"n": 2, "text": "x" * 100})
    with files(folder)[0].open("r+b") as file:
        file.seek(end + cut * 10)
        file.write(bytes(spool._own.end - end - cut * 10))
    look = Spool(folder).look()
    assert [entry.body for entry in look.entries] == [{"n": 1}]
    assert look.troubles == ()


def test_a_file_that_was_not_even_begun_is_an_empty_one(folder: Path) -> None:
    folder.mkdir()
    file = folder / "a.spool"
    file.write_bytes(bytes(1000))
    file.chmod(0o600)
    assert Spool(folder).look() == Spool(folder.with_name("none")).look()


def test_a_record_that_the_disk_has_altered_is_told(folder: Path) -> None:
    spool = Spool(folder)
    for number in range(3):
        spool.keep("words", "ada", {"n": number})
    second = spool.look().entries[1].where[1]
    with files(folder)[0].open("r+b") as file:
        file.seek(second.start + 20)
        file.write(b"?")
    look = Spool(folder).look()
    assert [entry.body for entry in look.entries] == [{"n": 0}, {"n": 2}]
    assert "1 records of the spool" in look.troubles[0]
    other = Spool(folder)
    other.drop(other.look().entries)
    assert files(folder), "what cannot be read is not deleted"


def test_room_that_is_held_is_there(folder: Path) -> None:
    spool = Spool(folder, max_bytes=3 * PLACE_BYTES)
    with spool.hold() as first, spool.hold() as second:
        assert first
        assert second
        with spool.hold() as third:
            assert not third, "beside the header there is room for two"
        spool.keep("packet", "ada", {"text": "x" * 44_000})
    text = {"text": "x" * 44_000}
    with spool.hold():
        spool.keep("packet", "ada", text)
    with spool.hold() as more:
        assert more
    for _ in range(2):
        spool.keep("packet", "ada", text)
    with pytest.raises(SpoolError, match="is full"):
        spool.keep("packet", "ada", text)
    spool.drop(spool.look().entries)
    with spool.hold() as again:
        assert again


def test_what_has_no_place_leaves_the_room_of_others_alone(folder: Path) -> None:
    spool = Spool(folder, max_bytes=2 * PLACE_BYTES)
    outside = contextvars.copy_context()
    with spool.hold() as held:
        assert held
        outside.run(spool.keep, "words", "bob", {"text": "x" * 30_000})
        outside.run(spool.keep, "words", "bob", {"text": "x" * 30_000})
        with pytest.raises(SpoolError, match="is full"):
            outside.run(spool.keep, "words", "bob", {"text": "x" * 30_000})
        spool.keep("packet", "ada", {"text": "x" * 44_000})


def test_another_process_makes_room(folder: Path) -> None:
    spool = Spool(folder, max_bytes=2 * PLACE_BYTES)
    for _ in range(2):
        spool.keep("words", "bob", {"text": "x" * 44_000})
    with spool.hold() as held:
        assert not held
    other = Spool(folder)
    other.drop(other.look().entries)
    with spool.hold() as held:
        assert held


def test_a_record_that_is_too_large_is_refused(folder: Path) -> None:
    with pytest.raises(SpoolError, match="more than the spool takes"):
        Spool(folder).keep("packet", "ada", {"text": "x" * 50_000})


def test_a_folder_that_cannot_be_made(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("")
    spool = Spool(tmp_path / "file" / "bot.db.spool")
    for _ in range(2):
        with spool.hold() as held:
            assert not held
        with pytest.raises(SpoolError, match="cannot be written"):
            spool.keep("words", "ada", {})
    assert [record.event for record in caplog.records] == ["spool.unusable"]


def test_a_file_that_somebody_deleted_is_made_again(folder: Path) -> None:
    spool = Spool(folder)
    spool.keep("words", "ada", {"n": 1})
    files(folder)[0].unlink()
    spool.keep("words", "ada", {"n": 2})
    assert bodies(Spool(folder)) == [{"n": 2}]


def test_a_child_process_has_a_file_of_its_own(folder: Path) -> None:
    spool = Spool(folder)
    spool.keep("words", "ada", {"of": "parent"})
    child = os.fork()
    if child == 0:
        spool.keep("words", "ada", {"of": "child"})
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    spool.keep("words", "ada", {"of": "parent again"})
    assert bodies(Spool(folder)) == [{"of": "parent"}, {"of": "child"}, {"of": "parent again"}]
    assert len(files(folder)) == 2


def test_empty_files_of_processes_that_ended_do_not_pile_up(folder: Path) -> None:
    for _ in range(3):
        elsewhere(folder, "spool.usable()")
    assert len(files(folder)) == 1


def test_one_that_others_can_read_is_refused_with_the_command_that_mends_it(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    Spool(folder).keep("words", "ada", {"n": 1})
    (file,) = files(folder)
    file.chmod(0o644)
    spool = Spool(folder)
    for _ in range(2):
        assert spool.look().entries == ()
    assert spool.look().troubles == (
        f"The spool '{file}' can be read by others than its owner; run: chmod 600 '{file}'",
    )
    assert len(caplog.records) == 1
    file.chmod(0o600)
    assert bodies(spool) == [{"n": 1}]


@pytest.mark.parametrize(
    ("header", "sentence"),
    [
        (b'{"rasa_emotion_spool": 2, "encrypted": false}\n', "is of version 2, and this rasa-emotion reads version 1"),
        (b"hello\n", "is no spool"),
        (b'{"rasa_emotion_spool": [], "encrypted": false}\n', "is of version \\[\\]"),
        (b"[1]\n", "is no spool"),
    ],
)
def test_a_file_of_another_kind_is_left_alone(folder: Path, header: bytes, sentence: str) -> None:
    folder.mkdir()
    file = folder / "a.spool"
    file.write_bytes(header)
    file.chmod(0o600)
    spool = Spool(folder)
    spool.keep("words", "ada", {"n": 1})
    assert bodies(spool) == [{"n": 1}], "the others are read"
    (trouble,) = spool.look().troubles
    assert re.search(sentence, trouble)
    spool.drop(spool.look().entries)
    assert file.read_bytes() == header


def test_one_of_another_database_is_told(folder: Path) -> None:
    Spool(folder, database="one.db").keep("words", "ada", {"n": 1})
    look = Spool(folder, database="two.db").look()
    assert look.entries == ()
    assert "belongs to the database 'one.db', not to 'two.db'" in look.troubles[0]


def key(path: Path) -> Cipher:
    write_new_key(path)
    return Cipher(path)


def test_an_encrypted_one_holds_no_words(folder: Path, tmp_path: Path) -> None:
    cipher = key(tmp_path / "key")
    spool = Spool(folder, cipher=cipher)
    spool.keep("words", "winifred.okonkwo", {"text": SECRET})  # long enough not to stand in a number by chance
    content = files(folder)[0].read_bytes()
    assert SECRET.encode() not in content
    assert b"winifred.okonkwo" not in content
    assert bodies(Spool(folder, cipher=cipher)) == [{"text": SECRET}]
    assert "is encrypted; name its key" in Spool(folder).look().troubles[0]
    with_another = Spool(folder, cipher=key(tmp_path / "other")).look()
    assert with_another.entries == ()
    assert "encrypted with another key" in with_another.troubles[0]


def test_a_key_is_changed_by_a_new_one_above_it(folder: Path, tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    Spool(folder, cipher=key(old)).keep("words", "ada", {"n": 1})
    key(new)
    new.write_text(new.read_text() + old.read_text())
    assert bodies(Spool(folder, cipher=Cipher(new))) == [{"n": 1}]


def test_what_was_kept_before_there_was_a_key_is_still_read(folder: Path, tmp_path: Path) -> None:
    Spool(folder).keep("words", "ada", {"n": 1})
    assert bodies(Spool(folder, cipher=key(tmp_path / "key"))) == [{"n": 1}]


def test_key_files_that_cannot_be_used(tmp_path: Path) -> None:
    path = tmp_path / "key"
    with pytest.raises(ConfigError, match="rasa-emotion handoff new-key"):
        Cipher(path)
    write_new_key(path)
    with pytest.raises(ConfigError, match="name another"):
        write_new_key(path)
    path.chmod(0o640)
    with pytest.raises(ConfigError, match="run: chmod 600"):
        Cipher(path)
    path.chmod(0o600)
    for content in ("not a key", ""):
        path.write_text(content)
        with pytest.raises(ConfigError, match="holds no key"):
            Cipher(path)
