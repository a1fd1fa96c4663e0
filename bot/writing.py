"""A question of a conversation to the large model: which of the passages that were found it is shown.

Those alone that the audience may see, whose version is the current one, and whose document has not lapsed.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import date

from bot.errors import NotFound
from bot.llm.support import Encode
from bot.llm.writer import Answered, Asked, Unwritten, Writer
from bot.routing.signals import Look
from bot.store.conversations import Conversation
from bot.store.documents import Library
from retrieval.audiences import Audience
from retrieval.documents import Document, Hit


def ask_model(
    writer: Writer,
    conversation: Conversation,
    question: str,
    look: Look,
    encode: Encode,
    library: Library,
    *,
    audience: Audience,
    today: date,
    purpose: str = "answer",
) -> Answered | Unwritten:
    """What the model makes of the passages of a look, as far as `audience` may be told of them."""
    documents: dict[tuple[str, int], Document] = {}
    shown: list[Hit] = []
    is_current = library.current_check()
    for hit in look.hits:
        key = hit.passage.document, hit.passage.version
        if not is_current(*key):
            continue
        if key not in documents:
            with suppress(NotFound):
                documents[key] = library.get(*key, viewer=audience)
        if key in documents and not documents[key].lapsed(today):
            shown.append(hit)
    return writer.write(
        Asked(
            conversation.id,
            question,
            shown,
            encode,
            lambda id, version: documents[id, version],
            before=look.query.history if look.query is not None else "",
            attributes=conversation.attributes,
            purpose=purpose,
        )
    )
