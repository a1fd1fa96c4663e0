"""Verbs of people: users add|list|role|remove|setup-link."""

from __future__ import annotations

import getpass
import sys
from typing import Annotated

import typer

from bot.commands.common import open_bench, out, table, talk, who
from bot.errors import Refused
from bot.store.audit import Actor
from bot.store.people import People
from bot.store.roles import Role

users_app = typer.Typer(help="The people of the desk.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    app.add_typer(users_app, name="users")


def _people() -> People:
    bench = open_bench()
    return People(bench.database, bench.library.clock)


@users_app.command("add")
def add(
    email: str,
    name: Annotated[str, typer.Option(help="Name that customers see.")],
    role: Annotated[Role, typer.Option(help="What they may do; the first admin becomes the owner.")] = "agent",
) -> None:
    """Add somebody; the password is asked for, or read from stdin when that is no terminal."""
    password = getpass.getpass("Password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    person = _people().add(email, name, role, password, by=Actor(who()))
    talk(f"{person.name} can sign in with {person.email}")


@users_app.command("list")
def list_people(as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """Who can sign in to the desk."""
    found = _people().list()
    if as_json:
        out([{"email": each.email, "name": each.name, "role": each.role} for each in found])
        return
    table("People", ("name", "e-mail", "role"), [(each.name, each.email, each.role) for each in found])


@users_app.command("role")
def change_role(email: str, role: Role) -> None:
    """Give somebody another role; there is always an owner."""
    person = _people().change_role(email, role, by=Actor(who()))
    talk(f"{person.name} is {person.role} now")


@users_app.command("remove")
def remove(email: str) -> None:
    """End somebody's account and sessions."""
    _people().remove(email, by=Actor(who()))
    talk(f"{email} can no longer sign in")


@users_app.command("setup-link")
def setup_link() -> None:
    """A fresh one-time link that makes the first account."""
    token = _people().setup_token()
    if token is None:
        raise Refused("there is an account already; an admin adds further people")
    sys.stdout.write(f"{open_bench().settings.address}/desk/setup?token={token}\n")
