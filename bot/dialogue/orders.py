"""The demo company's orders: a small database of its own, standing where a company's shop system stands.

An order is told of only when its number and its e-mail address both match. Every change is idempotent and one
transaction. Dates are kept as dates; the file `data/shop/orders.json` holds them as days before today, so that the
demo stays alive.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
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
CHANGEABLE = ("Received", "Paid", "On hold")
"""States in which an order can still be cancelled or sent elsewhere."""

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
    """A line of an order. `price` is one piece's, as printed (`£1,290`). `not_returnable` is why it cannot be returned
    unless faulty, empty when it can; `sealed` may go back only unopened; `return_days` counts from delivery."""

    name: str
    price: str
    quantity: int = 1
    made_to_order: bool = False
    not_returnable: str = ""
    sealed: bool = False
    return_days: int = 60

    @property
    def pounds(self) -> Decimal:
        return Decimal(self.price.lstrip("£").replace(",", ""))


@dataclass(frozen=True, slots=True)
class Refund:
    """A refund on its way: how much, where to, and when it was sent off (None: the parcel is not checked yet)."""

    amount: str
    to: str
    received_on: date | None = None
    sent_on: date | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """An order as the shop holds it. `state` is one of `STATES`; `scanned_on` is the courier's last scan."""

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
    scanned_on: date | None = None
    delivered_on: date | None = None
    refund: Refund | None = None

    @property
    def shipped(self) -> bool:
        return self.state in ("Dispatched", "Out for delivery", "Delivered", "Returned")

    @property
    def is_furniture(self) -> bool:
        return self.service == "Named-day furniture"

    @property
    def is_made_to_order(self) -> bool:
        return any(item.made_to_order for item in self.items)


class OrderBook:
    """The orders in a SQLite file. Safe to share between threads and processes: one connection behind one lock, every
    change in a transaction that reads what it changes."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._lock = threading.Lock()

    @classmethod
    def open(cls, path: Path, seed: Path, today: date) -> OrderBook:
        """Open the file, filled from `seed` when it is new; `BadInput` if the seed cannot be read."""
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = pysqlite3.connect(str(path), timeout=10, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.executescript(_SCHEMA)
        book = cls(connection)
        if book.count() == 0:
            book._fill(seed, today)
        return book

    def count(self) -> int:
        """How many orders there are."""
        with self._lock:
            return int(self._connection.execute("SELECT COUNT(*) FROM orders").fetchone()[0])

    def find(self, number: str, email: str) -> Order | None:
        """The order, if both its number and its e-mail address match; None otherwise, without saying which."""
        with self._lock:
            row = self._connection.execute(
                "SELECT body FROM orders WHERE number = ? AND email = ?", (number, email.strip().lower())
            ).fetchone()
        return _order(json.loads(row[0])) if row else None

    def cancel(self, number: str) -> Order:
        """Mark an order cancelled, unless it is being packed by now; returns it as it stands afterwards."""
        return self._change(number, lambda order: replace(order, state="Cancelled"))

    def change_address(self, number: str, address: str) -> Order:
        """Send an order elsewhere, unless it is being packed by now; returns it as it stands afterwards."""
        return self._change(number, lambda order: replace(order, address=address))

    def open_return(self, number: str, item: str, reason: str, today: date) -> str:
        """The return number `RT-…` of this item; the same item again gets the same number."""
        found = "SELECT number FROM returns WHERE order_number = ? AND item = ?"
        opened = "INSERT INTO returns (order_number, item, reason, opened_on) VALUES (?, ?, ?, ?)"
        row = self._once(found, (number, item), opened, (number, item, reason, today.isoformat()))
        return f"RT-{50_000 + row:05d}"

    def report_damage(self, number: str, item: str, details: str, today: date) -> str:
        """The number `DM-…` of a damage report; the same item again gets the same number."""
        return f"DM-{self._report('damage', number, item, details, today)}"

    def open_trace(self, number: str, today: date) -> str:
        """The number `TR-…` of a trace with the courier; the same order again gets the same number."""
        return f"TR-{self._report('trace', number, '', '', today)}"

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _report(self, kind: str, number: str, item: str, details: str, today: date) -> str:
        found = "SELECT number FROM reports WHERE kind = ? AND order_number = ? AND item = ?"
        opened = "INSERT INTO reports (kind, order_number, item, details, opened_on) VALUES (?, ?, ?, ?, ?)"
        row = self._once(found, (kind, number, item), opened, (kind, number, item, details, today.isoformat()))
        return f"{30_000 + row:05d}"

    def _once(self, find: str, key: tuple[str, ...], insert: str, values: tuple[str, ...]) -> int:
        """The number of the row with this key, inserted if it is not there yet."""
        with self._transaction() as connection:
            row = connection.execute(find, key).fetchone()
            return int(row[0] if row else connection.execute(insert, values).lastrowid)

    def _change(self, number: str, change: Callable[[Order], Order]) -> Order:
        with self._transaction() as connection:
            row = connection.execute("SELECT body FROM orders WHERE number = ?", (number,)).fetchone()
            if row is None:
                raise NotFound(f"no order {number}")
            order = _order(json.loads(row[0]))
            if order.state not in CHANGEABLE:
                return order
            changed = change(order)
            connection.execute("UPDATE orders SET body = ? WHERE number = ?", (_body(changed), number))
        return changed

    @contextmanager
    def _transaction(self) -> Iterator[Any]:
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def _fill(self, seed: Path, today: date) -> None:
        try:
            orders = [_seeded(entry, today) for entry in json.loads(seed.read_text(encoding="utf-8"))]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BadInput(f"{seed} cannot be read as orders: {error}") from error
        rows = [(order.number, order.email, _body(order)) for order in orders]
        with self._transaction() as connection:
            connection.executemany("INSERT OR IGNORE INTO orders VALUES (?, ?, ?)", rows)


_DATES = ("placed_on", "dispatched_on", "due_on", "scanned_on", "delivered_on")
_REFUND_DATES = ("received_on", "sent_on")


def _seeded(entry: Mapping[str, Any], today: date) -> Order:
    """A seed entry: like a stored one, with days before today in place of dates (negative: after today)."""
    fields = dict(entry)
    for name in _DATES:
        if fields.get(name) is not None:
            fields[name] = (today - timedelta(days=fields[name])).isoformat()
    if fields.get("refund"):
        refund = dict(fields["refund"])
        for name in _REFUND_DATES:
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
        for name in _REFUND_DATES:
            refund[name] = date.fromisoformat(refund[name]) if refund.get(name) else None
        fields["refund"] = Refund(**refund)
    return Order(**fields)


def _body(order: Order) -> str:
    return json.dumps(asdict(order), default=date.isoformat)
