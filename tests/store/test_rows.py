"""Records in JSON columns: what was stored comes back, and what an older version stored still does."""

from __future__ import annotations

import json

from bot.messages import Entity, NearestRow, Understanding
from bot.store.rows import understanding_from_json, understanding_to_json

UNDERSTANDING = Understanding(
    "order_status",
    0.9,
    (("order_status", 0.9), ("missing_parcel", 0.05)),
    0.1,
    (Entity("order_number", "WF-204817", 0, 9),),
    nearest=(NearestRow("where is my order", "order_status", 0.93), NearestRow("parcel???", "missing_parcel", 0.4)),
)


def test_an_understanding_comes_back_as_it_was_stored() -> None:
    assert understanding_from_json(json.loads(json.dumps(understanding_to_json(UNDERSTANDING)))) == UNDERSTANDING


def test_a_turn_from_before_nearest_rows_were_kept_is_read() -> None:
    stored = understanding_to_json(UNDERSTANDING)
    del stored["nearest"]
    assert understanding_from_json(stored).nearest == ()
