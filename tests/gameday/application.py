# SPDX-License-Identifier: GPL-3.0-or-later
"""One application process: takes orders over HTTP and stores them where its region's endpoint parameter leads.

It reads the parameter of its own region again and again, resolves the name with the lab's DNS, honours the (scaled)
TTL, and keeps a connection a thread until it breaks or says that the database is read-only. With `follow` it leaves a
connection as soon as the name leads elsewhere.

A connection to a former writer goes on answering reads, from a replica that is behind, so a read asks for that too.

POST /orders {attempt, number, once?}: 201 {region, server}; 503 = not stored; 500 = unknown. GET /orders/<number>: 200,
404, or 503 where the connection is to a replica.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
import time
import urllib.request
from typing import Any

import dns.resolver
import pymysql
import waitress

READ_ONLY = 1290
THREADS = 6


class Endpoint:
    """The writer's address as this process knows it."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings
        self.name: str | None = None
        self.cached: tuple[str, str, float] | None = None  # name, address, end of its TTL
        self.resolver = dns.resolver.Resolver(configure=False)
        host, port = settings["dns"].split(":")
        self.resolver.nameservers, self.resolver.port, self.resolver.lifetime = [host], int(port), 2.0
        threading.Thread(target=self._follow_parameter, daemon=True).start()

    def _follow_parameter(self) -> None:
        while True:
            with contextlib.suppress(OSError, ValueError, KeyError):
                self.name = self._parameter()
            time.sleep(self.settings["parameter_s"])

    def _parameter(self) -> str:
        """GetParameter of this region; a plain request is far smaller than an SDK in each of many processes."""
        region = self.settings["region"]
        now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        scope = f"AWS4-HMAC-SHA256 Credential=lab/{now[:8]}/{region}/ssm/aws4_request, SignedHeaders=host, Signature=0"
        headers = {"X-Amz-Target": "AmazonSSM.GetParameter", "Content-Type": "application/x-amz-json-1.1"}
        body = json.dumps({"Name": self.settings["parameter"]}).encode()
        request = urllib.request.Request(
            self.settings["api"], body, {**headers, "Authorization": scope, "X-Amz-Date": now}
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=2) as answer:
            return json.load(answer)["Parameter"]["Value"].partition(":")[0]

    def address(self) -> str:
        if self.name is None:
            raise OSError("the endpoint parameter has not been read yet")
        if self.cached and self.cached[0] == self.name and time.monotonic() < self.cached[2]:
            return self.cached[1]
        try:
            answer = self.resolver.resolve(self.name, "A")
        except dns.exception.DNSException as error:
            raise OSError(f"{self.name} does not resolve: {error}") from error
        until = time.monotonic() + answer.rrset.ttl / self.settings["scale"]
        self.cached = (self.name, answer[0].address, until)
        return self.cached[1]


class Application:
    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings, self.endpoint, self.own = settings, Endpoint(settings), threading.local()

    def connection(self) -> pymysql.Connection:
        link = getattr(self.own, "link", None)
        if link is not None and self.settings["follow"] and self.endpoint.address() != self.own.address:
            self.drop()
            link = None
        if link is None:
            address = self.endpoint.address()
            link = pymysql.connect(
                host=address,
                port=self.settings["database_port"],
                user="application",
                password="application",
                database="trading",
                bind_address=self.settings["address"],
                autocommit=True,
                connect_timeout=2,
                read_timeout=3,
                write_timeout=3,
            )
            with link.cursor() as cursor:
                cursor.execute("SELECT @@server_id")
                self.own.server = cursor.fetchone()[0]
            self.own.link, self.own.address = link, address
        return link

    def drop(self) -> None:
        link, self.own.link = getattr(self.own, "link", None), None
        if link is not None:
            link._force_close()

    def store(self, order: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        try:
            link = self.connection()
        except (OSError, pymysql.Error) as error:
            self.drop()
            return 503, {"why": str(error)}
        values = (order["attempt"], order["number"], order.get("once"), self.own.server)
        try:
            with link.cursor() as cursor:
                cursor.execute("INSERT INTO orders (attempt, number, once, server) VALUES (%s, %s, %s, %s)", values)
        except pymysql.err.IntegrityError:
            pass  # the same order is stored already
        except pymysql.err.OperationalError as error:
            self.drop()
            is_known = error.args[0] == READ_ONLY
            return (503 if is_known else 500), {"why": str(error)}
        except (pymysql.Error, OSError) as error:
            self.drop()
            return (503 if getattr(error, "args", (0,))[0] == READ_ONLY else 500), {"why": str(error)}
        return 201, {"region": self.settings["region"], "server": self.own.server}

    def find(self, number: str) -> tuple[int, dict[str, Any]]:
        try:
            with self.connection().cursor() as cursor:
                cursor.execute("SELECT COUNT(*), @@read_only FROM orders WHERE number = %s", (number,))
                count, is_replica = cursor.fetchone()
        except (OSError, pymysql.Error) as error:
            self.drop()
            return 503, {"why": str(error)}
        if is_replica:
            self.drop()
            return 503, {"why": f"server {self.own.server} is a replica now"}
        return (200 if count else 404), {"count": count, "server": self.own.server}

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        path = environ["PATH_INFO"]
        if path == "/health":
            status, body = 200, {}
        elif environ["REQUEST_METHOD"] == "POST":
            status, body = self.store(json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))))
        else:
            status, body = self.find(path.rpartition("/")[2])
        data = json.dumps(body).encode()
        words = {200: "OK", 201: "Created", 404: "Not Found", 500: "Internal Server Error", 503: "Service Unavailable"}
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(data)))]
        start_response(f"{status} {words[status]}", headers)
        return [data]


def main() -> None:
    settings = json.loads(os.environ["GAMEDAY_APPLICATION"])
    waitress.serve(Application(settings), host=settings["address"], port=settings["port"], threads=THREADS, _quiet=True)


if __name__ == "__main__":
    sys.exit(main())
