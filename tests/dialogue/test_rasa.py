"""Whole conversations through a real Rasa server: to the end, corrected, stopped, repeated."""

from __future__ import annotations

import subprocess
import uuid

import httpx2
import pytest

from bot.dialogue import install
from bot.dialogue.client import DialogueTurn
from bot.messages import DialogueState, Entity, Understanding
from bot.understanding.payload import understand_payload
from tests.dialogue.conftest import Running

pytestmark = [pytest.mark.rasa, pytest.mark.slow]


class Talk:
    """One conversation with the engine; keeps the state as Firstline does."""

    def __init__(self, running: Running) -> None:
        self._engine = running.engine
        self._id = uuid.uuid4().hex
        self._seq = 0
        self.state = DialogueState()

    def say(self, text: str, intent: str = "inform", *, id: str = "", **entities: str) -> DialogueTurn:
        self._seq += 1
        found = tuple(Entity(name, value, 0, len(value)) for name, value in entities.items())
        understanding = Understanding(intent, 0.95, ((intent, 0.95),), entities=found)
        if text.startswith("/"):
            understanding = understand_payload(text, understanding)
        turn = self._engine.handle(self._id, id or f"{self._id}:{self._seq}", text, understanding, self.state)
        self.state = turn.state
        return turn


@pytest.fixture
def talk(running: Running) -> Talk:
    return Talk(running)


def texts(turn: DialogueTurn) -> str:
    return " | ".join(reply.text for reply in turn.replies)


def test_order_status_in_one_breath(talk: Talk) -> None:
    turn = talk.say(
        "where is WF-204817, nadia.rahman@post.example",
        "order_status",
        order_number="WF-204817",
        email="nadia.rahman@post.example",
    )
    assert "out for delivery" in texts(turn)
    assert turn.state.form == ""


def test_a_return_to_its_end_with_a_correction(talk: Talk) -> None:
    assert "order number" in texts(talk.say("I want to send it back", "start_return"))
    talk.say("WF-204311", order_number="WF-204311")
    assert talk.state.slot == "email"
    talk.say("sorry, wrong number, it's WF-204310", order_number="WF-204310")
    assert talk.state.slot == "email"
    assert "Which item" in texts(talk.say("owen.pritchard@inbox.example", email="owen.pritchard@inbox.example"))
    assert "Why is it going back" in texts(talk.say('/inform{"item": "Beech chopping board"}'))
    assert "Right?" in texts(talk.say('/inform{"reason": "changed mind"}'))
    done = talk.say("/affirm")
    assert "return RT-" in texts(done)
    assert done.state == DialogueState()


def test_stopping_in_the_middle_ends_the_flow(talk: Talk) -> None:
    talk.say("cancel my order", "cancel_order", order_number="WF-204902")
    turn = talk.say("never mind", "stop_flow")
    assert "leave it there" in texts(turn)
    assert turn.state == DialogueState()


def test_another_flow_begins_where_firstline_says_so(talk: Talk) -> None:
    talk.say("where is my refund", "refund_status")
    talk.state = DialogueState()
    turn = talk.say("no, cancel the order", "cancel_order")
    assert turn.state.form == "cancel_order_form"


def test_another_flow_begins_when_the_customer_asks_for_it(talk: Talk) -> None:
    talk.say("where is my refund", "refund_status")
    turn = talk.say("actually, cancel the order", "cancel_order")
    assert turn.state.form == "cancel_order_form"
    assert "order number" in texts(turn)
    assert talk.say("WF-204950", order_number="WF-204950").state.slot == "email"


def test_the_same_request_again_asks_again(talk: Talk) -> None:
    first = talk.say("where is my order", "order_status")
    again = talk.say("I said, where is my order", "order_status")
    assert again.state == first.state
    assert talk.say("WF-204310", order_number="WF-204310").state.slot == "email"


def test_what_is_neither_yes_nor_no_brings_the_question_again(talk: Talk) -> None:
    talk.say("cancel it", "cancel_order", order_number="WF-202067", email="farah.aziz@post.example")
    assert talk.state.slot == "confirm"
    turn = talk.say("hmm, let me think", "inform")
    assert "Shall I cancel" in texts(turn)
    assert turn.state.form == "cancel_order_form"
    assert turn.replies[-1].quick_replies
    assert "stays as it is" in texts(talk.say("no", "deny"))


def test_a_tracker_that_was_lost_takes_the_form_up_again(talk: Talk) -> None:
    talk.state = DialogueState("order_status_form", "order_number", "What's the order number?")
    turn = talk.say("204817", order_number="WF-204817")
    assert turn.state.form == "order_status_form"
    assert turn.state.slot == "email"


