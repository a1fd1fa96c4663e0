"""Test rows written otherwise: what each change does, that it is the same every time, and how slices are counted."""

from __future__ import annotations

import re
from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.understanding.classifier import IntentPrediction
from bot.understanding.measuring.robustness import dictation, forms, keyboard, varieties
from bot.understanding.measuring.robustness.perturbations import PERTURBATIONS, Change, Perturbation
from bot.understanding.measuring.robustness.slices import FEWEST_ROWS, Slice, TestRows, changed_slice, measure_slices

BY_NAME = {each.name: each for each in PERTURBATIONS}
CUSTOMER = "Hi, I've lost my new card. Can you cancel order WF-204817, please? It cost £89."


@pytest.mark.parametrize(
    ("change", "text", "changed"),
    [
        (keyboard.misspelled, "I received the wrong address", "I recieved the wrong adress"),
        (keyboard.misspelled, "Ceiling available unable", "Cieling availible unible"),
        (keyboard.no_punctuation, "Hello, it costs £3.50 - isn't it odd?!", "Hello it costs £3.50 isn't it odd"),
        (keyboard.no_punctuation, "stop. (now) WF-204817", "stop now WF-204817"),
        (keyboard.no_apostrophes, "I can't, it's Sam’s", "I cant, its Sams"),
        (keyboard.lower_case, "Where IS it?", "where is it?"),
        (keyboard.capitals, "Where is it?", "WHERE IS IT?"),
        (keyboard.texting, "Thank you, please send it to your address", "Ty, pls send it 2 ur addr"),
        (keyboard.drawn_out, "where?", "whereeee??!!"),
        (
            dictation.spoken_numbers,
            "£89 for WF-204 on the 3rd at 14:05",
            "eighty nine pounds for W F two zero four on the third at fourteen zero five",
        ),
        (
            dictation.spoken_numbers,
            "17% of 1234, $1, 350 and the 12th",
            "seventeen percent of one two three four, one dollar, three hundred and fifty and the twelfth",
        ),
        (dictation.spoken_numbers, "£2.50 by 10:00 on the 20th", "two pounds fifty by ten o'clock on the twentieth"),
        (varieties.no_articles, "The card is in a box", "card is in box"),
        (varieties.no_prepositions, "send it to me without a box in April", "send it me without a box April"),
        (varieties.wrong_prepositions, "in the box on Monday", "at the box in Monday"),
        (
            varieties.tense_and_agreement,
            "It hasn't arrived and was declined, I stopped and tried",
            "It haven't arrive and is decline, I stop and try",
        ),
        (varieties.tense_and_agreement, "they charged a hundred, it cleared", "they charge a hundred, it clear"),
        (varieties.uninverted_questions, "How do I pay?", "How I pay?"),
        (varieties.uninverted_questions, "Where is my card?", "Where my card is?"),
        (varieties.uninverted_questions, "Can I pay? do you take cash?", "I can pay? you take cash?"),
        (varieties.misplaced_adverbs, "I have already paid", "I already have paid"),
        (varieties.topic_first, "How can I activate my new card?", "my new card, How can I activate it?"),
        (varieties.british, "My package was canceled at the ATM", "My parcel was cancelled at the cash machine"),
        (varieties.american, "my parcel was cancelled in the post", "my package was canceled in the mail"),
        (varieties.indian_english, "Please, i want my card back?", "Kindly, I am wanting my card back, no?"),
        (
            varieties.african_american_english,
            "It isn't working, he doesn't have any card",
            "It ain't workin', he don't have no card",
        ),
        (varieties.african_american_english, "Where is my card? It is not here", "Where my card? It ain't here"),
        (varieties.african_american_english, "bringing something this morning", "bringin' something this morning"),
        (forms.keywords, "How do I not get charged for a transfer?", "not charged transfer"),
        (forms.keywords, "how do I do it", "how do I do it"),
    ],
)
def test_what_a_change_does(change: Change, text: str, changed: str) -> None:
    assert change(text, Random(4)) == changed


def slips(text: str, changed: str) -> int:
    return sum(one != other for one, other in zip(text.split(), changed.split(), strict=True))


