"""Whole conversations over REST: every step as a customer meets it, and what the log holds afterwards."""

from __future__ import annotations

from datetime import UTC, datetime

from bot.messages import Message
from tests.application import SUNDAYS_CLOSED, Application
from tests.conftest import Clock
from tests.keyword_release import EXPRESS
from tests.scripted_dialogue import DONE, PROMPTS, STOPPED

EMAIL = "ada@example.org"


def texts(replies: list[dict[str, object]]) -> list[object]:
    return [reply["text"] for reply in replies]


def transcript(application: Application, sender: str = "ada") -> list[tuple[str, str]]:
    log = application.parts.conversations.log(application.id(sender))
    return [(message.participant, message.text) for message in log]


def test_a_question_is_answered_with_a_quote_that_stands_in_the_stored_version(application: Application) -> None:
    (reply,) = application.rest("What does Express delivery cost?")
    (citation,) = reply["custom"]["citations"]
    stored = application.parts.library.get(citation["document"], citation["version"])
    assert reply["text"] == EXPRESS == stored.text[citation["start"] : citation["end"]] == citation["quote"]
    assert reply["custom"]["route"] == "answer"


def test_a_flow_is_filled_step_by_step(application: Application) -> None:
    assert texts(application.rest("Where is my order?")) == [PROMPTS["order_number"]]
    assert texts(application.rest("WF-200001")) == [PROMPTS["email"]]
    assert texts(application.rest(EMAIL)) == [DONE["order_status_form"]]
    assert application.parts.conversations.get(application.id()).dialogue.form == ""


def test_a_question_in_the_middle_of_a_flow_is_answered_and_the_flow_asks_again(application: Application) -> None:
    application.rest("Where is my order?")
    replies = application.rest("How much does Express delivery cost by the way?")
    assert texts(replies) == [EXPRESS, PROMPTS["order_number"]]
    assert replies[0]["custom"]["rule"] == "question-in-flow"
    assert texts(application.rest("It is WF-200001")) == [PROMPTS["email"]]


def test_a_change_of_mind_leaves_one_flow_for_another(application: Application) -> None:
    application.rest("Where is my order?")
    assert texts(application.rest("WF-200001")) == [PROMPTS["email"]]
    replies = application.rest("Actually I want to return it")
    assert texts(replies) == [PROMPTS["order_number"]]
    assert replies[0]["custom"]["rule"] == "switches-flow"
    application.rest("WF-200001")
    assert texts(application.rest("too loud")) == [DONE["start_return_form"]]


def test_stop_ends_a_flow_and_the_next_question_is_a_question(application: Application) -> None:
    application.rest("Where is my order?")
    assert texts(application.rest("stop")) == [STOPPED]
    assert texts(application.rest("What does Express delivery cost?")) == [EXPRESS]


def test_asking_for_a_human_works_from_anywhere(application: Application) -> None:
    application.rest("Where is my order?")
    (reply,) = application.rest("a human please")
    assert reply["custom"]["route"] == "human"
    assert reply["text"].startswith("Of course. I have passed this to our team.")
    conversation = application.parts.conversations.get(application.id())
    assert (conversation.owner, conversation.dialogue.form) == ("waiting", "")
    assert application.parts.handoff.place(conversation.id) == 1


def test_an_agent_takes_over_answers_and_hands_back(application: Application) -> None:
    handoff = application.parts.handoff
    application.rest("a human please")
    id = application.id()
    handoff.seen("Maud")
    handoff.take(id, "Maud")
    assert application.rest("What does Express delivery cost?") == []
    handoff.reply(id, "Maud", "Let me look.")
    handoff.note(id, "Maud", "Third call this week.")
    handoff.hand_back(id, "Maud")
    assert texts(application.rest("What does Express delivery cost?")) == [EXPRESS]
    assert transcript(application)[2:] == [
        ("system", "Maud has joined."),
        ("customer", "What does Express delivery cost?"),
        ("agent", "Let me look."),
        ("system", "Maud has left. I am the automatic assistant again; ask away, or ask for a human at any time."),
        ("customer", "What does Express delivery cost?"),
        ("bot", EXPRESS),
    ]


def test_out_of_hours_says_when_and_keeps_the_place(application: Application, clock: Clock) -> None:
    application.hours = SUNDAYS_CLOSED
    clock.moment = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
    (reply,) = application.rest("a human please")
    assert "Nobody is at the desk right now; we are back tomorrow at 08:00." in reply["text"]
    assert "e-mail address" in reply["text"]
    clock.pass_(hours=1)
    application.rest("a human please", sender="bob")
    handoff = application.parts.handoff
    assert [handoff.place(application.id(sender)) for sender in ("ada", "bob")] == [1, 2]


def test_closing_and_reopening(application: Application) -> None:
    handoff = application.parts.handoff
    application.rest("a human please")
    id = application.id()
    handoff.take(id, "Maud")
    handoff.close(id, "Maud")
    assert application.parts.conversations.get(id).owner == "closed"
    assert texts(application.rest("What does Express delivery cost?")) == [EXPRESS]
    reopened = application.parts.conversations.get(id)
    assert (reopened.id, reopened.owner, reopened.agent, reopened.waiting_since) == (id, "bot", "", None)


def test_the_third_failure_in_a_row_fetches_a_human(application: Application) -> None:
    routes = [application.rest(f"blorp {number}")[0]["custom"]["route"] for number in range(2)]
    assert routes[0] == "decline"
    assert routes[-1] == "human"
    assert application.parts.conversations.get(application.id()).owner == "waiting"


def test_every_message_of_a_long_conversation_has_its_record(application: Application) -> None:
    said = ("hello", "Where is my order?", "What does Express delivery cost?", "WF-200001", "stop", "a human please")
    for text in said:
        application.rest(text)
    log: tuple[Message, ...] = application.parts.conversations.log(application.id(), notes=True)
    customers = [message for message in log if message.participant == "customer"]
    recorded = [(message.text, message.turn.decision.rule) for message in customers if message.turn]
    assert recorded == [
        ("hello", "small-talk"),
        ("Where is my order?", "starts-flow"),
        ("What does Express delivery cost?", "question-in-flow"),
        ("WF-200001", "active-flow"),
        ("stop", "active-flow"),
        ("a human please", "asks-for-human"),
    ]
    assert {message.turn.release for message in customers if message.turn} == {application.release.id}
    assert [message.seq for message in log] == list(range(1, len(log) + 1))


def test_a_follow_up_is_answered_with_the_question_before_it(application: Application) -> None:
    (lost,) = application.rest("And how much is that for delivery?", sender="bob")
    assert lost["custom"]["route"] != "answer"
    application.rest("Is there Express?")
    (reply,) = application.rest("And how much is that for delivery?")
    assert reply["text"] == EXPRESS
    application.rest("Where is my order?")
    assert texts(application.rest("it is WF-200001")) == [PROMPTS["email"]]


def test_a_change_of_topic_is_not_pulled_back(application: Application) -> None:
    assert texts(application.rest("What does Express delivery cost?")) == [EXPRESS]
    (reply,) = application.rest("gift cards come by e-mail?")
    assert reply["custom"]["citations"][0]["document"] == "gifts"
