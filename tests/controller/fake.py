# SPDX-License-Identifier: GPL-3.0-or-later
"""As much of a controller's REST API as controller.yml needs, on loopback. For our own templating only.

It stores and returns what it receives, and applies the rules of the real server (24.6.1) that decided something:

survey                  JobTemplateSurveySpec._validate_spec_data (awx/api/views): see surveys.py
a reference to nothing  "Invalid pk", as Django REST framework's PrimaryKeyRelatedField writes it
instance groups         of a node whose template does not ask for them: refused (awx/api/serializers)
links of nodes          awx/api/views, WorkflowJobTemplateNodeChildrenBaseList.is_valid_relation: a pair is linked once,
                        and in no circle; seen on the server: "Relationship not allowed."
empty secrets           the server drops an empty input of a credential; seen: it was sent again by every run
secrets                 shown as $encrypted$
new objects             filled in with the defaults of the models (awx/main/models), so that a field that was never
                        given can be compared; a schedule is enabled, a webhook has a method
playbooks               a job template's playbook must be in the project's files ("Playbook not found for project.",
                        JobTemplateSerializer.validate), so a project without a successful update refuses all
roles of a team         listed with resource_name and resource_type (RoleSerializer)
imported sources        "never updated" until they are (awx/main/models/unified_jobs.py)
credential types        that are in use take no other inputs (CredentialTypeSerializer.validate)
rights                  organizations, instance groups and credential types are a system administrator's, everything
                        else is that of the organization's administrator; each object says whether the user may edit
                        it (awx/main/access.py, user_capabilities)
gateway                 of Ansible Automation Platform 2.5 and later: the API is at /api/controller/, and organizations
                        and teams are not made or changed there ("Create this resource via the platform ingress.",
                        immutablesharedfields in awx/api)
launch                  of a job template by its named URL, <name>++<organization> (awx/main/utils/named_url_graph.py),
                        variables that its survey does not ask for are ignored (_accept_or_ignore_job_kwargs)

Nothing runs here. What a real controller does with the objects, test_controller.py of tests/integration asks one, where
there is one.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

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
ADMINISTRATORS_ONLY = ("organizations", "instance_groups", "credential_types")
OF_THE_GATEWAY = ("organizations", "teams")
ROLE_NAMES = {"admin_role": "Admin", "approval_role": "Approve", "execute_role": "Execute", "read_role": "Read"}
ASKED = (
    *("credential", "diff_mode", "execution_environment", "forks", "instance_groups", "inventory", "job_slice_count"),
    *("job_type", "labels", "limit", "scm_branch", "skip_tags", "tags", "timeout", "variables", "verbosity"),
)
# Fields of new objects that were not given.
FILLED_IN = {
    "inventories": {"kind": "", "host_filter": None},
    "inventory_sources": {"status": "never updated"},
    "projects": {"scm_revision": "", "status": "successful"},
    "schedules": {"enabled": True},
    "job_templates": {
        **{f"ask_{field}_on_launch": False for field in ASKED},
        **dict.fromkeys(("forks", "timeout", "verbosity"), 0),
        **dict.fromkeys(("job_tags", "limit", "scm_branch", "skip_tags", "start_at_task"), ""),
        **dict.fromkeys(("allow_simultaneous", "become_enabled", "diff_mode", "force_handlers"), False),
        **dict.fromkeys(("prevent_instance_group_fallback", "survey_enabled", "use_fact_cache"), False),
        "job_slice_count": 1,
        "survey_spec": {},
    },
    "workflow_job_templates": {
        **{
            f"ask_{field}_on_launch": False
            for field in ("inventory", "labels", "limit", "scm_branch", "skip_tags", "tags", "variables")
        },
        **dict.fromkeys(("allow_simultaneous", "survey_enabled"), False),
        "survey_spec": {},
    },
}
LINKS = ("success_nodes", "failure_nodes", "always_nodes")
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
        # The number of changes after which every request is answered by a proxy's 502.
        self.gone_after: int | None = None
        # Called with the number of changes after each.
        self.at_change: Callable[[int], None] = lambda _number: None
        self.version, self.has_gateway = "24.6.1", False
        # The token's user, the organizations that it administers, and objects that it may not edit all the same.
        self.user: Thing = {"username": "ann", "is_superuser": True}
        self.administers: set[str] = set()
        self.denied: set[str] = set()
        # The jobs that were started: template and variables.
        self.launched: list[Thing] = []
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
                    is_open = self.path == f"{fake.api}v2/ping/"
                    if not is_open and self.headers.get("Authorization") != f"Bearer {TOKEN}":
                        raise Refused(401, detail="Authentication credentials were not provided.")
                    status, found = fake.answer(self.command, self.path, body)
                except Refused as refused:
                    status, found = refused.status, refused.body
                data = b"" if found is None else json.dumps(found).encode()
                self.send_response(status)
                self.send_header("X-API-Product-Name", "AWX")
                self.send_header("X-API-Product-Version", fake.version)
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
    def api(self) -> str:
        return "/api/controller/" if self.has_gateway else "/api/"

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
        if not parts.path.startswith(f"{self.api}v2/"):
            raise Refused(404, detail="Not found.")
        kind, *rest = parts.path.removeprefix(f"{self.api}v2/").strip("/").split("/")
        with self._lock:
            if self.gone_after is not None and len(self.changes) >= self.gone_after:
                raise Refused(502, detail="Bad Gateway")
            if kind in ("ping", "me"):
                me = {"count": 1, "next": None, "results": [self.user]}
                return 200, me if kind == "me" else {"version": self.version}
            thing = self._found(kind, rest[0]) if rest else None
            self._refuse_without_right(method, kind, thing, rest, body)
            if method != "GET":
                self.changes.append(f"{method} {parts.path}")
                self.at_change(len(self.changes))
            if thing is None:
                return self._of_kind(method, kind, dict(parse_qsl(parts.query)), body)
            if len(rest) == 1:
                if method == "PATCH":
                    self._put(kind, thing, body)
                if method == "DELETE":
                    return 204, self._forget(kind, thing)
                return 200, self._shown(kind, thing)
            return self._of_thing(method, kind, thing, rest[1], body)

    def _found(self, kind: str, which: str) -> Thing:
        """Return the object with this number or named URL. Raises Refused."""
        name, _separator, organization = unquote(which).partition("++")
        for thing in self.things.get(kind, {}).values():
            if str(thing["id"]) == which or (organization and self._path(kind, thing) == (organization, name)):
                return thing
        raise Refused(404, detail="Not found.")

    def _path(self, kind: str, thing: Thing) -> tuple[str, str]:
        own = thing if kind == "organizations" else self.things["organizations"].get(thing.get("organization"), {})
        return own.get("name", ""), thing.get("name", "")

    def _refuse_without_right(self, method: str, kind: str, thing: Thing | None, rest: list[str], body: Thing) -> None:
        if method == "GET" or len(rest) > 1:
            return
        if self.has_gateway and kind in OF_THE_GATEWAY and (thing is None or not body.items() <= thing.items()):
            what = "Creation of this resource is not allowed. Create this resource via the platform ingress."
            raise Refused(403, detail=what if thing is None else "Cannot change shared field.")
        if not self._may_edit(kind, {**body, **(thing or {})}):
            raise Refused(403, detail="You do not have permission to perform this action.")

    def _may_edit(self, kind: str, thing: Thing) -> bool:
        organization, name = self._path(kind, thing)
        if self.user["is_superuser"] or (kind not in ADMINISTRATORS_ONLY and "organization" not in thing):
            return True
        is_own = kind == "organizations" or kind not in ADMINISTRATORS_ONLY
        return is_own and organization in self.administers and name not in self.denied

    def _of_kind(self, method: str, kind: str, query: Thing, body: Thing) -> tuple[int, Any]:
        if method == "POST":
            return 201, self._shown(kind, self._make(kind, body))
        found = [self._shown(of_kind, one) for of_kind, one in self._searched(kind) if self._fits(of_kind, one, query)]
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
        if part == "launch":
            asked = {question["variable"] for question in thing["survey_spec"].get("spec", ())}
            given = {name: value for name, value in body.get("extra_vars", {}).items() if name in asked}
            self.launched.append({"name": thing["name"], **given})
            return 201, {"job": self._next(), "status": "pending"}
        if part == "update":
            thing["status"] = "successful"
            return 202, {"id": self._next(), "status": "pending"}
        if (kind, part) == ("teams", "roles"):
            held = list(self._roles_of(thing))
            return 200, {"count": len(held), "next": None, "results": held}
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
        if kind == "workflow_job_template_nodes" and link in LINKS:
            self._refuse_relation(thing["id"], link, body["id"])
        if body["id"] not in known:
            known.append(body["id"])
        return 204, None

    def _refuse_relation(self, parent: int, link: str, child: int) -> None:
        """Refuse what WorkflowJobTemplateNodeChildrenBaseList.is_valid_relation refuses."""
        kind = "workflow_job_template_nodes"
        others = [self.links.get((kind, parent, other), []) for other in LINKS if other != link]
        if any(child in known for known in others):
            raise Refused(400, Error="Relationship not allowed.")
        reached, new = set(), {child}
        while new:
            reached |= new
            new = {one for node in new for other in LINKS for one in self.links.get((kind, node, other), [])} - reached
        if parent in reached:
            raise Refused(400, Error="Cycle detected.")

    def _forget(self, kind: str, thing: Thing) -> None:
        """Delete an object, and every link to and from it."""
        del self.things[kind][thing["id"]]
        self.links = {
            (of_kind, of, link): [one for one in known if one != thing["id"]]
            for (of_kind, of, link), known in self.links.items()
            if of != thing["id"]
        }

    def _roles_of(self, team: Thing) -> Iterator[Thing]:
        """Return the roles of a team, as its list of roles shows them."""
        for kind, type_name in (("job_templates", "job_template"), ("workflow_job_templates", "workflow_job_template")):
            for thing in self.things.get(kind, {}).values():
                for role, number in thing["roles"].items():
                    if team["id"] in self.links.get(("roles", number, "teams"), []):
                        resource = {"resource_name": thing["name"], "resource_type": type_name}
                        yield {"id": number, "type": "role", "name": ROLE_NAMES[role], "summary_fields": resource}

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
        project = self.things.get("projects", {}).get(body.get("project"), {})
        if kind == "job_templates" and "playbook" in body and project.get("status") != "successful":
            raise Refused(400, playbook=["Playbook not found for project."])
        if kind == "credential_types" and body.get("inputs", thing.get("inputs")) != thing.get("inputs"):
            users = self.things.get("credentials", {}).values()
            if any(one["credential_type"] == thing["id"] for one in users):
                raise Refused(
                    403, detail="Modifications to inputs are not allowed for credential types that are in use"
                )
        thing.update(body)
        if kind == "credentials" and "inputs" in thing:
            thing["inputs"] = {key: value for key, value in thing["inputs"].items() if value != ""}
        if kind == "notification_templates":
            thing["notification_configuration"] = {**WEBHOOK, **thing["notification_configuration"]}

    def _shown(self, kind: str, thing: Thing) -> Thing:
        """Return an object as the API shows it."""
        url = f"{self.api}v2/{kind}/{thing['id']}/"
        related = {part: f"{url}{part}/" for part in ("survey_spec", "update")}
        if kind == "workflow_job_template_nodes" and thing.get("unified_job_template"):
            (of_kind,) = (one for one in STARTED if thing["unified_job_template"] in self.things.get(one, {}))
            related["unified_job_template"] = f"{self.api}v2/{of_kind}/{thing['unified_job_template']}/"
        roles = {role: {"id": number} for role, number in thing.get("roles", {}).items()}
        shown = {"type": TYPES.get(kind, kind[:-1]), **thing, "url": url, "related": related}
        if kind == "credentials":
            of_type = self.things["credential_types"][thing["credential_type"]]
            fields = of_type["inputs"]["fields"]
            secret = {field["id"] for field in fields if field.get("secret")}
            inputs = thing.get("inputs", {})
            shown["inputs"] = {key: ENCRYPTED if key in secret and value else value for key, value in inputs.items()}
        summary: Thing = {"object_roles": roles, "user_capabilities": {"edit": self._may_edit(kind, thing)}}
        if kind == "credentials":
            summary["credential_type"] = {"id": of_type["id"], "name": of_type["name"]}
        if kind == "workflow_job_template_nodes":
            shown |= {link: self.links.get((kind, thing["id"], link), []) for link in LINKS}
            workflow = self.things["workflow_job_templates"][thing["workflow_job_template"]]
            summary["workflow_job_template"] = {"id": workflow["id"], "name": workflow["name"]}
        return {**shown, "summary_fields": summary}

    def _fits(self, kind: str, thing: Thing, query: Thing) -> bool:
        """Return whether an object is one of those that a list's query asks for."""
        wanted = {key: value for key, value in query.items() if not key.startswith("or__")}
        either = {key.removeprefix("or__"): value for key, value in query.items() if key.startswith("or__")}
        workflow = self.things.get("workflow_job_templates", {}).get(thing.get("workflow_job_template"), {})
        related = {
            "organization__name": self._path(kind, thing)[0],
            "workflow_job_template__name": workflow.get("name"),
        }
        values, start, several = {**thing, **related}, "__startswith", "__in"
        sets = {key.removesuffix(several): wanted.pop(key).split(",") for key in [*wanted] if key.endswith(several)}
        prefixes = {key.removesuffix(start): value for key, value in wanted.items() if key.endswith(start)}
        return (
            all(str(values.get(key)).startswith(value) for key, value in prefixes.items())
            and all(str(values.get(key)) in one for key, one in sets.items())
            and all(str(values.get(key)) == value for key, value in wanted.items() if not key.endswith(start))
            and (not either or any(str(values.get(key)) == value for key, value in either.items()))
        )