def test_typos_keep_first_letters_and_spare_short_words_and_numbers() -> None:
    text = "can i get my replacement delivered tomorrow afternoon instead order 204817 wf 33"
    few, many = (
        [BY_NAME[name].apply(text, seed=1, row=row) for row in range(50)] for name in ("few_typos", "many_typos")
    )
    assert all(slips(text, each) >= 1 for each in few)
    assert sum(slips(text, each) for each in few) < sum(slips(text, each) for each in many)
    for each in (*few, *many):
        words = each.split()
        assert [word[0] for word in words] == [word[0] for word in text.split()]
        assert (words[:4], words[-3:]) == (["can", "i", "get", "my"], ["204817", "wf", "33"])


def test_fillers_and_joined_words_keep_every_word() -> None:
    spoken = dictation.fillers("where is my order", Random(2))
    assert [word for word in spoken.split() if word in {"where", "is", "my", "order"}][-3:] == ["is", "my", "order"]
    assert spoken.split()[0] in {"um", "uh", "er"}
    joined = keyboard.joined_words("where is my order", Random(2))
    assert joined.replace(" ", "") == "whereismyorder"
    assert joined.count(" ") < 3


def test_a_dictated_message_has_neither_marks_nor_capitals_nor_figures() -> None:
    said = BY_NAME["dictated"].apply(CUSTOMER, seed=1, row=0)
    assert re.fullmatch(r"[a-z' ]+", said)
    assert "eighty nine pounds" in said


def test_frames_hold_the_wish_as_it_was() -> None:
    for name in ("with_greeting", "story_before", "story_after", "long_email"):
        assert "where is it." in BY_NAME[name].apply("where is it", seed=1, row=0)
        assert CUSTOMER in BY_NAME[name].apply(CUSTOMER, seed=1, row=0)
    assert len(BY_NAME["long_email"].apply("where is it", seed=1, row=0).split()) > 60


@pytest.mark.parametrize("perturbation", PERTURBATIONS, ids=lambda each: each.name)
def test_every_change_says_what_it_does_and_names_a_publication(perturbation: Perturbation) -> None:
    assert len(perturbation.about) > 15
    assert re.search(r"\(\d{4}\)|eWAVE|as `story_before`", perturbation.source), perturbation.source


@pytest.mark.parametrize("perturbation", PERTURBATIONS, ids=lambda each: each.name)
def test_a_change_is_the_same_for_the_same_seed_and_row(perturbation: Perturbation) -> None:
    assert perturbation.apply(CUSTOMER, seed=1, row=2) == perturbation.apply(CUSTOMER, seed=1, row=2)


def test_names_are_unique_and_seeds_matter() -> None:
    assert len(BY_NAME) == len(PERTURBATIONS)
    assert len({BY_NAME["few_typos"].apply(CUSTOMER, seed=seed, row=0) for seed in range(20)}) > 10
    assert len({BY_NAME["few_typos"].apply(CUSTOMER, seed=1, row=row) for row in range(20)}) > 10


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=120))
def test_any_text_can_be_changed(text: str) -> None:
    for perturbation in PERTURBATIONS:
        changed = perturbation.apply(text, seed=1, row=0)
        assert changed or not text.strip() or changed == text


@pytest.mark.parametrize("text", ["", " ", "🙂", "أين طلبي؟", "我的订单在哪里？", "x" * 4_000, "a " * 2_000, "٣٤ ²"])
def test_scripts_that_a_change_is_not_made_for_pass_through(text: str) -> None:
    for perturbation in PERTURBATIONS:
        perturbation.apply(text, seed=1, row=0)
    for name in ("no_articles", "misspelled", "uninverted_questions", "british", "african_american_english"):
        assert BY_NAME[name].apply(text, seed=1, row=0) == text


def by_word(texts: Sequence[str]) -> list[IntentPrediction]:
    """A reader that knows one word: `order`; what it does not know is `other`, and out of scope if it is shouted."""
    found = [("order" if "order" in text else "other") for text in texts]
    return [
        IntentPrediction(intent, 0.8, ((intent, 0.8),), 0.9 if text.isupper() else 0.1)
        for text, intent in zip(texts, found, strict=True)
    ]


def rows(*texts: tuple[str, str]) -> TestRows:
    written = [text for text, _ in texts]
    return TestRows(tuple(written), tuple(intent for _, intent in texts), tuple(by_word(written)), 0.5)


