# SPDX-License-Identifier: GPL-3.0-or-later
"""As much of a controller's REST API as controller.yml needs, on loopback. For our own templating only.

It stores and returns what it receives, so a second run without a change shows that our data is the same twice,
and not that AWX keeps it so. It refuses what AWX is known to refuse: a survey it cannot store, a reference to nothing,
an instance group for a node whose template does not ask for it. It hides secrets as AWX does, and fills in what AWX
fills in of a webhook. Nothing runs here. What a real controller does with the objects, test_controller.py of
tests/integration asks one, where there is one.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.controller.surveys import spec_problem

Thing = dict[str, Any]
TOKEN = "a-token-of-the-fake"
ENCRYPTED = "$encrypted$"
# What AWX calls an object of a kind, where it is not the kind's name without its last letter.
TYPES = {"inventories": "inventory", "inventory_sources": "inventory_source"}
# Which kinds can be started, hence be a node's or a schedule's template.
STARTED = ("job_templates", "workflow_job_templates", "projects", "inventory_sources", "workflow_approval_templates")
ROLES = {
    "job_templates": ("admin_role", "execute_role", "read_role"),
    "workflow_job_templates": ("admin_role", "execute_role", "read_role", "approval_role"),
}
# Fields of new objects that were not given.
FILLED_IN = {
    "inventories": {"kind": "", "host_filter": None},
    "projects": {"scm_revision": ""},
    "job_templates": {"survey_spec": {}},
    "workflow_job_templates": {"survey_spec": {}},
}
WEBHOOK = {"username": "", "password": "", "headers": {}, "disable_ssl_verification": False, "http_method": "POST"}


class Refused(Exception):
    """An answer that is no success: status and body."""

    def __init__(self, status: int, **body: Any) -> None:
        super().__init__(status, body)
        self.status, self.body = status, body


class FakeController:
    """A controller's objects, served on a free port from ``with`` on until its end."""

    def __init__(self) -> None:
        self.things: dict[str, dict[int, Thing]] = {}
        self.links: dict[tuple[str, int, str], list[int]] = {}
        # What has changed something: method and path, in order.
        self.changes: list[str] = []
        self._lock = threading.Lock()
        self._number = 0

    def __enter__(self) -> FakeController:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_args: Any) -> None:
                """Log nothing."""

            def answer(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or "{}")
                try:
                    if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                        raise Refused(401, detail="Authentication credentials were not provided.")
                    status, found = fake.answer(self.command, self.path, body)
                except Refused as refused:
                    status, found = refused.status, refused.body
                data = b"" if found is None else json.dumps(found).encode()
                self.send_response(status)
                self.send_header("X-API-Product-Name", "AWX")
                self.send_header("X-API-Product-Version", "24.6.1")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_error: Any) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def names(self, kind: str) -> list[str]:
        """Return the names of a kind's objects, or the identifiers of nodes, in the order of their making."""
        return [thing.get("identifier") or thing["name"] for thing in self.things.get(kind, {}).values()]

    def named(self, kind: str, name: str) -> Thing:
        """Return the one object of that name."""
        (thing,) = (thing for thing in self.things[kind].values() if thing.get("name") == name)
        return thing

    def linked(self, kind: str, thing: Thing, link: str) -> list[str]:
        """Return the names of what an object is linked with."""
        target = "workflow_job_template_nodes" if link.endswith("_nodes") else link
        target = "notification_templates" if link.startswith("notification") else target
        found = self.links.get((kind, thing["id"], link), [])
        return [self.things[target][one].get("identifier") or self.things[target][one]["name"] for one in found]

    def answer(self, method: str, path: str, body: Thing) -> tuple[int, Any]:
        """Return status and body for a request. Raises Refused."""
        parts = urlsplit(path)
        kind, *rest = parts.path.removeprefix("/api/v2/").strip("/").split("/")
        with self._lock:
            if method != "GET":
                self.changes.append(f"{method} {parts.path}")
            if not rest:
                return self._of_kind(method, kind, dict(parse_qsl(parts.query)), body)
            thing = self.things.get(kind, {}).get(int(rest[0]))
            if thing is None:
                raise Refused(404, detail="Not found.")
            if len(rest) == 1:
                if method == "PATCH":
                    self._put(kind, thing, body)
                return 200, self._shown(kind, thing)
            return self._of_thing(method, kind, thing, rest[1], body)

    def _of_kind(self, method: str, kind: str, query: Thing, body: Thing) -> tuple[int, Any]:
        if method == "POST":
            return 201, self._shown(kind, self._make(kind, body))
        found = [self._shown(of_kind, thing) for of_kind, thing in self._searched(kind) if fits(thing, query)]
        return 200, {"count": len(found), "next": None, "results": found}

    def _of_thing(self, method: str, kind: str, thing: Thing, part: str, body: Thing) -> tuple[int, Any]:
        if part == "survey_spec":
            if method == "POST" and (problem := spec_problem(body)):
                raise Refused(400, error=problem)
            if method != "GET":
                thing["survey_spec"] = body if method == "POST" else {}
            return 200, thing["survey_spec"]
        if part == "create_approval_template":
            template = self._make("workflow_approval_templates", body)
            thing["unified_job_template"] = template["id"]
            return 201, self._shown("workflow_approval_templates", template)
        if part == "update":
            return 202, {"id": self._next(), "status": "pending"}
        return self._of_link(method, kind, thing, part, body)

    def _of_link(self, method: str, kind: str, thing: Thing, link: str, body: Thing) -> tuple[int, Any]:
        known = self.links.setdefault((kind, thing["id"], link), [])
        if method == "GET":
            return 200, {"count": len(known), "next": None, "results": [{"id": one} for one in known]}
        if body.get("disassociate"):
            known.remove(body["id"])
            return 204, None
        if kind == "workflow_job_template_nodes" and link == "instance_groups":
            template = self.things["job_templates"].get(thing.get("unified_job_template"), {})
            if not template.get("ask_instance_groups_on_launch"):
                raise Refused(400, msg="Related template is not configured to accept instance groups on launch.")
        known.append(body["id"])
        return 204, None

    def _searched(self, kind: str) -> Iterator[tuple[str, Thing]]:
        for of_kind in STARTED if kind == "unified_job_templates" else (kind,):
            yield from ((of_kind, thing) for thing in self.things.get(of_kind, {}).values())

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _make(self, kind: str, body: Thing) -> Thing:
        thing = {"id": self._next(), **FILLED_IN.get(kind, {})}
        if kind in ROLES:
            thing["roles"] = {role: self._make("roles", {"name": role})["id"] for role in ROLES[kind]}
        self._put(kind, thing, body)
        self.things.setdefault(kind, {})[thing["id"]] = thing
        return thing

    def _put(self, kind: str, thing: Thing, body: Thing) -> None:
        template = body.get("unified_job_template")
        if template is not None and not any(template in self.things.get(one, {}) for one in STARTED):
            raise Refused(400, unified_job_template=[f'Invalid pk "{template}" - object does not exist.'])
        thing.update(body)
        if kind == "notification_templates":
            thing["notification_configuration"] = {**WEBHOOK, **thing["notification_configuration"]}

    def _shown(self, kind: str, thing: Thing) -> Thing:
        """Return an object as the API shows it."""
        url = f"/api/v2/{kind}/{thing['id']}/"
        related = {part: f"{url}{part}/" for part in ("survey_spec", "update")}
        if kind == "workflow_job_template_nodes" and thing.get("unified_job_template"):
            (of_kind,) = (one for one in STARTED if thing["unified_job_template"] in self.things.get(one, {}))
            related["unified_job_template"] = f"/api/v2/{of_kind}/{thing['unified_job_template']}/"
        roles = {role: {"id": number} for role, number in thing.get("roles", {}).items()}
        shown = {"type": TYPES.get(kind, kind[:-1]), **thing, "url": url, "related": related}
        if kind == "credentials":
            fields = self.things["credential_types"][thing["credential_type"]]["inputs"]["fields"]
            secret = {field["id"] for field in fields if field.get("secret")}
            inputs = thing.get("inputs", {})
            shown["inputs"] = {key: ENCRYPTED if key in secret and value else value for key, value in inputs.items()}
        return {**shown, "summary_fields": {"object_roles": roles}}


def fits(thing: Thing, query: Thing) -> bool:
    """Return whether an object is one of those that a list's query asks for."""
    wanted = {key: value for key, value in query.items() if not key.startswith("or__")}
    either = {key.removeprefix("or__"): value for key, value in query.items() if key.startswith("or__")}
    return all(str(thing.get(key)) == value for key, value in wanted.items()) and (
        not either or any(str(thing.get(key)) == value for key, value in either.items())
    )
