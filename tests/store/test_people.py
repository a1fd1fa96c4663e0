"""Accounts on both databases: one set-up, roles, rules for passwords, one message for every failure, growing delays."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from bot.errors import BadInput, Conflict, Forbidden, NotFound, Unverified
from bot.store.audit import Actor, Audit
from bot.store.database import Database
from bot.store.people import FREE_TRIES, LONGEST_DELAY_S, SESSION, People, actor
from bot.store.roles import ROLES, Role, may_manage
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


def test_the_set_up_token_makes_one_owner_once(accounts: People) -> None:
    token = accounts.setup_token()
    assert token is not None
    made = accounts.set_up(token, " Maud@Wrenfield.Example ", " Maud ", PASSWORD)
    assert (made.email, made.name, made.role) == ("maud@wrenfield.example", "Maud", "owner")
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
    assert accounts.set_up(new or "", "maud@wrenfield.example", "Maud", PASSWORD).role == "owner"


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


def test_the_first_admin_is_the_owner_and_the_last_owner_stays(accounts: People, maud: str) -> None:
    accounts.add("edie@wrenfield.example", "Edie", "admin", PASSWORD)
    assert [(each.name, each.role) for each in accounts.list()] == [("Edie", "admin"), ("Maud", "owner")]
    for end in (lambda: accounts.remove(maud), lambda: accounts.change_role(maud, "admin")):
        with pytest.raises(Conflict, match="last owner; make another one first") as caught:
            end()
        assert caught.value.code == "last_owner"
    assert accounts.change_role("Edie@wrenfield.example", "owner").role == "owner"
    accounts.change_role(maud, "viewer")
    accounts.remove(maud)
    with pytest.raises(NotFound):
        accounts.remove(maud)
    assert [(each.name, each.role) for each in accounts.list()] == [("Edie", "owner")]


@pytest.mark.parametrize("other", ROLES)
@pytest.mark.parametrize("by", ROLES)
def test_who_may_manage_whom(by: Role, other: Role) -> None:
    assert may_manage(by, other) == (by == "owner" or (by == "admin" and other in ("viewer", "agent")))


@pytest.mark.parametrize(("other", "manages"), [("agent", True), ("admin", False)])
def test_an_admin_manages_agents_and_no_admins(accounts: People, other: Role, manages: bool) -> None:
    accounts.add("maud@wrenfield.example", "Maud", "owner", PASSWORD)
    accounts.add("pip@wrenfield.example", "Pip", other, PASSWORD)
    acting = Actor("Edie", 7, "admin")
    attempts = (
        lambda: accounts.add("new@wrenfield.example", "New", other, PASSWORD, by=acting),
        lambda: accounts.change_role("pip@wrenfield.example", other, by=acting),
        lambda: accounts.remove("pip@wrenfield.example", by=acting),
    )
    for attempt in attempts:
        if manages:
            attempt()
        else:
            with pytest.raises(Forbidden, match="only an owner may do this for the role admin; Edie is admin"):
                attempt()
    assert len(accounts.list()) == 2


def test_nobody_is_raised_above_who_raises_them(accounts: People, maud: str) -> None:
    accounts.add("pip@wrenfield.example", "Pip", "agent", PASSWORD)
    for role in ("admin", "owner"):
        with pytest.raises(Forbidden):
            accounts.change_role("pip@wrenfield.example", role, by=Actor("Edie", 7, "admin"))  # type: ignore[arg-type]
    assert accounts.change_role("pip@wrenfield.example", "viewer", by=Actor("Edie", 7, "admin")).role == "viewer"


def test_a_new_role_holds_from_the_next_request_on(accounts: People, maud: str) -> None:
    accounts.add("pip@wrenfield.example", "Pip", "agent", PASSWORD)
    token = accounts.sign_in("pip@wrenfield.example", PASSWORD, address="10.0.0.1")
    accounts.change_role("pip@wrenfield.example", "viewer")
    session = accounts.by_session(token)
    assert session is not None
    assert session.person.role == "viewer"


def test_two_owners_who_remove_each_other_at_once_leave_one(accounts: People, maud: str) -> None:
    for round_ in range(5):
        accounts.add(f"pip{round_}@wrenfield.example", "Pip", "owner", PASSWORD)
        emails = [each.email for each in accounts.list() if each.role == "owner"]

        def end(email: str) -> None:
            try:
                accounts.remove(email)
            except Conflict:
                return

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(end, emails))
        assert sum(each.role == "owner" for each in accounts.list()) == 1


def test_every_change_and_every_sign_in_is_in_the_audit_log(accounts: People, database: Database, clock: Clock) -> None:
    made = accounts.set_up(accounts.setup_token() or "", "maud@wrenfield.example", "Maud", PASSWORD)
    by = actor(made)
    accounts.add("edie@wrenfield.example", "Edie", "agent", PASSWORD, by=by)
    accounts.change_role("edie@wrenfield.example", "viewer", by=by)
    accounts.change_role("edie@wrenfield.example", "viewer", by=by)
    accounts.sign_out(accounts.sign_in("edie@wrenfield.example", PASSWORD, address="10.0.0.1"))
    accounts.sign_out("never there")
    refusal(accounts, "edie@wrenfield.example", "wrong one!")
    refusal(accounts, "secret typed into the wrong box", "wrong one!")
    accounts.remove("edie@wrenfield.example", by=by)
    with pytest.raises(Conflict):
        accounts.remove("maud@wrenfield.example", by=by)
    rows = Audit(database, clock).listing()[::-1]
    edie = rows[1].subject
    assert [(each.what, each.who, each.subject) for each in rows] == [
        ("set_up", "Maud", f"Maud (person {made.id})"),
        ("person_added", "Maud", edie),
        ("role_changed", "Maud", edie),
        ("sign_in", "Edie", edie),
        ("sign_out", "Edie", edie),
        ("sign_in_failed", "somebody who is not signed in", edie),
        ("sign_in_failed", "somebody who is not signed in", "an unknown account"),
        ("person_removed", "Maud", edie),
    ]
    assert (rows[2].before, rows[2].after) == ({"role": "agent"}, {"role": "viewer"})
    assert Audit(database, clock).check().rows == len(rows)
