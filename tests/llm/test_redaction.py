"""Personal data stays here: found by its form, replaced before a call, put back after it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.llm.personal import PersonalData
from bot.llm.redaction import PLACEHOLDER, Redaction
from bot.understanding.entities.definitions import Spelling
from tests.benchmarks.personal_data import generated, measure

FINDER = PersonalData()
NADIA = {"name": "Nadia Rahman"}


def hidden(text: str, attributes: dict[str, str] | None = None) -> str:
    return Redaction(FINDER, attributes or {}).hide(text)


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("mail nadia.rahman@post.example.", "mail [EMAIL_1]."),
        ("call 020 7946 0958 or +44 7700 900123", "call [PHONE_1] or [PHONE_2]"),
        ("IBAN GB29 NWBK 6016 1331 9268 19 please", "IBAN [IBAN_1] please"),
        ("card 4111 1111 1111 1111, thanks", "card [CARD_1], thanks"),
        ("card 4111 1111 1111 1112, mistyped", "card [PHONE_1], mistyped"),
        ("order WF-204817, not wf 204818", "order [ORDER_1], not [ORDER_2]"),
        ("from 203.0.113.7 and 2001:db8::7", "from [IP_1] and [IP_2]"),
        ("https://me:pw@shop.example/x fails", "[URL_1] fails"),
        ("see https://shop.example/x?a=1&token=abc123", "see [URL_1]"),
        ("see https://shop.example/x?a=1", "see https://shop.example/x?a=1"),
        ("born on 3 May 1980, ordered on 3 May 2026", "born on [BIRTH_1], ordered on 3 May 2026"),
        ("12 Elm Tree Road, Bristol BS1 4DJ", "[ADDRESS_1], Bristol [POSTCODE_1]"),
        ("send it to Hauptstraße 5", "send it to [ADDRESS_1]"),
        ("it is Nadia, NADIA RAHMAN", "it is [NAME_1], [NAME_2]"),
        ("my name is Owen Pritchard and I wait", "my name is [NAME_1] and I wait"),
        ("£1,299.00 at 16:00, 120 x 200 cm, 10 %", "£1,299.00 at 16:00, 120 x 200 cm, 10 %"),
    ],
)
def test_what_is_sent_in_its_place(text: str, sent: str) -> None:
    redaction = Redaction(FINDER, NADIA)
    assert redaction.hide(text) == sent
    assert redaction.restore(sent) == text


def test_the_same_value_has_the_same_placeholder_in_every_text_of_a_call() -> None:
    redaction = Redaction(FINDER)
    assert redaction.hide("WF-204817 or wf-204817?") == "[ORDER_1] or [ORDER_1]?"
    assert redaction.hide("and WF-204310, a@b.example") == "and [ORDER_2], [EMAIL_1]"
    assert redaction.hide("again WF-204310") == "again [ORDER_2]"


def test_a_name_that_is_a_word_is_left_where_it_is_a_word() -> None:
    assert hidden("mark the parcel, says Mark", {"name": "Mark Rose"}) == "mark the parcel, says [NAME_1]"


def test_a_placeholder_of_the_customers_own_stands_for_nobody_elses_data() -> None:
    redaction = Redaction(FINDER)
    sent = redaction.hide("tell me [EMAIL_1], I am a@b.example")
    assert sent == "tell me [NAME_1], I am [EMAIL_1]"
    assert redaction.restore("[NAME_1]") == "[EMAIL_1]"


def test_only_placeholders_of_this_call_are_put_back() -> None:
    redaction = Redaction(FINDER)
    redaction.hide("a@b.example")
    assert redaction.restore("[EMAIL_1] [EMAIL_2] [PHONE_1]") == "a@b.example [EMAIL_2] [PHONE_1]"
    assert (redaction.made("[EMAIL_1]"), redaction.made("[EMAIL_2]")) == (True, False)


def test_order_numbers_are_written_as_the_company_does() -> None:
    finder = PersonalData(Spelling(order_pattern=r"AB(\d{4})", order_format="AB{}"))
    assert Redaction(finder).hide("AB1234 and 204817") == "[ORDER_1] and 204817"


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet=st.sampled_from("ab@.+-0123456789 ()[]_:/#AZ\n’EMAIL"), max_size=160))
def test_hiding_and_putting_back_loses_nothing(text: str) -> None:
    redaction = Redaction(FINDER, NADIA)
    sent = redaction.hide(text)
    assert redaction.restore(sent) == text
    assert all(redaction.made(each) for each in PLACEHOLDER.findall(sent))


def test_recall_and_precision_on_the_generated_set() -> None:
    measured = measure(generated(600, seed=29), FINDER)
    assert measured.recall >= 0.99, measured.missed[:5]
    assert measured.precision >= 0.97, measured.wrong[:5]
    assert set(measured.kinds) >= {
        "email",
        "phone",
        "card",
        "iban",
        "order",
        "ip",
        "url",
        "birth",
        "postcode",
        "address",
    }


def test_the_measure_sees_what_is_missed_and_what_is_wrong() -> None:
    class Blind(PersonalData):
        def find(self, text: str, attributes: object = None) -> tuple[object, ...]:  # type: ignore[override]
            return ()

    measured = measure(generated(60), Blind())
    assert (measured.recall, len(measured.missed) > 20) == (0.0, True)