SOME = rows(*[("where is my order", "order")] * 30, *[("hello", "other")] * 10, *[("track it", "order")] * 10)


def test_a_slice_of_changed_rows_is_compared_with_the_same_rows() -> None:
    shouted = changed_slice(SOME, BY_NAME["capitals"], by_word, seed=1)
    assert shouted is not None
    assert (shouted.rows, shouted.reference, shouted.accuracy) == (50, 0.8, 0.2)
    assert shouted.difference == pytest.approx(-0.6)
    assert shouted.low < -0.6 < shouted.high < 0
    assert (shouted.refused_reference, shouted.refused) == (0.0, 1.0)
    assert shouted.weak
    assert shouted.beyond_chance
    assert shouted.example == ("where is my order", "WHERE IS MY ORDER")
    assert len(shouted.flips) == 5
    assert (shouted.flips[0].before, shouted.flips[0].after, shouted.flips[0].truth) == ("order", "other", "order")


def test_only_rows_that_a_change_alters_are_in_its_slice_and_read_again() -> None:
    again: list[str] = []

    def listened(texts: Sequence[str]) -> list[IntentPrediction]:
        again.extend(texts)
        return by_word(texts)

    turned = changed_slice(SOME, BY_NAME["uninverted_questions"], listened, seed=1)
    assert turned is not None
    assert (turned.rows, turned.reference, turned.difference, turned.flips) == (30, 1.0, 0.0, ())
    assert again == ["where my order is"] * 30
    assert changed_slice(SOME, BY_NAME["no_apostrophes"], listened, seed=1) is None


def test_rows_are_sliced_by_their_length_against_all() -> None:
    slices = {each.name: each for each in measure_slices(SOME, by_word)}
    short = slices["up_to_5_words"]
    assert (short.rows, short.reference, short.accuracy, short.difference) == (50, 0.8, 0.8, 0.0)
    assert [flip.written for flip in short.flips] == ["track it"] * 5
    assert "over_25_words" not in slices
    mixed = rows(*[("order " * 8, "order")] * 30, *[("nothing " * 30, "order")] * 30)
    by_length = {each.name: each for each in measure_slices(mixed, by_word)}
    assert by_length["over_25_words"].weak
    assert (by_length["over_25_words"].difference, by_length["6_to_12_words"].difference) == (-0.5, 0.5)
    assert by_length["over_25_words"].about == "The test rows of 26 or more words, as they were written."


def test_of_many_rows_some_are_drawn_with_the_seed() -> None:
    many = rows(*[(f"where is order {number}", "order") for number in range(100)])
    drawn = {each.name: each for each in measure_slices(many, by_word, most=30, seed=5)}
    assert (drawn["capitals"].rows, drawn["up_to_5_words"].rows) == (30, 100)
    again = {each.name: each for each in measure_slices(many, by_word, most=30, seed=5)}
    assert drawn == again
    other = {each.name: each for each in measure_slices(many, by_word, most=30, seed=6)}
    assert drawn["capitals"].example != other["capitals"].example


def test_progress_counts_the_changes() -> None:
    steps: list[tuple[int, int]] = []
    measure_slices(SOME, by_word, progress=lambda done, total: steps.append((done, total)))
    assert steps == [(done, len(PERTURBATIONS)) for done in range(1, len(PERTURBATIONS) + 1)]


@pytest.mark.parametrize(
    ("measured", "difference", "weak"),
    [(FEWEST_ROWS, -0.051, True), (FEWEST_ROWS, -0.05, False), (FEWEST_ROWS - 1, -0.5, False), (500, 0.2, False)],
)
def test_weak_is_more_than_five_points_on_enough_rows(measured: int, difference: float, weak: bool) -> None:
    some = Slice("s", "g", "", "", measured, 0.9 + difference, 0.9, difference, difference, difference, 0.0, 0.0)
    assert some.weak is weak
    assert some.to_json()["weak"] is weak


def test_a_weak_slice_is_said_in_a_sentence() -> None:
    some = Slice("few_typos", "typing", "", "", 72, 0.861, 0.931, -0.07, -0.14, 0.0, 0.1, 0.2)
    assert some.sentence() == (
        "weak slice few_typos (typing): 86.1% of 72 rows right, 7.0 points below 93.1%, chance is not ruled out"
    )
