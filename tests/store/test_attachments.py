"""Files of messages on both databases: kept whole, once, under random ids; sent by who uploaded them; swept away."""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import delete

from bot.errors import BadInput, Conflict, NotFound, Refused, TooLarge
from bot.messages import Attachment, IncomingMessage
from bot.store.attachments import Attachments, Sender
from bot.store.conversations import Conversation, Conversations
from bot.store.database import Database
from bot.store.tables import conversations as rows
from tests.conftest import Clock

CUSTOMER, EDIE = Sender("customer"), Sender("agent", "Edie")
Put = Callable[..., Attachment]


@pytest.fixture
def kept(database: Database, tmp_path: Path, clock: Clock) -> Attachments:
    return Attachments(database, tmp_path / "attachments", clock)


@pytest.fixture
def talk(conversations: Conversations) -> Conversation:
    return conversations.open("web", "key", "ada")


@pytest.fixture
def put(kept: Attachments, talk: Conversation) -> Put:
    def put(data: bytes = b"four", sender: Sender = CUSTOMER, *, key: str = "", id: str = talk.id, most: int = 1_000):  # type: ignore[no-untyped-def]
        key = key or str(uuid.uuid4())
        return kept.put(id, key, sender, name="a.txt", kind="text/plain", data=data, most_bytes=most)

    return put


def files_in(tmp_path: Path) -> list[Path]:
    return sorted(path for path in (tmp_path / "attachments").rglob("*") if path.is_file())


def say(conversations: Conversations, *ids: str, external: str = "m-1", text: str = "") -> int:
    message = IncomingMessage("web", "key", "ada", external, text, attachments=ids)
    return conversations.accept(message).seq


def test_a_file_is_kept_under_a_random_id_and_read_back(put: Put, kept: Attachments, talk: Conversation) -> None:
    file = put(b"what was sent")
    found = kept.get(talk.id, file.id)
    assert (found.attachment, found.sender, found.seq) == (file, CUSTOMER, None)
    assert found.path.read_bytes() == b"what was sent"
    assert (found.path.name, found.path.stat().st_mode & 0o777) == (file.id, 0o600)
    assert len(file.id) == 32


def test_the_same_upload_again_is_one_file(put: Put, tmp_path: Path) -> None:
    first = put(key="one")
    assert put(key="one") == first
    assert len(files_in(tmp_path)) == 1
    with pytest.raises(Conflict, match="another file"):
        put(b"else", key="one")
    assert put(sender=EDIE, key="one") != first, "each sender has ids of their own"


def test_two_uploads_under_one_key_at_once_are_one_file(put: Put, tmp_path: Path) -> None:
    together = threading.Barrier(4, timeout=10)

    def upload(_: int) -> str:
        together.wait()
        return str(put(key="one").id)

    with ThreadPoolExecutor(4) as pool:
        ids = set(pool.map(upload, range(4)))
    assert len(ids) == 1
    assert [path.name for path in files_in(tmp_path)] == list(ids)


def test_a_conversation_holds_so_many_bytes(put: Put, conversations: Conversations, tmp_path: Path) -> None:
    put(b"x" * 600)
    with pytest.raises(TooLarge, match="have 1,100 bytes, at most 1,000 are taken"):
        put(b"x" * 500)
    assert len(files_in(tmp_path)) == 1
    put(b"x" * 500, id=conversations.open("web", "other", "bob").id)


def test_a_file_belongs_to_its_conversation(put: Put, kept: Attachments, conversations: Conversations) -> None:
    file, other = put(), conversations.open("web", "other", "bob")
    for conversation, id in ((other.id, file.id), ("none", file.id), (other.id, "../../secrets.json")):
        with pytest.raises(NotFound):
            kept.get(conversation, id)
    with pytest.raises(NotFound):
        put(id="none")
    with pytest.raises(BadInput, match="1 of 1 files are not waiting"):
        conversations.accept(IncomingMessage("web", "other", "bob", "m-1", "", attachments=(file.id,)))
    assert conversations.get(other.id).last_seq == 0


def test_a_message_carries_its_files_and_no_file_goes_twice(
    put: Put, kept: Attachments, talk: Conversation, conversations: Conversations
) -> None:
    one, two = put(b"one"), put(b"two")
    seq = say(conversations, two.id, one.id)
    (message,) = conversations.log(talk.id)
    assert (message.text, message.attachments) == ("", (two, one))
    assert kept.get(talk.id, one.id).seq == seq
    assert say(conversations, two.id, one.id) == seq, "sent again after a lost answer"
    with pytest.raises(Conflict):
        say(conversations, one.id)
    with pytest.raises(BadInput, match="upload them again"):
        say(conversations, one.id, external="m-2")


def test_only_who_uploaded_a_file_sends_it(put: Put, talk: Conversation, conversations: Conversations) -> None:
    hers, customers = put(sender=EDIE), put()
    with pytest.raises(BadInput):
        say(conversations, hers.id)
    conversations.transition(talk.id, ("bot",), "agent", agent="Edie")
    with pytest.raises(BadInput):
        conversations.speak(talk.id, "Edie", "", attachments=(customers.id,))
    said = conversations.speak(talk.id, "Edie", "", attachments=(hers.id,))
    assert said.attachments == (hers,)
    with pytest.raises(Conflict):
        conversations.speak(talk.id, "Maud", "", attachments=(put(sender=Sender("agent", "Maud")).id,))


def test_what_was_never_sent_is_forgotten_after_a_day(
    put: Put, kept: Attachments, talk: Conversation, conversations: Conversations, clock: Clock, tmp_path: Path
) -> None:
    sent, left = put(b"sent"), put(b"left")
    say(conversations, sent.id)
    age(tmp_path, clock)
    assert kept.sweep() == 0
    clock.pass_(days=1, seconds=1)
    late = put(b"late")
    assert kept.sweep() == 1
    assert kept.get(talk.id, sent.id).path.exists()
    assert kept.get(talk.id, late.id)
    with pytest.raises(NotFound):
        kept.get(talk.id, left.id)


def test_files_go_with_their_conversation_and_with_a_crash(
    put: Put, kept: Attachments, talk: Conversation, database: Database, clock: Clock, tmp_path: Path
) -> None:
    file = put()
    shard = tmp_path / "attachments" / file.id[:2]
    (shard / f"{file.id[:2]}{'0' * 30}.partial").write_bytes(b"half of it")
    age(tmp_path, clock)
    assert kept.sweep() == 1, "what a crash left half-written"
    database.write(lambda connection: connection.execute(delete(rows).where(rows.c.id == talk.id)))
    assert kept.sweep() == 1
    assert files_in(tmp_path) == []


def test_a_file_whose_row_is_on_its_way_is_left_alone(kept: Attachments, clock: Clock, tmp_path: Path) -> None:
    path = tmp_path / "attachments" / "ab" / f"ab{'0' * 30}"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"new")
    os.utime(path, (clock().timestamp(), clock().timestamp()))
    assert kept.sweep() == 0


def test_what_cannot_be_written_is_refused_and_leaves_nothing(put: Put, tmp_path: Path) -> None:
    (tmp_path / "attachments").write_text("a file where the folder should be")
    with pytest.raises(Refused, match="could not be kept"):
        put()
    (tmp_path / "attachments").unlink()
    assert put()


def age(tmp_path: Path, clock: Clock) -> None:
    """Make every file look two hours old to the test's clock."""
    then = clock().timestamp() - 7_200
    for path in files_in(tmp_path):
        os.utime(path, (then, then))
