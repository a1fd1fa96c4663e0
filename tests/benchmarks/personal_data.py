"""How much personal data is found before a text goes to the large model, and how much is taken for it that is none.

python -m tests.benchmarks.personal_data [--rows 3000] [--seed 13] [--datasets ../shared/datasets] [--misses]

The generated set: sentences of customers with one to three pieces of personal data of the structured kinds, written in
the ways people write them, among numbers and words that are none (prices, sizes, hours, articles, dates of delivery).
A piece is found where every character of it is covered; what is found is right where it overlaps a piece. Where
`presidio_pii` lies beside the project, its structured kinds are counted too, each set by itself. Its addresses are
whole postal addresses over several lines, which nothing here claims to know. Figures go to stdout as JSON.
"""

from __future__ import annotations

import argparse
import json
import random
import string
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.llm.personal import PersonalData
from tests.conftest import ROOT

SEED = 13
NAMES = ("Nadia Rahman", "Owen Pritchard", "Siobhán O’Neill", "Jörg Müller", "Ana María López", "Li Wei")
NAMED: Mapping[str, str] = {"name": "Nadia Rahman"}
PRESIDIO = {
    "EMAIL_ADDRESS": "email",
    "PHONE_NUMBER": "phone",
    "IBAN_CODE": "iban",
    "CREDIT_CARD": "card",
    "IP_ADDRESS": "ip",
    "US_SSN": "national id",
    "ZIP_CODE": "postcode",
    "STREET_ADDRESS": "address",
    "ADDRESS": "address",
}


@dataclass(frozen=True, slots=True)
class Row:
    """A text and its pieces: kind, start, end."""

    text: str
    pieces: tuple[tuple[str, int, int], ...]


def digits(chance: random.Random, count: int) -> str:
    return "".join(chance.choice(string.digits) for _ in range(count))


def email(chance: random.Random) -> str:
    first, last = (
        chance.choice(("nadia", "o.pritchard", "j_mueller", "li+shop", "ana-maria")),
        chance.choice(("", "84")),
    )
    host = chance.choice(("post.example", "mail.inbox.example", "web.de", "gmail.com", "uni-koeln.de", "bbc.co.uk"))
    made = f"{first}{last}@{host}"
    return made.upper() if chance.random() < 0.1 else made


def phone(chance: random.Random) -> str:
    shapes = (
        "+44 7700 9d0ddd",
        "+447700 9ddddd",
        "07700 9ddddd",
        "07700-9dd-ddd",
        "020 7946 0ddd",
        "(020) 7946 0ddd",
        "0117 496 0ddd",
        "+49 151 2345dddd",
        "0049 30 9018dddd",
        "+33 6 12 34 5d dd",
        "+1 (415) 555-01dd",
        "415-555-01dd",
        "+353 1 555 0ddd",
    )
    return "".join(digits(chance, 1) if each == "d" else each for each in chance.choice(shapes))


def card(chance: random.Random) -> str:
    start, length = chance.choice((("4", 16), ("51", 16), ("2221", 16), ("37", 15), ("6011", 16)))
    body = start + digits(chance, length - 1 - len(start))
    doubled = (int(each) * (2 if place % 2 == 0 else 1) for place, each in enumerate(reversed(body)))
    number = body + str(-sum(each - 9 if each > 9 else each for each in doubled) % 10)
    gap = chance.choice(("", " ", "-"))
    return gap.join(number[at : at + 4] for at in range(0, length, 4))


def iban(chance: random.Random) -> str:
    country, shape = chance.choice((("GB", "AAAA14"), ("DE", "18"), ("FR", "23"), ("NL", "AAAA10"), ("ES", "20")))
    letters = "".join(chance.choice(string.ascii_uppercase) for each in shape if each == "A")
    account = letters + digits(chance, int(shape.lstrip("A")))
    value = "".join(str(int(each, 36)) for each in f"{account}{country}00")
    whole = f"{country}{98 - int(value) % 97:02d}{account}"
    made = " ".join(whole[at : at + 4] for at in range(0, len(whole), 4)) if chance.random() < 0.5 else whole
    return made.lower() if chance.random() < 0.15 else made


def order(chance: random.Random) -> str:
    return chance.choice(("WF-{}", "WF {}", "wf-{}", "{}", "WF{}")).format(digits(chance, 6))


def ip(chance: random.Random) -> str:
    if chance.random() < 0.3:
        return ":".join(f"{chance.randrange(1, 65_536):x}" for _ in range(8))
    return ".".join(str(chance.randrange(1, 255)) for _ in range(4))