def test_the_next_flow_knows_the_order_already(talk: Talk) -> None:
    talk.say("where is it", "order_status", order_number="WF-204310", email="owen.pritchard@inbox.example")
    assert talk.say("I want to return it", "start_return").state.slot == "item"


def test_a_correction_while_the_address_is_asked(talk: Talk) -> None:
    talk.say("cancel", "cancel_order", order_number="WF-204901")
    turn = talk.say("sorry, it's WF-204902", order_number="WF-204902")
    assert "look like" not in texts(turn)
    assert turn.state.slot == "email"


def test_harm_in_the_middle_goes_to_a_human(talk: Talk) -> None:
    talk.say("it is broken", "damaged_item", order_number="WF-204688", email="farah.aziz@post.example")
    turn = talk.say("the jug cut my hand", "damaged_item")
    assert "hurt" in turn.handover
    assert turn.state == DialogueState()


def test_a_cancellation_is_asked_for_and_done(talk: Talk, running: Running) -> None:
    talk.say("cancel WF-204902", "cancel_order", order_number="WF-204902")
    assert "Shall I cancel" in texts(talk.say("grace@okafor.example", email="grace@okafor.example"))
    assert "is cancelled" in texts(talk.say("yes", "affirm"))
    order = running.orders.find("WF-204902", "grace@okafor.example")
    assert order is not None
    assert order.state == "Cancelled"


def test_a_changed_address(talk: Talk) -> None:
    talk.say("change address", "change_address", order_number="WF-204950", email="h.dahl@nordpost.example")
    assert talk.state.slot == "new_address"
    assert "Street" in texts(talk.say("to my work")) or "street" in texts(talk.say("to my work"))
    assert "instead?" in texts(talk.say("12 Easter Road, Edinburgh EH7 5RG"))
    assert "now goes to" in texts(talk.say("/affirm"))


def test_damage_with_one_item_skips_the_question_which(talk: Talk) -> None:
    talk.say("it arrived broken", "damaged_item", order_number="WF-204688", email="farah.aziz@post.example")
    assert talk.state.slot == "details"
    talk.say("the glass jug is in pieces", "damaged_item")
    assert "replacement for the Ember filter coffee machine" in texts(talk.say('/inform{"remedy": "replacement"}'))


def test_a_missing_parcel_is_traced_after_looking(talk: Talk) -> None:
    talk.say("never came", "missing_parcel", order_number="WF-204688", email="farah.aziz@post.example")
    assert talk.state.slot == "looked"
    assert "opened trace TR-" in texts(talk.say("/affirm"))


def test_a_refund_that_is_late_goes_to_a_human(talk: Talk) -> None:
    turn = talk.say("refund?", "refund_status", order_number="WF-203870", email="julian.hart@inbox.example")
    assert turn.handover == "a refund that is late"


def test_three_mismatches_go_to_a_human(talk: Talk) -> None:
    talk.say("status", "order_status", order_number="WF-204817", email="eve@post.example")
    talk.say("WF-204817", order_number="WF-204817")
    talk.say("eve@post.example", email="eve@post.example")
    talk.say("WF-204817", order_number="WF-204817")
    turn = talk.say("mallory@post.example", email="mallory@post.example")
    assert "do not match" in turn.handover


def test_the_same_message_twice_moves_nothing(talk: Talk) -> None:
    first = talk.say("status please", "order_status", id="same")
    again = talk.say("status please", "order_status", id="same")
    assert (texts(again), again.state) == (texts(first), first.state)


def test_the_door_needs_its_token(running: Running) -> None:
    url = f"{running.settings.rasa_url}/webhooks/firstline/webhook"
    assert httpx2.post(url, json={}, headers={"Authorization": "Bearer wrong"}).status_code == 401
    assert httpx2.get(f"{running.settings.rasa_url}/conversations/x/tracker").status_code == 401
    doors = f"http://127.0.0.1:{running.settings.port}/rasa/actions"
    assert httpx2.post(doors, json={}).status_code != 200


@pytest.mark.parametrize("command", [["data", "validate", "--data", "data"], ["test", "core", "--stories", "tests"]])
def test_rasas_own_tools_accept_the_project(command: list[str], running: Running) -> None:
    model = install.ensure_model(running.settings, print)
    extra = ["--model", str(model), "--out", str(running.settings.home / "results")] if command[0] == "test" else []
    finished = subprocess.run(
        [*install.rasa(running.settings), *command, *extra],
        cwd=install.PROJECT,
        env=dict(install.rasa_environment(running.settings)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr[-2_000:]
    failed = running.settings.home / "results" / "failed_test_stories.yml"
    assert not failed.exists() or "None of the test stories failed" in failed.read_text()
