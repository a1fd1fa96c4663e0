"""The wish for a human, how upset a customer sounds, the language, and what a model gets to see of a text."""

from __future__ import annotations

import pytest

from bot.messages import MAX_TEXT
from bot.understanding.language import language
from bot.understanding.tone import asks_for_human, frustration
from bot.understanding.utterances import MOST_PARTS, PART_WORDS, clean, has_words, windows


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("I want to speak to a human", True),
        ("agent please", True),
        ("human", True),
        ("put me through to an advisor", True),
        ("no bots, a real person now", True),
        ("is there a person I can chat to?", True),
        ("I'd like to talk to your manager", True),
        ("are you human?", False),
        ("am I talking to a real person?", False),
        ("I don't want to talk to a human", False),
        ("no need for an agent", False),
        ("I am a letting agent, can I open a trade account?", False),
        ("where is my order", False),
        ("the delivery person was rude", False),
    ],
)
def test_asks_for_human(text: str, wish: bool) -> None:
    assert asks_for_human(text, ()) is wish


def test_a_sure_intent_counts_as_a_wish_an_unsure_one_does_not() -> None:
    assert asks_for_human("can one of you lot deal with this", (("talk_to_human", 0.9),))
    assert not asks_for_human("can one of you lot deal with this", (("talk_to_human", 0.4),))
    assert not asks_for_human("are you human?", (("talk_to_human", 0.9),))


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("where is my order WF-204817", 0.0, 0.0),
        ("thanks, that was great!", 0.0, 0.0),
        ("I'm not angry, just curious", 0.0, 0.0),
        ("EK-200 USB-C OK?", 0.0, 0.0),
        ("hello??? anyone???", 0.2, 0.4),
        ("WHERE IS MY ORDER", 0.3, 0.5),
        ("this is ridiculous", 0.4, 0.6),
        ("THIS IS RIDICULOUS!!! third time I ask and still nothing", 0.8, 1.0),
        ("fuck off with your useless bot!!!", 0.8, 1.0),
    ],
)
def test_frustration(text: str, least: float, most: float) -> None:
    assert least <= frustration(text) <= most


def test_a_complaint_adds_to_frustration() -> None:
    assert frustration("third time I ask", (("complaint", 0.9),)) > frustration("third time I ask")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("where is my order", "en"),
        ("wo ist meine Bestellung", "de"),
        ("où est ma commande", "fr"),
        ("¿dónde está mi pedido?", "es"),
        ("dov'è il mio ordine e quando arriva", "it"),
        ("waar is mijn bestelling", "nl"),
        ("onde está o meu pedido", "pt"),
        ("gdzie jest moja paczka", "pl"),
        ("أين طلبي", "ar"),
        ("注文はどこですか", "ja"),
        ("我的订单在哪里", "zh"),
        ("где мой заказ", "ru"),
        ("kettle", "und"),
        ("ok", "und"),
        ("WF-204817", "und"),
        ("", "und"),
    ],
)
def test_language(text: str, code: str) -> None:
    assert language(text) == code


def test_what_a_model_sees() -> None:
    assert clean("<p>Where&nbsp;is\n\n my\u202e order\x00?</p>") == "Where is my order ?"
    assert clean("a < b and c > d 🙂") == "a < b and c > d 🙂"
    assert clean("<" * MAX_TEXT)
    assert not has_words("🙂 ?!")
    assert has_words("где")


def test_long_texts_are_seen_from_both_ends() -> None:
    words = [str(number) for number in range(200)]
    parts = windows(" ".join(words))
    assert parts[0].split(" ") == words[:PART_WORDS]
    assert parts[-1].split(" ") == words[-PART_WORDS:]
    assert {word for part in parts for word in part.split(" ")} == set(words)
    assert len(windows("word " * 5_000)) == MOST_PARTS
    assert windows("short") == ("short",)
