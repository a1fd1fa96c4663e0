"""Verbs of the audit log: audit check|list."""

from __future__ import annotations

from typing import Annotated

import typer

from bot.commands.common import now, open_bench, out, table, talk
from bot.errors import Refused
from bot.store.audit import Audit

app = typer.Typer(help="The audit log: who did what, and whether its chain holds.", no_args_is_help=True)


@app.command("check")
def check(
    head: Annotated[str, typer.Option(help="The head of an earlier check; it must still be in the chain.")] = "",
) -> None:
    """Follow the chain of hashes from the first row, and name the first row that does not hold."""
    chain = Audit(open_bench().database, now).check(head)
    if chain.broken:
        raise Refused(f"the audit log is broken: {chain.reason}. The {chain.rows:,} rows before it hold")
    talk(f"{chain.rows:,} rows hold; keep the head somewhere else and give it to the next check")
    out({"rows": chain.rows, "head": chain.head})


@app.command("list")
def list_rows(
    who: Annotated[str, typer.Option(help="Only what this person did; a part of the name is enough.")] = "",
    what: Annotated[str, typer.Option(help="Only this kind, such as role_changed.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many rows, the newest first.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON to stdout.")] = False,
) -> None:
    """Who did what on what, the newest first."""
    rows = Audit(open_bench().database, now).listing(who=who, what=what, limit=limit)
    if as_json:
        keys = ("number", "at", "who", "person", "what", "subject", "before", "after", "hash")
        out([{key: getattr(row, key) for key in keys} for row in rows])
        return
    shown: list[tuple[object, ...]] = [
        (
            row.number,
            f"{row.at:%Y-%m-%d %H:%M:%S}",
            row.who,
            row.what.replace("_", " "),
            row.subject,
            changed(row.before, row.after),
        )
        for row in rows
    ]
    table("Audit log", ("row", "when (UTC)", "who", "what", "on", "change"), shown)


def changed(before: dict[str, object], after: dict[str, object]) -> str:
    """What changed, on one line: `role agent → viewer`."""
    keys = dict.fromkeys((*before, *after))
    return ", ".join(
        f"{key} {before[key]} → {after[key]}"
        if key in before and key in after
        else f"{key} {after.get(key, before.get(key))}"
        for key in keys
    )
