"""Every route of the desk × every role, from the application's own list of routes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from bot.console.access import INSIDE, NEEDED, needed
from bot.store.roles import ROLES, Role, at_least
from tests.browser.shop_site import Site, make_site
from tests.console.test_desk import form_token, signed_in

BEFORE_SIGN_IN = {"desk.static", "desk.doors.sign_in", "desk.doors.try_sign_in", "desk.doors.sign_out"} | {
    "desk.doors.set_up",
    "desk.doors.try_set_up",
}
MANAGED = ("people.", "tokens.", "channels.", "audit.")
NAMES: dict[Role, str] = {"viewer": "Vera Wren", "agent": "Arne Wren", "admin": "Adam Wren", "owner": "Olga Wren"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = make_site(tmp_path_factory.mktemp("access"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def desks(site: Site) -> dict[Role, FlaskClient]:
    """One signed-in browser for each role."""
    return {role: signed_in(site, site.add_person(NAMES[role], role)) for role in reversed(ROLES)}


def rules(site: Site) -> list[Rule]:
    return [rule for rule in site.app.url_map.iter_rules() if rule.rule.startswith("/desk")]


def test_every_route_has_a_rule_and_every_rule_a_route(site: Site) -> None:
    inside = {rule.endpoint for rule in rules(site)} - BEFORE_SIGN_IN
    assert all(endpoint.startswith(INSIDE) for endpoint in inside), sorted(inside)
    named = {endpoint.removeprefix(INSIDE) for endpoint in inside}
    assert sorted(named - NEEDED.keys()) == [], "write down in bot.console.access who may open these"
    assert sorted(NEEDED.keys() - named) == [], "these rules belong to no route"
    assert needed("desk.inside.something.new") == "admin"


def test_a_viewer_writes_nothing_and_an_agent_manages_nothing(site: Site) -> None:
    for rule in rules(site):
        if rule.endpoint in BEFORE_SIGN_IN:
            continue
        if (rule.methods or set()) - {"GET", "HEAD", "OPTIONS"}:
            assert needed(rule.endpoint) != "viewer", rule
        if rule.endpoint.removeprefix(INSIDE).startswith(MANAGED):
            assert at_least(needed(rule.endpoint), "admin"), rule


def test_every_route_asks_for_its_role(site: Site, desks: dict[Role, FlaskClient]) -> None:
    wrong = []
    for role in ROLES:
        client = desks[role]
        token = {"X-CSRF-Token": form_token(client.get("/desk/").text)}
        for rule in rules(site):
            if rule.endpoint in BEFORE_SIGN_IN:
                continue
            path = rule.build(
                {name: "1" if name != "id" or "<int:" in rule.rule else "none" for name in rule.arguments}
            )
            assert path is not None
            for method in sorted((rule.methods or set()) & {"GET", "POST", "PUT", "DELETE", "PATCH"}):
                answer = client.open(path[1], method=method, headers=token)
                status = answer.status_code
                answer.close()
                allowed = at_least(role, needed(rule.endpoint))
                if (status == 403) == allowed or status in (401, 500):
                    wrong.append((role, method, rule.rule, status))
    assert wrong == []


def test_a_page_says_who_can_help(desks: dict[Role, FlaskClient]) -> None:
    refused = desks["viewer"].get("/desk/people/")
    assert (refused.status_code, "only an admin may do this" in refused.text) == (403, True)
    token = {"X-CSRF-Token": form_token(desks["viewer"].get("/desk/").text)}
    refused = desks["viewer"].post("/desk/api/conversations/x/take", json={}, headers=token)
    assert refused.json["error"]["code"] == "forbidden"
    assert "ask an admin for the role of an agent" in refused.json["error"]["message"]
    assert "Manage" in desks["viewer"].get("/desk/").text


def test_a_viewer_at_the_desk_is_nobody_to_answer(site: Site, desks: dict[Role, FlaskClient]) -> None:
    for role in ("viewer", "agent"):
        stream = desks[role].get("/desk/api/events", buffered=False)  # type: ignore[index]
        found = next(chunk for chunk in stream.response if b"event: moved" in chunk)
        stream.close()
        assert (b"Wren" in found) == (role == "agent"), found


def test_an_admin_says_who_carries_what(site: Site, desks: dict[Role, FlaskClient]) -> None:
    token = form_token(desks["admin"].get("/desk/").text)

    def post(**form: object) -> int:
        return desks["admin"].post("/desk/people/carries", data={"csrf": token, **form}).status_code

    teams = [each.id for each in site.parts.handoff.plan().teams]
    assert post(name="Arne Wren", capacity="3", teams=teams[:1]) == 303
    assert post(name="Arne Wren", capacity="3", teams=teams[:1]) == 303
    (arne,) = site.parts.handoff.agents(["Arne Wren"])
    assert (arne.capacity, sorted(arne.teams or ())) == (3, teams[:1])
    for wrong in ({"name": "Vera Wren"}, {"capacity": "0"}, {"capacity": "x"}, {"capacity": "101"}, {"teams": "kings"}):
        assert post(**({"name": "Arne Wren"} | wrong)) == 400
    rows = site.parts.desk.audit.listing(what="setting_changed")
    assert [(each.who, each.subject) for each in rows] == [("Adam Wren", "what Arne Wren carries")]
    assert rows[0].after["capacity"] == 3


def test_an_admin_manages_agents_and_an_owner_admins(site: Site, desks: dict[Role, FlaskClient]) -> None:
    def post(who: Role, path: str, **form: str) -> int:
        token = form_token(desks[who].get("/desk/").text)
        return desks[who].post(path, data={"csrf": token, **form}).status_code

    new = {"name": "Pip", "email": "pip@wrenfield.example", "password": "a kettle for Pip"}
    assert post("admin", "/desk/people/add", **new, role="admin") == 403
    assert post("admin", "/desk/people/add", **new, role="king") == 400
    assert post("admin", "/desk/people/add", **new, role="agent") == 303
    assert post("admin", "/desk/people/role", email=new["email"], role="viewer") == 303
    assert post("admin", "/desk/people/role", email=new["email"], role="owner") == 403
    assert post("admin", "/desk/people/remove", email="olga@wrenfield.example") == 403
    assert post("owner", "/desk/people/role", email=new["email"], role="admin") == 303
    assert post("admin", "/desk/people/remove", email=new["email"]) == 403
    assert post("owner", "/desk/people/role", email="olga@wrenfield.example", role="admin") == 409
    assert post("owner", "/desk/people/remove", email=new["email"]) == 303
