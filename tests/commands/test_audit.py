"""Verbs of the audit log: listing who did what, and following the chain."""

from __future__ import annotations

import json
from pathlib import Path

import pysqlite3

from tests.commands.conftest import Firstline

PASSWORD = "three kettles boil"


def test_what_was_done_is_listed_and_the_chain_holds(firstline: Firstline) -> None:
    firstline("users", "add", "maud@wrenfield.example", "--name", "Maud", "--role", "admin", typed=f"{PASSWORD}\n")
    firstline("users", "add", "pip@wrenfield.example", "--name", "Pip", typed=f"{PASSWORD}\n")
    firstline("users", "role", "pip@wrenfield.example", "viewer")
    rows = json.loads(firstline("audit", "list", "--json").out)
    assert [(row["number"], row["what"]) for row in rows] == [
        (3, "role_changed"),
        (2, "person_added"),
        (1, "person_added"),
    ]
    assert all("command line" in row["who"] for row in rows)
    assert (rows[0]["before"], rows[0]["after"]) == ({"role": "agent"}, {"role": "viewer"})
    shown = firstline("audit", "list", "--what", "role_changed", "--who", "command").out
    assert "role agent → viewer" in shown
    assert "person added" not in shown
    assert "wrenfield.example" not in firstline("audit", "list", "--json").out
    checked = firstline("audit", "check")
    head = json.loads(checked.out)
    assert (checked.status, head) == (0, {"rows": 3, "head": rows[0]["hash"]})
    firstline("users", "remove", "pip@wrenfield.example")
    assert firstline("audit", "check", "--head", head["head"]).status == 0


def test_a_broken_chain_is_refused_and_the_first_broken_row_named(firstline: Firstline, tmp_path: Path) -> None:
    for name in ("maud", "pip", "edie"):
        firstline("users", "add", f"{name}@wrenfield.example", "--name", name, typed=f"{PASSWORD}\n")
    head = json.loads(firstline("audit", "check").out)["head"]
    connection = pysqlite3.connect(str(tmp_path / "home" / "firstline.sqlite"))
    connection.execute("DROP TRIGGER audit_no_update")
    connection.execute("UPDATE audit SET subject = 'somebody else' WHERE number = 2")
    connection.commit()
    done = firstline("audit", "check")
    assert (done.status, done.out) == (1, "")
    assert "row 2 was changed after it was written. The 1 rows before it hold" in done.err
    connection.execute("DROP TRIGGER audit_no_delete")
    connection.execute("DELETE FROM audit WHERE number > 1")
    connection.commit()
    connection.close()
    assert firstline("audit", "check").status == 0
    assert "noted earlier is not in the chain" in firstline("audit", "check", "--head", head).err
