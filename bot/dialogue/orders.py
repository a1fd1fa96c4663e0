"""The demo company's orders: a small database of its own, standing where a company's shop system stands.

An order is told of only when its number and its e-mail address both match. Every change is idempotent and one
transaction. Dates are kept as dates; the file `data/shop/orders.json` holds them as days before today, so that the
demo stays alive.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pysqlite3

from bot.errors import BadInput, NotFound

STATES = (
    "Received",
    "Paid",
    "Packing",
    "Dispatched",
    "Out for delivery",
    "Delivered",
    "On hold",
    "Cancelled",
    "Returned",
)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (number TEXT PRIMARY KEY, email TEXT NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS returns (number INTEGER PRIMARY KEY AUTOINCREMENT, order_number TEXT NOT NULL,
    item TEXT NOT NULL, reason TEXT NOT NULL, opened_on TEXT NOT NULL, UNIQUE (order_number, item));
CREATE TABLE IF NOT EXISTS reports (number INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL,
    order_number TEXT NOT NULL, item TEXT NOT NULL, details TEXT NOT NULL, opened_on TEXT NOT NULL,
    UNIQUE (kind, order_number, item));
"""


@dataclass(frozen=True, slots=True)
class Item:
    """A line of an order. `returnable` is why it cannot be returned, or empty when it can."""

    name: str
    price: str
    quantity: int = 1
    made_to_order: bool = False
    not_returnable: str = ""


@dataclass(frozen=True, slots=True)
class Refund:
    """A refund on its way: how much, where to, and when it was sent off (None: the parcel is not checked yet)."""

    amount: str
    to: str
    received_on: date | None = None
    sent_on: date | None = None


@dataclass(frozen=True, slots=True)
class Order:
    number: str
    email: str
    name: str
    state: str
    placed_on: date
    items: tuple[Item, ...]
    address: str
    country: str = "United Kingdom"
    service: str = "Standard"
    tracking: str = ""
    dispatched_on: date | None = None
    due_on: date | None = None
    delivered_on: date | None = None
    refund: Refund | None = None

    @property
    def shipped(self) -> bool:
        return self.state in ("Dispatched", "Out for delivery", "Delivered", "Returned")


class OrderBook:
    """The orders in a SQLite file. Safe to share between threads and processes."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._lock = threading.Lock()

    @classmethod
    def open(cls, path: Path, seed: Path, today: date) -> OrderBook:
        """Open the file, filled from `seed` when it is new; dates in the seed are days before `today`."""
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = pysqlite3.connect(str(path), timeout=10, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.executescript(_SCHEMA)
        book = cls(connection)
        if not connection.execute("SELECT 1 FROM orders LIMIT 1").fetchone():
            book._fill(seed, today)
        return book

    def find(self, number: str, email: str) -> Order | None:
        """The order, if both its number and its e-mail address match; None otherwise, without saying which."""
        row = self._connection.execute(
            "SELECT body FROM orders WHERE number = ? AND email = ?", (number, email.strip().lower())
        ).fetchone()
        return _order(json.loads(row[0])) if row else None

    def cancel(self, order: Order) -> Order:
        """Mark an order cancelled; the same again changes nothing."""
        return self._save(replace(order, state="Cancelled"))

    def change_address(self, order: Order, address: str) -> Order:
        return self._save(replace(order, address=address))

    def open_return(self, order: Order, item: str, reason: str, today: date) -> str:
        """The return number `RT-…` of this item; the same item again gets the same number."""
        with self._lock:
            self._connection.execute(
                "INSERT INTO returns (order_number, item, reason, opened_on) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (order_number, item) DO NOTHING",
                (order.number, item, reason, today.isoformat()),
            )
            row = self._connection.execute(
                "SELECT number FROM returns WHERE order_number = ? AND item = ?", (order.number, item)
            ).fetchone()
        return f"RT-{50_000 + row[0]:05d}"

    def report(self, kind: str, order: Order, item: str, details: str, today: date) -> str:
        """The number of a damage report or a trace; the same again gets the same number."""
        with self._lock:
            self._connection.execute(
                "INSERT INTO reports (kind, order_number, item, details, opened_on) VALUES (?, ?, ?, ?, ?) "
                "ON CONFLICT (kind, order_number, item) DO NOTHING",
                (kind, order.number, item, details, today.isoformat()),
            )
            row = self._connection.execute(
                "SELECT number FROM reports WHERE kind = ? AND order_number = ? AND item = ?",
                (kind, order.number, item),
            ).fetchone()
        return f"{kind}-{30_000 + row[0]:05d}"

    def close(self) -> None:
        self._connection.close()

    def _save(self, order: Order) -> Order:
        with self._lock:
            changed = self._connection.execute(
                "UPDATE orders SET body = ? WHERE number = ?", (json.dumps(_body(order)), order.number)
            ).rowcount
        if not changed:
            raise NotFound(f"no order {order.number}")
        return order

    def _fill(self, seed: Path, today: date) -> None:
        try:
            orders = [_seeded(entry, today) for entry in json.loads(seed.read_text(encoding="utf-8"))]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BadInput(f"{seed} cannot be read as orders: {error}") from error
        rows = [(order.number, order.email, json.dumps(_body(order))) for order in orders]
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany("INSERT OR IGNORE INTO orders VALUES (?, ?, ?)", rows)
            self._connection.execute("COMMIT")


_DATES = ("placed_on", "dispatched_on", "due_on", "delivered_on")


def _seeded(entry: Mapping[str, Any], today: date) -> Order:
    """A seed entry: like a stored one, with days before today in place of dates (negative: after today)."""
    fields = dict(entry)
    for name in _DATES:
        if fields.get(name) is not None:
            fields[name] = (today - timedelta(days=fields[name])).isoformat()
    if fields.get("refund"):
        refund = dict(fields["refund"])
        for name in ("received_on", "sent_on"):
            if refund.get(name) is not None:
                refund[name] = (today - timedelta(days=refund[name])).isoformat()
        fields["refund"] = refund
    return _order(fields)


def _order(stored: Mapping[str, Any]) -> Order:
    fields = dict(stored)
    fields["email"] = fields["email"].lower()
    fields["items"] = tuple(Item(**item) for item in fields["items"])
    for name in _DATES:
        fields[name] = date.fromisoformat(fields[name]) if fields.get(name) else None
    if fields.get("refund"):
        refund = dict(fields["refund"])
        for name in ("received_on", "sent_on"):
            refund[name] = date.fromisoformat(refund[name]) if refund.get(name) else None
        fields["refund"] = Refund(**refund)
    return Order(**fields)


def _body(order: Order) -> dict[str, Any]:
    from dataclasses import asdict

    return json.loads(json.dumps(asdict(order), default=str))  # type: ignore[no-any-return]