def url(chance: random.Random) -> str:
    secret = "".join(chance.choice(string.ascii_letters + string.digits) for _ in range(16))
    return chance.choice(
        (
            f"https://nadia:{secret}@shop.example/orders",
            f"https://shop.example/login?token={secret}",
            f"https://shop.example/r?order=1&sig={secret}",
            f"ftp://owen:{secret}@files.example/",
        )
    )


def birth(chance: random.Random) -> str:
    day, month, year = chance.randint(1, 28), chance.randint(1, 12), chance.randint(1940, 2006)
    name = (
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    )[month - 1]
    return chance.choice(
        (
            f"{day:02d}/{month:02d}/{year}",
            f"{year}-{month:02d}-{day:02d}",
            f"{day} {name} {year}",
            f"{name} {day}, {year}",
            f"{day}.{month}.{year}",
            f"{day}th of {name} {year}",
        )
    )


def postcode(chance: random.Random) -> str:
    made = chance.choice(("BS1 4DJ", "SW1A 1AA", "M1 1AE", "EH1 2NG", "CF10 3AT", "W1T 3NL", "BT7 1NN", "L1 8JQ"))
    return made.lower() if chance.random() < 0.2 else made.replace(" ", "") if chance.random() < 0.2 else made


def address(chance: random.Random) -> str:
    number = chance.choice((str(chance.randint(1, 240)), f"{chance.randint(1, 99)}{chance.choice('abc')}"))
    street = chance.choice(
        (
            "Elm Tree Road",
            "Victoria Street",
            "St Mary's Close",
            "High Street",
            "Kingsdown Parade",
            "Old Mill Lane",
            "Queen's Avenue",
            "Redland Grove",
            "Park Row",
            "Station Rd",
        )
    )
    if chance.random() < 0.2:
        return chance.choice(
            (
                f"Hauptstraße {number}",
                f"Lindenweg {number}",
                f"Berliner Allee {number}",
                f"{number} rue de la Paix",
                f"Calle Mayor {number}",
            )
        )
    flat = chance.choice(("", "", f"Flat {chance.randint(1, 30)}, "))
    return f"{flat}{number} {street}"


def national(chance: random.Random) -> str:
    return chance.choice(
        (f"{digits(chance, 3)}-{digits(chance, 2)}-{digits(chance, 4)}", f"AB {digits(chance, 2)} 34 56 C")
    )


def name(chance: random.Random) -> str:
    return chance.choice(("Nadia Rahman", "Nadia", "nadia rahman", "Rahman"))


def introduced(chance: random.Random) -> str:
    return chance.choice(NAMES)


Make = Callable[[random.Random], str]
KINDS: Mapping[str, tuple[Make, tuple[str, ...]]] = {
    "email": (email, ("you can mail me at {}", "my address is {}, thanks", "write to {}.", "it was ordered with {}")),
    "phone": (phone, ("call me on {}", "my number is {}", "ring {} after five", "phone: {}", "I'm on {}, any time")),
    "card": (card, ("I paid with card {}", "the card number is {}", "charge {} please", "card {} was declined")),
    "iban": (iban, ("refund to {}", "my IBAN is {}", "my account {} please", "IBAN: {}")),
    "order": (order, ("my order {} is late", "order number {}", "about {}", "I'd like to return {}")),
    "ip": (ip, ("your site blocks {}", "my address {} is refused", "from {} I see an error")),
    "url": (url, ("the link {} does not open", "I got {} by mail", "look at {}")),
    "birth": (birth, ("I was born on {}", "my date of birth is {}", "DOB {}", "birthday: {}", "born {}")),
    "postcode": (postcode, ("deliver to {}", "my postcode is {}", "I live in {}", "do you reach {}?")),
    "address": (address, ("send it to {}", "I live at {}", "the new address is {}", "{} is where it went")),
    "national id": (national, ("my insurance number is {}", "ID {}", "number {} for the invoice")),
    "name": (name, ("this is {} again", "{} here", "it was for {}", "ask {} about it")),
    "introduced name": (introduced, ("my name is {}", "Name: {}", "my full name is {}")),
}
"""Kinds with their maker and the ways of saying them."""
HARMLESS = (
    "It cost £1,299.00 and I paid £3.95 for delivery",
    "the table is 120 x 200 cm and 75 cm high",
    "I waited 14 days, from 9:00 to 17:30",
    "can I have 3 of the EK-200 and 2 of the EF-10?",
    "it should come on 3 May, or on 12/05 at the latest",
    "delivery was promised for 21 November 2026",
    "I ordered it on 2026-11-12 and again on 18.11.2026",
    "the guarantee is 2 years and the trial 100 nights",
    "I'd like 10 % off, as in the e-mail of last week",
    "your hours say Mon–Fri 08:00–20:00",
    "the page www.wrenfield.example/delivery says 2–4 working days",
    "size 38, colour 4b, model A-17",
    "the lamp has 800 lumens and 2700 K",
    "it weighs 12.5 kg, I think",
    "what a rose garden, mark my words",
    "is the Marsh sofa 2.20 m wide?",
    "I have 12 000 points and 3 vouchers",
    "the parcel was 1 of 2",
    "chapter 4, page 112 of the manual",
    "version 2.14.3 of the app is installed",
    "I need it by half past 4, in the high street",
    "the score was 3-1 and we were late",
)


