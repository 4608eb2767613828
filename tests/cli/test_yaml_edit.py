"""Adding to YAML keeps every line that stood there."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from ruamel.yaml.representer import RoundTripRepresenter

from rasa_emotion.cli.yaml_edit import add, nest, read_yaml
from rasa_emotion.errors import ConfigError


def plain(text: str) -> object:
    return YAML(typ="safe", pure=True).load(text)


LISTS = {
    "block": "top:\n  - one\n  - two\n",
    "not indented": "top:\n- one\n- two\n",
    "deeply indented": "top:\n      - one\n      - two\n",
    "comments between": "top: # first\n  # above one\n  - one # beside\n\n  # above two\n  - two\n  # below\n",
    "no newline at the end": "top:\n  - one\n  - two",
    "followed by a key": "# head\ntop:\n  - one\n  - two\n\n# about the next\nnext: 1\n",
    "literal that ends like a comment": "top:\n  - one\n  - |\n    two\n    # not a comment\nnext: 1\n",
    "start of a document": "---\ntop:\n  - one\n  - two\n",
    "quoted key": '"top":\n  - one\n  - two\n',
    "null": "top: null  # nothing yet\nnext: 1\n",
    "nothing": "top:\nnext: 1\n",
    "empty list": "top: []\nnext: 1\n",
    "no such key": "next: 1\n",
    "empty file": "",
    "only comments": "# nothing here\n",
}


@pytest.mark.parametrize("form", LISTS)
def test_items_are_added_and_no_line_is_lost(form: str) -> None:
    before = LISTS[form]
    after = add(before, {"top": [{"name": "new", "size": 1}]})
    old = plain(before) or {}
    assert plain(after) == {**old, "top": [*(old.get("top") or []), {"name": "new", "size": 1}]}
    left = iter(after.splitlines())
    for line in before.splitlines():
        if not line.startswith("top: "):
            assert line in left, f"lost or moved: {line!r}"


def test_lists_in_one_line_keep_their_form() -> None:
    after = add("a: 1 # one\ntop: [one, two] # both\n", {"top": ["three"]})
    assert after == "a: 1 # one\ntop: [one, two, three] # both\n"


def test_end_of_document_is_respected() -> None:
    assert plain(add("top:\n  - one\n...\n", {"top": ["two"], "new": {"a": 1}})) == {
        "top": ["one", "two"],
        "new": {"a": 1},
    }


def test_several_keys_in_one_go() -> None:
    before = "b:\n- x\n# end of b\n\nslots:\n  one:\n    type: text\n"
    after = add(before, {"new": [1], "slots": {"two": {"type": "any"}}, "b": ["y"]}, {"new": "why"})
    assert after == (
        "b:\n- x\n- y\n# end of b\n\nslots:\n  one:\n    type: text\n  two:\n    type: any\n\n# why\nnew:\n  - 1\n"
    )


NAMES = st.text("abcxyz_", min_size=1, max_size=4)
VALUES = st.recursive(
    st.none() | st.integers() | st.text("ab #:'-\n", max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)


@given(
    document=st.dictionaries(NAMES, st.lists(VALUES, max_size=3) | st.dictionaries(NAMES, VALUES, max_size=3)),
    more=st.lists(VALUES, min_size=1, max_size=2),
    offset=st.sampled_from([0, 2]),
)
@settings(max_examples=30)
def test_any_document_keeps_what_it_holds(document: dict[str, object], more: list[object], offset: int) -> None:
    file = io.StringIO()
    yaml = YAML()
    yaml.indent(sequence=2 + offset, offset=offset)
    yaml.dump(document, file)
    lists = [key for key, value in document.items() if isinstance(value, list)]
    wanted = dict.fromkeys([*lists[:2], "top"], more)
    expected = {**document, **{key: [*document.get(key, []), *more] for key in wanted}}  # type: ignore[misc]
    assert plain(add(file.getvalue(), wanted)) == expected


NLG = {
    "block": "nlg: # ours\n  # where\n  url: http://localhost/nlg # port 80\n  token: abc\n\nother: 1\n",
    "one line": "nlg: {url: http://localhost/nlg, token: abc} # ours\nother: 1\n",
    "several lines in brackets": "nlg: {\n  url: http://localhost/nlg,\n  token: abc }\nother: 1\n",
    "indented by one": "nlg:\n url: http://localhost/nlg\n token: abc\nother: 1\n",
}


@pytest.mark.parametrize("form", NLG)
def test_nest_wraps_and_keeps_comments(form: str) -> None:
    before = NLG[form]
    after = nest(before, "nlg", under="wrap", beside={"type": "new"})
    wrapped = {"url": "http://localhost/nlg", "token": "abc"}
    assert plain(after) == {"nlg": {"type": "new", "wrap": wrapped}, "other": 1}
    assert after.count("#") == before.count("#")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a: 1\nb: [1, 2\nc: 3\n", "is not valid YAML at line 3"),
        ("a: 1\n\tb: 2\n", "is not valid YAML at line 2"),
        ("a: 1\na: 2\n", "is not valid YAML at line 2"),
        ("a: \x07\n", "is not valid YAML"),
        ("- 1\n- 2\n", "does not hold keys with values"),
        ("just words", "does not hold keys with values"),
    ],
)
def test_broken_yaml(text: str, fault: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_yaml(text, "bot/domain.yml")
    message = str(caught.value)
    assert message.startswith("'bot/domain.yml' ")
    assert fault in message
    assert "\n" not in message


def test_an_empty_value_stays_empty_after_rasa_has_written_yaml(monkeypatch: pytest.MonkeyPatch) -> None:
    # As rasa.shared.utils.io.write_yaml does, for all of the process.
    monkeypatch.setattr(RoundTripRepresenter, "yaml_representers", RoundTripRepresenter.yaml_representers.copy())
    RoundTripRepresenter.add_representer(
        type(None), lambda representer, _: representer.represent_scalar("tag:yaml.org,2002:null", "null")
    )
    assert nest("nlg:\n  url: x  # ours\n", "nlg", under="wrap", beside={"type": "new"}) == (
        "nlg:\n  type: new\n  wrap:\n    url: x  # ours\n"
    )
