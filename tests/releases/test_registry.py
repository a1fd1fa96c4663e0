"""Releases on disk: atomic, content-addressed, checked, and never half a step from the old state."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.errors import BadRelease, NotFound, Refused
from bot.releases.registry import KEPT_BACK, Registry
from bot.store.audit import Audit
from bot.store.database import Database
from tests.conftest import Clock

Make = Callable[[str], str]

CRASH = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from bot.releases.registry import Registry

replace = os.replace
def die(source, target):
    if Path(target).name == "current.json":
        if sys.argv[3] == "after":
            replace(source, target)
        os._exit(9)
    replace(source, target)
os.replace = die
Registry(Path(sys.argv[1]), lambda: datetime.now(UTC)).promote(sys.argv[2], by="crash")
"""


def test_a_release_names_every_file_with_its_hash(registry: Registry, plain: Make) -> None:
    manifest = registry.manifest(plain("one"))
    assert sorted(manifest.parts) == ["encoder", "intents", "knowledge", "router"]
    assert len(manifest.files) == 4
    assert all(len(sha) == 64 and (registry.folder / path).is_file() for path, sha in manifest.files.items())


def test_the_same_content_is_the_same_release_and_kept_once(registry: Registry, plain: Make) -> None:
    assert plain("one") == plain("one") != plain("two")
    assert len(list((registry.folder / "parts").iterdir())) == 8
    assert not any((registry.folder / "staging").iterdir())


def test_making_a_release_does_not_promote_it(registry: Registry, plain: Make) -> None:
    plain("one")
    assert registry.current_id() is None
    assert registry.history() == ()


@pytest.mark.parametrize(("moment", "live"), [("before", "old"), ("after", "new")])
def test_the_pointer_survives_a_crash_around_the_replace(
    registry: Registry, plain: Make, moment: str, live: str
) -> None:
    ids = {"old": plain("old"), "new": plain("new")}
    registry.promote(ids["old"], by="test")
    died = subprocess.run([sys.executable, "-c", CRASH, str(registry.folder), ids["new"], moment], check=False)
    assert died.returncode == 9
    assert registry.current_id() == ids[live]
    registry.verify(registry.manifest(ids[live]))
    registry.promote(ids["new"], by="test")
    assert registry.current_id() == ids["new"]


def first_file(registry: Registry, id: str) -> Path:
    return registry.folder / sorted(registry.manifest(id).files)[0]


def corrupt(file: Path) -> None:
    file.write_bytes(b"\0" * file.stat().st_size)


def lose(file: Path) -> None:
    file.unlink()


def slip_in(file: Path) -> None:
    (file.parent / "slipped_in.bin").write_bytes(b"not of the release")


@pytest.mark.parametrize(
    ("damage", "named"),
    [(corrupt, "content.txt has sha256"), (lose, "content.txt is missing"), (slip_in, "slipped_in.bin")],
)
def test_a_damaged_part_is_a_bad_release_that_names_the_file(
    registry: Registry, plain: Make, damage: Callable[[Path], None], named: str
) -> None:
    old, new = plain("old"), plain("new")
    registry.promote(old, by="test")
    damage(first_file(registry, new))
    with pytest.raises(BadRelease, match=named):
        registry.promote(new, by="test")
    assert registry.current_id() == old
    assert [each["id"] for each in registry.history()] == [old]


def test_publishing_again_repairs_a_damaged_part(registry: Registry, plain: Make) -> None:
    id = plain("one")
    corrupt(first_file(registry, id))
    assert plain("one") == id
    registry.promote(id, by="test")
    assert first_file(registry, id).read_text() == "encoder: one"


def test_a_damaged_part_does_not_get_into_a_new_manifest(registry: Registry, plain: Make) -> None:
    parts = dict(registry.manifest(plain("one")).parts)
    corrupt(registry.part(parts["router"]) / "content.txt")
    with pytest.raises(BadRelease, match=f"{parts['router']} does not hold what its name says; build the router again"):
        registry.create(parts, note="again")


def test_a_release_has_all_its_parts(registry: Registry, plain: Make) -> None:
    parts = dict(registry.manifest(plain("one")).parts)
    del parts["router"]
    with pytest.raises(BadRelease, match=r"got encoder, intents, knowledge$"):
        registry.create(parts, note="incomplete")


@pytest.mark.parametrize(
    "written",
    [b"", b"{", b"[]", b"null", b'{"id": "x"}', b"\xff\xfe", b'{"id":"ID","created_at":"","parts":["a"],"files":{}}'],
)
def test_what_is_no_manifest_is_told_so_and_left_out_of_the_list(
    registry: Registry, plain: Make, written: bytes
) -> None:
    id, other = plain("one"), plain("two")
    path = registry.folder / id / "manifest.json"
    path.write_bytes(written.replace(b"ID", id.encode()))
    with pytest.raises(BadRelease, match="is not a manifest"):
        registry.manifest(id)
    assert [each.id for each in registry.list()] == [other]


def test_a_manifest_moved_under_another_id_is_refused(registry: Registry, plain: Make) -> None:
    one, two = plain("one"), plain("two")
    path = registry.folder / two / "manifest.json"
    path.write_bytes((registry.folder / one / "manifest.json").read_bytes())
    with pytest.raises(BadRelease, match=one):
        registry.manifest(two)


