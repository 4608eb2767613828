"""The variation that fits, the apology that was said, the acknowledgement that is owed."""

import pytest
from fake_analyzer import estimate
from hypothesis import given
from hypothesis import strategies as st

from rasa_emotion.conversation.mood import mood
from rasa_emotion.conversation.reply import (
    NEEDY,
    REPLY_KEY,
    Caller,
    caller_of,
    is_worn,
    plain_variations,
    plain_words,
    variations_by_fit,
    without_said_opening,
)
from rasa_emotion.conversation.tone import reply_tones


def user(emotion, probability=0.9):
    parsed = {"emotion_estimate": estimate(emotion, probability).to_dict()} if emotion else {}
    return {"event": "user", "parse_data": parsed}


def bot(text, **metadata):
    return {"event": "bot", "text": text, "metadata": metadata}


def acknowledging(text="I am sorry."):
    return bot(text, **{REPLY_KEY: {"written_for": ["angry"], "acknowledges": True}})


def written(text, *, emotion=(), mood=(), **rest):
    conditions = [{"type": "slot", "name": "emotion", "value": value} for value in emotion]
    conditions += [{"type": "slot", "name": "caller_mood", "value": value} for value in mood]
    return {"text": text, "condition": conditions, **rest}


SAD = Caller(("sad", "upset"), "upset")
VARIATIONS = [
    {"text": "plain"},
    written("mood", mood=["Upset"]),
    written("family", emotion=["UPSET"]),
    written("family, mood", emotion=["upset"], mood=["upset"]),
    written("emotion", emotion=["sad"]),
    written("emotion, family", emotion=["sad", "upset"]),
    written("emotion, mood", emotion=["sad"], mood=["upset"]),
    written("other emotion", emotion=["sad", "angry"]),
    written("other mood", emotion=["sad"], mood=["calm"]),
]


def test_the_order_is_emotion_family_mood():
    fits = list(variations_by_fit(VARIATIONS, SAD))
    assert [[v["text"] for v in fit.variations] for fit in fits] == [
        ["emotion, mood"], ["emotion", "emotion, family"], ["family, mood"], ["family"], ["mood"],
    ]  # fmt: skip
    assert [fit.names for fit in fits] == [("sad", "upset"), ("sad",), ("upset", "upset"), ("upset",), ("upset",)]
    assert all(fit.acknowledges for fit in fits)
    assert [v["text"] for v in plain_variations(VARIATIONS)] == ["plain"]


def test_an_unknown_emotion_leaves_the_mood():
    assert [fit.names for fit in variations_by_fit(VARIATIONS, Caller((), "upset"))] == [("upset",)]
    assert list(variations_by_fit(VARIATIONS, Caller((), "calm"))) == []


@pytest.mark.parametrize(("names", "needy"), [(("sad",), True), (("pleased",), False), (("calm",), False)])
def test_what_is_written_for_a_need_acknowledges_it(names, needy):
    (fit,) = variations_by_fit([written("it", emotion=names)], Caller(names))
    assert fit.acknowledges == needy


def test_other_conditions_stay_with_the_variation():
    vip = {"type": "slot", "name": "vip", "value": True}
    variation = written("it", emotion=["sad"], channel="emotion", image="i.png")
    variation["condition"].append(vip)
    (fit, *_) = variations_by_fit([variation], SAD)
    assert fit.variations == [{"text": "it", "channel": "emotion", "image": "i.png", "condition": [vip]}]


emotions = st.sampled_from(["angry", "fear", "sad", "neutral", "calm", "happy", None])


@given(st.lists(emotions, max_size=8))
def test_the_caller_is_read_from_the_events(turns):
    caller = caller_of([user(emotion) for emotion in turns])
    heard = [estimate(emotion, 0.9) for emotion in turns if emotion]
    assert caller.tones == (reply_tones(estimate(turns[-1], 0.9)) if turns and turns[-1] else ())
    assert caller.mood == mood(heard).state


def test_an_unsure_turn_has_no_tone():
    assert caller_of([user("angry", 0.6)], min_confidence=0.7).tones == ()


def test_a_boundary_ends_what_counts():
    events = [user("angry"), bot("I am sorry."), {"event": "session_started"}]
    assert caller_of(events, no_repeat=3) == Caller()
    assert caller_of([]) == Caller()


def test_what_was_said_in_the_last_turns():
    events = [user(None), bot("One."), user(None), bot("Two! Three?"), user(None), bot("Four")]
    assert caller_of(events, no_repeat=2).said == {"two", "three", "four"}
    assert caller_of(events, no_repeat=0).said == frozenset()


@pytest.mark.parametrize(
    ("events", "owed"),
    [
        ([user("angry")], True),
        ([user("fear")], True),
        ([user("neutral")], False),
        ([user("happy")], False),
        ([user("angry"), bot("First answer.")], False),
        ([user("angry"), acknowledging(), user("angry")], False),
        ([user("angry"), acknowledging(), user(None)], False),
        # not acknowledged when it began, which is made good
        ([user("angry"), bot("Plain."), user("angry")], True),
        ([user("angry"), bot("Sorry", utter_action="utter_ack"), user("angry")], False),
        # recovered, and fallen again
        ([user("angry"), acknowledging(), *[user("calm")] * 6, user("angry")], True),
    ],
)
def test_when_an_acknowledgement_is_owed(events, owed):
    assert caller_of(events, acknowledgement="utter_ack").unacknowledged == owed


@given(st.lists(emotions, max_size=14))
def test_between_two_acknowledgements_the_caller_has_recovered(turns):
    events, heard, recovered, acknowledged = [], [], True, 0
    for emotion in turns:
        events.append(user(emotion))
        heard.append(estimate(emotion, 0.9) if emotion else None)
        tones = set(reply_tones(heard[-1])) if heard[-1] else set()
        caller = caller_of(events)
        if caller.unacknowledged:
            assert recovered
            assert caller.needy
            events.append(acknowledging())
            recovered, acknowledged = False, acknowledged + 1
        else:
            events.append(bot("Plain."))
            assert not (caller.needy and recovered)
        recovered |= mood([e for e in heard if e]).state == "calm" and not NEEDY & tones
    assert acknowledged or not any(emotion in {"angry", "fear", "sad"} for emotion in turns)


def test_worn():
    said = frozenset({"i am sorry", "which line is it"})
    assert is_worn("I am sorry! Which line is it?", said)
    assert not is_worn("I am sorry. Which phone is it?", said)
    assert not is_worn("...", said)


def test_the_opening_that_was_said():
    said = frozenset({"i am sorry", "which line", "fault 5", "wait"})
    assert without_said_opening("I am sorry. Which phone?", said) == "Which phone?"
    assert without_said_opening("Which line? The landline?", said) == "Which line? The landline?"
    assert without_said_opening("Fault 5. It is logged.", said) == "Fault 5. It is logged."
    assert without_said_opening("I am sorry.", said) == "I am sorry."
    assert without_said_opening("Wait. ...", said) == "Wait. ..."


@given(st.text(alphabet="ab.?! 1\n"), st.frozensets(st.text(alphabet="ab", min_size=1)))
def test_an_opening_is_all_that_goes(text, said):
    after = without_said_opening(text, said)
    assert text.endswith(after)
    assert bool(plain_words(after)) == bool(plain_words(text))


def test_an_acknowledgement_long_ago_still_counts():
    events = [user("angry"), acknowledging(), *[user("angry"), bot("Plain.")] * 70, user("angry")]
    assert not caller_of(events).unacknowledged
