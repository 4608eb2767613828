"""Earlier turns stand before the utterance, which is never cut for them; emoji become words."""

from hypothesis import given
from hypothesis import strategies as st

from rasa_emotion.text.context import join_turns
from rasa_emotion.text.emoji import spell_emoji

CLS, SEP = 101, 102
turns = st.lists(st.lists(st.integers(1000, 2000), max_size=12), max_size=5)


@given(st.lists(st.integers(1000, 2000), min_size=1, max_size=30), turns, st.integers(3, 40))
def test_the_utterance_is_whole_and_the_newest_turns_are_kept(
    utterance: list[int], earlier: list[list[int]], limit: int
) -> None:
    found = join_turns(utterance, earlier, cls=CLS, sep=SEP, max_tokens=limit)
    assert len(found.ids) <= limit
    assert found.ids[0] == CLS
    assert found.ids[-1] == SEP
    assert list(found.ids[found.start : -1]) == utterance[: limit - 2]
    everything = [token for turn in earlier if turn for token in (*turn, SEP)]
    before = list(found.ids[1 : found.start])
    assert before == everything[len(everything) - len(before) :]


def test_a_turn_of_which_nothing_fits_leaves_no_separator() -> None:
    assert join_turns([7], [[1, 2]], cls=CLS, sep=SEP, max_tokens=4).ids == (CLS, 7, SEP)


@given(st.text())
def test_any_text_can_be_spelled(text: str) -> None:
    assert spell_emoji(text.encode("ascii", "ignore").decode()) == text.encode("ascii", "ignore").decode()
    assert "😂" not in spell_emoji(text + "😂")


def test_looks_of_emoji_are_left_out() -> None:
    words = ["ok", "thumbs", "up", "sign", "heavy", "black", "heart", "Größe™"]
    assert spell_emoji("ok 👍🏽❤️ Größe™ 🇬🇧").split() == words