@pytest.mark.parametrize("id", ["r-0000000000", "", "../../etc", "r-0000000000/../..", "parts", "R-0000000000"])
def test_an_unknown_release_is_told_with_those_there_are(registry: Registry, plain: Make, id: str) -> None:
    known = plain("one")
    for ask in (registry.manifest, lambda id: registry.promote(id, by="test")):
        with pytest.raises(NotFound, match=f"there are: {known}"):
            ask(id)


def test_rolling_back_goes_back_step_by_step_and_ends(registry: Registry, plain: Make) -> None:
    ids = [plain(name) for name in ("one", "two", "three")]
    for id in ids:
        registry.promote(id, by="test")
    assert registry.rollback(by="Maud") == ids[1]
    assert registry.rollback(by="Maud") == ids[0] == registry.current_id()
    with pytest.raises(Refused, match="no earlier release"):
        registry.rollback(by="Maud")
    assert registry.current_id() == ids[0]
    newest = registry.history()[0]
    assert (newest["id"], newest["by"], newest["reason"]) == (ids[0], "Maud", f"rolled back from {ids[1]}")


def test_rolling_back_to_a_damaged_release_changes_nothing(registry: Registry, plain: Make) -> None:
    old, new = plain("old"), plain("new")
    registry.promote(old, by="test")
    registry.promote(new, by="test")
    lose(first_file(registry, old))
    with pytest.raises(BadRelease, match="is missing"):
        registry.rollback(by="test")
    assert registry.current_id() == new


def test_promoting_the_live_release_again_is_no_step_to_go_back_to(registry: Registry, plain: Make) -> None:
    old, new = plain("old"), plain("new")
    for id in (old, new, new):
        registry.promote(id, by="test")
    assert registry.rollback(by="test") == old


def test_the_pointer_remembers_a_bounded_number_of_releases(registry: Registry, plain: Make) -> None:
    for number in range(KEPT_BACK + 5):
        registry.promote(plain(str(number)), by="test")
    assert len(json.loads((registry.folder / "current.json").read_bytes())["before"]) == KEPT_BACK


def test_the_history_says_who_when_and_whether_forced(registry: Registry, plain: Make, clock: Clock) -> None:
    one, two = plain("one"), plain("two")
    registry.promote(one, by="Maud", reason="first release")
    clock.pass_(hours=1)
    registry.promote(two, by="Edie", forced=True, reason="forced")
    newest, oldest = registry.history()
    assert (newest["id"], newest["by"], newest["forced"], newest["at"]) == (two, "Edie", True, clock().isoformat())
    assert (oldest["id"], oldest["by"], oldest["forced"], oldest["reason"]) == (one, "Maud", False, "first release")


def test_a_history_line_cut_by_a_crash_costs_that_line_only(registry: Registry, plain: Make) -> None:
    registry.promote(plain("one"), by="test")
    with open(registry.folder / "history.jsonl", "a") as file:
        file.write('{"at": "2026-')
    registry.promote(plain("two"), by="test")
    assert [each["id"] for each in registry.history()] == [plain("two"), plain("one")]


@pytest.mark.parametrize("written", [b"", b"{", b"null", b"[]", b'{"id": "r-0000000000"}', b"\xff"])
def test_promoting_writes_a_damaged_pointer_anew(registry: Registry, plain: Make, written: bytes) -> None:
    id = plain("one")
    (registry.folder / "current.json").write_bytes(written)
    with pytest.raises(BadRelease, match=r"current.json is not a pointer: .*`firstline releases promote ID`"):
        registry.current_id()
    registry.promote(id, by="test")
    assert registry.current_id() == id


def test_a_release_knows_what_it_followed_and_never_itself(registry: Registry, plain: Make, clock: Clock) -> None:
    one = plain("one")
    registry.promote(one, by="test")
    clock.pass_(seconds=1)
    two = plain("two")
    assert registry.manifest(two).parent == one
    assert [each.id for each in registry.list()] == [two, one]
    plain("one")
    assert registry.manifest(one).parent == ""


def test_one_publisher_at_a_time(registry: Registry) -> None:
    waiting = "import sys\nfrom bot.releases.registry import Registry\nfrom pathlib import Path\n"
    waiting += "with Registry(Path(sys.argv[1]), lambda: None).lock():\n    print('held', flush=True)\n"
    with registry.lock():
        other = subprocess.Popen([sys.executable, "-c", waiting, str(registry.folder)], stdout=subprocess.PIPE)
        with pytest.raises(subprocess.TimeoutExpired):
            other.wait(1.5)
    out, _ = other.communicate(timeout=30)
    assert out == b"held\n"


def test_what_goes_live_stands_in_the_audit_log(registry: Registry, plain: Make, clock: Clock) -> None:
    database = Database.open(f"sqlite:///{registry.folder.parent / 'audit.sqlite'}")
    audit = Audit(database, clock)
    watched = Registry(registry.folder, clock, audit=audit)
    first, second = plain("one"), plain("two")
    watched.promote(first, by="Maud")
    watched.promote(second, by="Edie", forced=True)
    watched.rollback(by="Maud")
    with pytest.raises(Refused):
        watched.rollback(by="Maud")
    told = [(row.what, row.who, row.subject, row.before, row.after) for row in audit.listing()[::-1]]
    database.close()
    assert told == [
        ("release_promoted", "Maud", first, {}, {"forced": False}),
        ("release_promoted", "Edie", second, {"release": first}, {"forced": True}),
        ("release_promoted", "Maud", first, {"release": second}, {"forced": False}),
    ]
