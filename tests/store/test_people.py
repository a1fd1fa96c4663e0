"""Accounts on both databases: one set-up, rules for passwords, one message for every failure, growing delays."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from bot.errors import BadInput, Conflict, NotFound, Unverified
from bot.store.database import Database
from bot.store.people import FREE_TRIES, LONGEST_DELAY_S, SESSION, People
from bot.store.tables import notes, people, sessions
from tests.conftest import Clock

PASSWORD = "three kettles boil"


@pytest.fixture
def accounts(database: Database, clock: Clock) -> People:
    return People(database, clock)


@pytest.fixture
def maud(accounts: People) -> str:
    accounts.add("maud@wrenfield.example", "Maud", "admin", PASSWORD)
    return "maud@wrenfield.example"


def refusal(accounts: People, email: str, password: str, address: str = "10.0.0.1") -> str:
    with pytest.raises(Unverified) as caught:
        accounts.sign_in(email, password, address=address)
    return str(caught.value)


def test_the_set_up_token_makes_one_admin_once(accounts: People) -> None:
    token = accounts.setup_token()
    assert token is not None
    made = accounts.set_up(token, " Maud@Wrenfield.Example ", " Maud ", PASSWORD)
    assert (made.email, made.name, made.role) == ("maud@wrenfield.example", "Maud", "admin")
    with pytest.raises(Unverified, match="was used or replaced"):
        accounts.set_up(token, "eve@evil.example", "Eve", PASSWORD)
    assert accounts.setup_token() is None
    assert [each.name for each in accounts.list()] == ["Maud"]


@pytest.mark.parametrize("guess", ["", "x", "ü", "\ud800", "0" * 10_000])
def test_a_guessed_token_makes_nothing(accounts: People, guess: str) -> None:
    accounts.setup_token()
    with pytest.raises(Unverified):
        accounts.set_up(guess, "eve@evil.example", "Eve", PASSWORD)
    assert accounts.list() == ()


def test_a_newer_token_ends_the_older(accounts: People) -> None:
    old, new = accounts.setup_token(), accounts.setup_token()
    with pytest.raises(Unverified):
        accounts.set_up(old or "", "eve@evil.example", "Eve", PASSWORD)
    assert accounts.set_up(new or "", "maud@wrenfield.example", "Maud", PASSWORD).role == "admin"


def test_a_mistyped_form_does_not_use_the_token_up(accounts: People) -> None:
    token = accounts.setup_token() or ""
    with pytest.raises(BadInput):
        accounts.set_up(token, "maud@wrenfield.example", "Maud", "short")
    assert accounts.set_up(token, "maud@wrenfield.example", "Maud", PASSWORD).name == "Maud"


def test_of_many_who_use_one_token_at_once_one_gets_in(accounts: People) -> None:
    token = accounts.setup_token() or ""

    def enter(number: int) -> bool:
        try:
            accounts.set_up(token, f"p{number}@wrenfield.example", "P", PASSWORD)
        except Unverified:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(enter, range(6))) == 1
    assert len(accounts.list()) == 1


def test_neither_tokens_nor_passwords_are_stored(accounts: People, database: Database) -> None:
    setup = accounts.setup_token() or ""
    accounts.set_up(setup, "maud@wrenfield.example", "Maud", PASSWORD)
    token = accounts.sign_in("maud@wrenfield.example", PASSWORD, address="10.0.0.1")
    with database.read() as connection:
        rows = [str(row) for table in (notes, people, sessions) for row in connection.execute(select(table))]
        stored = connection.scalar(select(people.c.password))
    assert not any(secret in row for row in rows for secret in (setup, token, PASSWORD))
    assert str(stored).startswith("$argon2id$v=19$m=19456,t=2,p=1$")


@pytest.mark.parametrize(
    ("email", "name", "password", "said"),
    [
        ("maud", "Maud", PASSWORD, "e-mail address"),
        ("maud@wrenfield", "Maud", PASSWORD, "e-mail address"),
        ("a@b@c.example", "Maud", PASSWORD, "e-mail address"),
        ("maud @wrenfield.example", "Maud", PASSWORD, "e-mail address"),
        ("a" * 65 + "@wrenfield.example", "Maud", PASSWORD, "e-mail address"),
        ("maud@" + "w" * 300 + ".example", "Maud", PASSWORD, "e-mail address"),
        ("maud@wrenfield.example\nBcc: x@y.example", "Maud", PASSWORD, "e-mail address"),
        ("maud\x00@wrenfield.example", "Maud", PASSWORD, "e-mail address"),
        ("maud\ud800@wrenfield.example", "Maud", PASSWORD, "e-mail address"),
        ("maud@wrenfield.example", "  ", PASSWORD, "a name has"),
        ("maud@wrenfield.example", "M" * 121, PASSWORD, "a name has"),
        ("maud@wrenfield.example", "Ma\x00ud", PASSWORD, "a name has"),
        ("maud@wrenfield.example", "Ma\ud800ud", PASSWORD, "a name has"),
        ("maud@wrenfield.example", "Maud", "", "at least 10 characters, this one has 0"),
        ("maud@wrenfield.example", "Maud", "ninechars", "this one has 9"),
        ("maud@wrenfield.example", "Maud", "x" * 1_001, "password has"),
        ("maud@wrenfield.example", "Maud", "ten\ud800 letters", "password has"),
    ],
)
def test_what_an_account_needs(accounts: People, email: str, name: str, password: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        accounts.add(email, name, "agent", password)
    assert accounts.list() == ()


def test_an_address_has_one_account_in_any_spelling(accounts: People, maud: str) -> None:
    with pytest.raises(Conflict) as caught:
        accounts.add(" MAUD@wrenfield.example", "Other", "agent", PASSWORD)
    assert caught.value.code == "known_address"


def test_of_many_who_add_one_address_one_does(accounts: People) -> None:
    def add(_: int) -> bool:
        try:
            accounts.add("edie@wrenfield.example", "Edie", "agent", PASSWORD)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(add, range(4))) == 1


def test_signing_in_and_out(accounts: People, maud: str) -> None:
    token = accounts.sign_in(" Maud@WRENFIELD.example", PASSWORD, address="10.0.0.1")
    session = accounts.by_session(token)
    assert session is not None
    assert session.person.name == "Maud"
    other = accounts.by_session(accounts.sign_in(maud, PASSWORD, address="10.0.0.1"))
    assert other is not None
    assert other.csrf != session.csrf
    accounts.sign_out(token)
    assert accounts.by_session(token) is None


def test_unknown_wrong_and_locked_sound_the_same(accounts: People, maud: str, clock: Clock) -> None:
    said = {refusal(accounts, "nobody@wrenfield.example", PASSWORD, "10.0.0.9"), refusal(accounts, maud, "wrong one!")}
    for _ in range(FREE_TRIES):
        said.add(refusal(accounts, maud, "wrong one!"))
    said.add(refusal(accounts, maud, PASSWORD))
    assert len(said) == 1


@pytest.mark.parametrize("email", ["", "\x00", "\ud800", "a" * 5_000 + "@x.example", "maud", "' OR 1=1 --", "%"])
def test_hostile_names_and_passwords_are_refused_like_any_other(
    accounts: People, maud: str, clock: Clock, email: str
) -> None:
    usual = refusal(accounts, "nobody@wrenfield.example", "wrong", "10.0.0.2")
    for password in ("", "\x00", "\ud800", "x" * 100_000, PASSWORD):
        clock.pass_(seconds=LONGEST_DELAY_S)
        assert refusal(accounts, email, password) == usual


def test_delays_begin_after_the_free_tries_and_double_to_a_limit(accounts: People, maud: str, clock: Clock) -> None:
    for _ in range(FREE_TRIES):
        refusal(accounts, maud, "wrong one!")
    for delay_s in (2, 4, 8, 16, 32, 64, 128, 256, LONGEST_DELAY_S, LONGEST_DELAY_S):
        refusal(accounts, maud, "wrong one!")
        clock.pass_(seconds=delay_s - 0.5)
        refusal(accounts, maud, PASSWORD)
        clock.pass_(seconds=0.5)
    assert accounts.sign_in(maud, PASSWORD, address="10.0.0.1")
    refusal(accounts, maud, "wrong one!")
    assert accounts.sign_in(maud, PASSWORD, address="10.0.0.1")


def test_an_address_that_tries_many_accounts_is_slowed_too(accounts: People, maud: str) -> None:
    for number in range(FREE_TRIES + 1):
        refusal(accounts, f"p{number}@wrenfield.example", "wrong one!", "10.6.6.6")
    refusal(accounts, maud, PASSWORD, "10.6.6.6")
    assert accounts.sign_in(maud, PASSWORD, address="10.0.0.1")


def test_failures_at_the_same_moment_are_all_counted(accounts: People, maud: str, clock: Clock) -> None:
    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(lambda _: refusal(accounts, maud, "wrong one!"), range(8)))
    assert len(set(said)) == 1
    clock.pass_(seconds=1.5)
    refusal(accounts, maud, PASSWORD)


def test_a_session_ends_after_its_time_and_with_its_account(accounts: People, maud: str, clock: Clock) -> None:
    accounts.add("edie@wrenfield.example", "Edie", "agent", PASSWORD)
    token = accounts.sign_in(maud, PASSWORD, address="10.0.0.1")
    edies = accounts.sign_in("edie@wrenfield.example", PASSWORD, address="10.0.0.1")
    accounts.remove("Edie@wrenfield.example")
    assert accounts.by_session(edies) is None
    clock.pass_(seconds=SESSION.total_seconds() - 1)
    assert accounts.by_session(token) is not None
    clock.pass_(seconds=1)
    assert accounts.by_session(token) is None


@pytest.mark.parametrize("token", ["", "x", "\ud800", "0" * 100_000])
def test_a_made_up_session_is_nobodys(accounts: People, maud: str, token: str) -> None:
    assert accounts.by_session(token) is None
    accounts.sign_out(token)


def test_the_last_admin_stays(accounts: People, maud: str) -> None:
    accounts.add("edie@wrenfield.example", "Edie", "agent", PASSWORD)
    with pytest.raises(Conflict, match="last admin; make another one first") as caught:
        accounts.remove(maud)
    assert caught.value.code == "last_admin"
    accounts.add("pip@wrenfield.example", "Pip", "admin", PASSWORD)
    accounts.remove(maud)
    with pytest.raises(NotFound):
        accounts.remove(maud)
    assert [each.name for each in accounts.list()] == ["Edie", "Pip"]


def test_two_admins_who_remove_each_other_at_once_leave_one(accounts: People, maud: str) -> None:
    for round_ in range(5):
        accounts.add(f"pip{round_}@wrenfield.example", "Pip", "admin", PASSWORD)
        emails = [each.email for each in accounts.list() if each.role == "admin"]

        def end(email: str) -> None:
            try:
                accounts.remove(email)
            except Conflict:
                return

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(end, emails))
        assert sum(each.role == "admin" for each in accounts.list()) == 1
