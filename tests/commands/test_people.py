"""Verbs of people, and what a fresh installation tells about itself."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path

from bot.settings import Settings
from tests.commands.conftest import Firstline

PASSWORD = "three kettles boil"


def test_adding_listing_and_removing_people(firstline: Firstline) -> None:
    add = ("users", "add", "maud@wrenfield.example", "--name", "Maud", "--role", "admin")
    assert firstline(*add, typed=f"{PASSWORD}\n").err == "Maud can sign in with maud@wrenfield.example"
    assert firstline(*add, typed=f"{PASSWORD}\n").status == 1
    short = firstline("users", "add", "edie@wrenfield.example", "--name", "Edie", typed="short\n")
    assert (short.status, "at least 10 characters" in short.err) == (1, True)
    listed = json.loads(firstline("users", "list", "--json").out)
    assert listed == [{"email": "maud@wrenfield.example", "name": "Maud", "role": "owner"}]
    assert "last owner" in firstline("users", "remove", "maud@wrenfield.example").err
    assert "last owner" in firstline("users", "role", "maud@wrenfield.example", "agent").err
    firstline("users", "add", "pip@wrenfield.example", "--name", "Pip", typed=f"{PASSWORD}\n")
    assert firstline("users", "role", "pip@wrenfield.example", "viewer").err == "Pip is viewer now"
    assert PASSWORD not in str(listed)


def test_the_set_up_link_is_new_each_time_and_ends_with_the_first_account(firstline: Firstline) -> None:
    links = [firstline("users", "setup-link", FIRSTLINE_PUBLIC_URL="https://help.example").out for _ in range(2)]
    assert len(set(links)) == 2
    assert all(re.fullmatch(r"https://help\.example/desk/setup\?token=[\w-]{32}\n", link) for link in links)
    firstline("users", "add", "maud@wrenfield.example", "--name", "Maud", typed=f"{PASSWORD}\n")
    done = firstline("users", "setup-link")
    assert (done.status, done.out) == (1, "")


def test_the_doctor_lists_every_setting(firstline: Firstline) -> None:
    listed = firstline("doctor", "--settings").out.splitlines()[2:]
    for field, line in zip(fields(Settings), listed, strict=True):
        assert line.startswith(f"FIRSTLINE_{field.name.upper()} ")
        assert line.rstrip().endswith(field.metadata["help"])


def test_looking_at_a_fresh_installation_makes_nothing(firstline: Firstline, tmp_path: Path) -> None:
    assert firstline("doctor").status == 1
    assert not (tmp_path / "home").exists()


def test_status_of_what_is_not_running(firstline: Firstline) -> None:
    shown = json.loads(firstline("status", "--json").out)
    assert (shown["web"], shown["release"], shown["documents"], shown["jobs"]) == ("down", None, 0, [])


def test_talking_to_what_is_not_running_says_how_to_start_it(firstline: Firstline) -> None:
    done = firstline("chat", typed="Hello?\n")
    assert (done.status, "start it with `firstline up`" in done.err) == (1, True)
