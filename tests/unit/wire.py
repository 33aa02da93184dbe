# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""An endpoint of AWS on a real socket, for what only a socket shows: how slowly an answer arrives."""

from __future__ import annotations

import http.server
import threading
import time

XML = (
    b"<R xmlns='http://sns.amazonaws.com/doc/2010-03-31/'><PublishResult><MessageId>1</MessageId></PublishResult>"
    b"<ListTopicsResult><Topics/></ListTopicsResult></R>"
)


class Endpoint:
    """Answers every request alike; ``url`` is where.

    answers: what is left to be answered: (body, seconds between two bytes); the last one for ever.
    requests: the operations or paths that were requested. signers: the access keys that
    signed them. head_pace: seconds between two bytes of the head.
    """

    def __init__(self, *answers, head_pace=0.0):
        self.answers, self.head_pace = list(answers or [(XML, 0.0)]), head_pace
        self.requests, self.signers = [], []
        endpoint = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def respond(self):
                asked = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                endpoint.requests.append(asked or self.path)
                signature = self.headers.get("Authorization", "")
                endpoint.signers.append(signature.partition("Credential=")[2].partition("/")[0])
                body, pace = endpoint.answers.pop(0) if len(endpoint.answers) > 1 else endpoint.answers[0]
                head = f"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: {len(body)}\r\n\r\n".encode()
                try:
                    self.drip(head, endpoint.head_pace)
                    self.drip(body, pace)
                except OSError:
                    self.close_connection = True

            do_GET = do_POST = do_PUT = respond

            def drip(self, data, pace):
                for piece in [data[i : i + 1] for i in range(len(data))] if pace else [data]:
                    self.wfile.write(piece)
                    self.wfile.flush()
                    time.sleep(pace)

            def log_message(self, *_arguments):
                """Log nothing."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self._server.shutdown()
        self._server.socket.close()