def generated(rows: int, seed: int = SEED) -> list[Row]:
    """So many rows; every kind comes about equally often, and a third of the rows hold nothing personal."""
    chance, made = random.Random(seed), []
    kinds = list(KINDS)
    for number in range(rows):
        personal = [] if number % 3 == 2 else chance.sample(kinds, chance.randint(1, 3))
        sentences: list[tuple[str, str]] = [(chance.choice(HARMLESS), "") for _ in range(chance.randint(1, 2))]
        sentences += [(chance.choice(KINDS[kind][1]), kind) for kind in personal]
        chance.shuffle(sentences)
        text, pieces = "", []
        for words, kind in sentences:
            before, gap, after = words.partition("{}") if kind else (words, "", "")
            value = KINDS[kind][0](chance) if gap else ""
            start = len(text) + len(before)
            text += before + value + after + chance.choice((". ", ", ", "\n", "; "))
            if gap:
                pieces.append((kind, start, start + len(value)))
        made.append(Row(text, tuple(pieces)))
    return made


def presidio(path: Path) -> list[Row]:
    rows = []
    for given in json.loads(path.read_text("utf-8")):
        pieces = [(each["entity_type"], each["start_position"], each["end_position"]) for each in given["spans"]]
        rows.append(Row(given["full_text"], tuple(pieces)))
    return rows


@dataclass(frozen=True, slots=True)
class Measured:
    """Recall by kind with the number of pieces, over all kinds, and precision."""

    recall: float
    precision: float
    kinds: Mapping[str, tuple[float, int]]
    missed: Sequence[str]
    wrong: Sequence[str]


def measure(rows: Iterable[Row], finder: PersonalData, names: Mapping[str, str] | None = None) -> Measured:
    """Personal data of the rows; `names` are the kinds that count, by what they are called here. What overlaps a piece
    of any kind is right."""
    expected: Counter[str] = Counter()
    covered: Counter[str] = Counter()
    found = right = 0
    missed, wrong = [], []
    for row in rows:
        spans = [(each.start, each.end) for each in finder.find(row.text, NAMED if names is None else None)]
        for kind, start, end in row.pieces:
            called = kind if names is None else names.get(kind, "")
            if not called:
                continue
            expected[called] += 1
            seen = sum(max(0, min(end, last) - max(start, first)) for first, last in spans)
            if seen >= end - start:
                covered[called] += 1
            else:
                missed.append(f"{called}: {row.text[start:end]!r} in {row.text!r}")
        for first, last in spans:
            found += 1
            overlaps = any(first < end and start < last for _, start, end in row.pieces)
            right += overlaps
            if not overlaps:
                wrong.append(f"{row.text[first:last]!r} in {row.text!r}")
    kinds = {kind: (round(covered[kind] / count, 4), count) for kind, count in sorted(expected.items())}
    return Measured(covered.total() / max(expected.total(), 1), right / max(found, 1), kinds, missed, wrong)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=3_000)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--datasets", type=Path, default=ROOT.parent / "shared" / "datasets")
    parser.add_argument("--misses", action="store_true")
    given = parser.parse_args()
    finder, figures = PersonalData(), {}
    sets: dict[str, tuple[list[Row], Mapping[str, str] | None]] = {
        "generated": (generated(given.rows, given.seed), None)
    }
    for each in ("synth_dataset_v2", "generated_large"):
        path = given.datasets / "presidio_pii" / f"{each}.json"
        if path.is_file():
            sets[f"presidio {each}"] = presidio(path), PRESIDIO
        else:
            sys.stderr.write(f"{path} is not there: left out\n")
    for called, (rows, names) in sets.items():
        measured = measure(rows, finder, names)
        figures[called] = {
            "rows": len(rows),
            "recall": round(measured.recall, 4),
            "precision": round(measured.precision, 4),
            "kinds": measured.kinds,
        }
        if given.misses:
            for line in (*measured.missed[:60], *(f"+ {each}" for each in measured.wrong[:40])):
                sys.stderr.write(f"{line[:260]}\n")
    json.dump(figures, sys.stdout, indent=1)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
