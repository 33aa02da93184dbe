# SPDX-License-Identifier: GPL-3.0-or-later
"""Appends a line for each answer that botocore receives to <process id>.jsonl in a folder. No values are written.

A line: operation, client (of boto3), seconds (retries included), and one of

- form, the hash of the answer's form, and with it the first time: structures, and fields as recorded.json has them
- error, a code of AWS, or the class of the exception where no answer came
- unread, the class of this recorder's own exception

and, of an answer, its HTTP status. tests/truth/recording.py merges such files.
"""

import hashlib
import json
import os
import re
import sys
import time
from contextlib import suppress
from functools import lru_cache, wraps
from importlib import util

BEGUN = "trading_record"
# Codes are camel case, with dots between their parts; that of an answer to HEAD is its status.
CODE = re.compile(r"(?=.{1,80}$)[A-Z][A-Za-z0-9]*(?:\.[A-Z][A-Za-z0-9]*)*|[1-5]\d\d")
MAP_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


def load_forms():
    """tests/truth/forms.py, by its place: the processes that are recorded have no `tests` to import."""
    place = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "forms.py")
    spec = util.spec_from_file_location("trading_answer_forms", place)
    sys.modules[spec.name] = module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


forms = load_forms()


class AnswerForm(forms.Form):
    """The form of an answer in which every name and every word is AWS's. shape: of the answer, in botocore's model."""

    def __init__(self, operation, shape):
        super().__init__()
        self.operation = operation
        self.shape_at = lru_cache(None)(lambda path: forms.shape_at(shape, path))

    def name_of(self, path, key):
        shape = self.shape_at(path)
        kind = getattr(shape, "type_name", None)
        if kind == "structure":
            known = key in shape.members
        elif kind == "map" and MAP_KEY.fullmatch(key):  # its keys may be a user's words, such as those of tags
            fields = forms.known_forms().get(self.operation, ())
            known = key in getattr(shape.key, "enum", ()) or forms.join(path, key) in fields
        else:
            known = False
        return key if known else "*"

    def is_state(self, path, value):
        return super().is_state(path, value) and forms.is_word(value)


def form_of(operation, shape, answer):
    """{structures: [path], fields: {path: {in, type, words?}}} of one answer, as boto3 returns it."""
    form = AnswerForm(operation, shape)
    form.add(answer)
    return {"structures": sorted(form.structures), "fields": form.as_fields()}


def code_of(answer, context):
    """The code of an error; `other` where it does not look like one of AWS."""
    code = str(context.get("error_code_override") or answer.get("Error", {}).get("Code") or "")
    return code if CODE.fullmatch(code) and not forms.DIGITS.search(code) else "other"


def quietly(handler):
    """The handler, which neither fails nor answers for its caller."""

    @wraps(handler)
    def run(**event):
        with suppress(Exception):
            handler(**event)

    return run


class Recorder:
    """Handlers of botocore's events around a call. Threads and forked children need no lock: a line is one write."""

    def __init__(self, folder):
        self.folder = os.path.abspath(folder)
        self.written = set()
        with suppress(OSError):
            os.makedirs(self.folder, exist_ok=True)

    def handlers(self):
        """[(event, handler)], as in botocore's own table."""
        events = {"before-call": self.begin, "after-call": self.answered, "after-call-error": self.failed}
        return [(event, quietly(handler)) for event, handler in events.items()]

    def begin(self, model, context, **_event):
        service = model.service_model
        context[BEGUN] = f"{service.endpoint_prefix}.{model.name}", service.service_name, time.monotonic()

    def answered(self, http_response, parsed, model, context, **_event):
        """An answer came, which may be an error: botocore raises it only after this event."""
        line = self._line(context) | {"status": http_response.status_code}
        if http_response.status_code >= 300:
            return self._append(line | {"error": code_of(parsed, context)})
        try:
            form = form_of(line["operation"], model.output_shape, parsed)
        except Exception as error:
            return self._append(line | {"unread": type(error).__name__})
        name = hashlib.sha256(json.dumps(form, sort_keys=True).encode()).hexdigest()[:16]
        self._append(line | {"form": name} | ({} if name in self.written else form))
        self.written.add(name)

    def failed(self, exception, context, **_event):
        """No answer came."""
        self._append(self._line(context) | {"error": type(exception).__name__})

    def _line(self, context):
        operation, client, began = context[BEGUN]
        return {"operation": operation, "client": client, "seconds": round(time.monotonic() - began, 3)}

    def _append(self, line):
        text = json.dumps(line, separators=(",", ":")) + "\n"
        file = os.open(os.path.join(self.folder, f"{os.getpid()}.jsonl"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(file, text.encode())
        finally:
            os.close(file)
