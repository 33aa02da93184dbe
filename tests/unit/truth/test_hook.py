# SPDX-License-Identifier: GPL-3.0-or-later
"""Every process that uses botocore leaves the forms of its answers, no value of them, and is not disturbed by it."""

from __future__ import annotations

import http.server
import itertools
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.session import Session
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.truth import recording
from tests.truth.forms import STATE, Form, is_word
from tests.truth.hook.answer_recorder import Recorder, code_of

HOOK = Path(__file__).resolve().parents[2] / "truth/hook"
SESSION = Session()
# Answers of every protocol, with maps of all kinds, structures in themselves, and documents that botocore reads.
OPERATIONS = [
    ("rds", "DescribeGlobalClusters"),
    ("ec2", "DescribeInstances"),
    ("s3", "GetObject"),
    ("iam", "GetRole"),
    ("sns", "GetTopicAttributes"),
    ("sqs", "GetQueueAttributes"),
    ("logs", "ListTagsLogGroup"),
    ("lambda", "ListFunctions"),
    ("dynamodb", "GetItem"),
    ("route53", "ListHealthChecks"),
    ("secretsmanager", "DescribeSecret"),
]

# --- in this process: answers of any content ------------------------------------------------------------------------

# No part of a form has these letters in this order.
MARK = "Zq7x"
ARN = f"arn:aws:rds:us-east-1:123456789012:cluster:{MARK}"
VALUES = st.one_of(
    st.from_regex(r"[1-9][0-9]{11}", fullmatch=True),
    st.ip_addresses().map(str).map("{} port 3306".format),
    st.text(max_size=30).map(f"{{}}{MARK}".format),
    st.from_regex(rf"[a-z]{{3,9}}(\.{MARK}\.example\.com|@{MARK}\.example|/{MARK})", fullmatch=True),
)


def filled(shape: Any, values: Iterator[str], path: str = "", depth: int = 0) -> Any:
    """An answer of a shape in which every string, and every key of a map, is one of the values."""
    inner = depth + 1
    if shape.type_name == "structure":
        members = {} if depth > 8 else shape.members
        return {name: filled(one, values, f"{path}.{name}", inner) for name, one in members.items()}
    if shape.type_name == "list":
        return [] if depth > 8 else [filled(shape.member, values, path, inner) for _ in range(2)]
    if shape.type_name == "map":
        return {} if depth > 8 else {next(values): filled(shape.value, values, path, inner) for _ in range(2)}
    if shape.type_name == "string":
        value = next(values)
        return ARN if STATE.search(path) and is_word(value) else value  # words of states are what is recorded
    others = {"boolean": True, "timestamp": datetime(2026, 11, 30, tzinfo=UTC), "blob": b"1"}
    return others.get(shape.type_name, 8)


def record(folder: Path, client: str, name: str, answer: dict[str, Any], status: int = 200) -> list[dict[str, Any]]:
    """The lines of a recorder to which botocore shows one answer, twice."""
    events, model = dict(Recorder(folder).handlers()), SESSION.get_service_model(client).operation_model(name)
    for _ in range(2):
        context: dict[str, Any] = {}
        assert events["before-call"](model=model, context=context, params={}, event_name="e") is None
        http_response = SimpleNamespace(status_code=status)
        events["after-call"](http_response=http_response, parsed=answer, model=model, context=context, event_name="e")
    return [json.loads(line) for file in folder.iterdir() for line in file.read_text().splitlines()]


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from itertools.chain(value, *map(strings, value.values()))
    elif isinstance(value, list):
        yield from itertools.chain.from_iterable(map(strings, value))
    elif isinstance(value, str):
        yield value


@settings(max_examples=60)
@given(st.sampled_from(OPERATIONS), st.lists(VALUES, min_size=1, max_size=6))
def test_no_string_and_no_key_of_an_answer_is_ever_written(operation, planted):
    shape = SESSION.get_service_model(operation[0]).operation_model(operation[1]).output_shape
    answer = filled(shape, itertools.cycle(planted)) | {"ResponseMetadata": {"RequestId": planted[0]}}
    with tempfile.TemporaryDirectory() as folder:
        first, second = record(Path(folder), *operation, answer)
    assert set(first["fields"]) >= set(shape.members) and "fields" not in second
    written = " ".join(strings(first))
    assert [value for value in (*planted, MARK, "123456789012") if value in written] == []


@given(st.lists(VALUES, min_size=1, max_size=6))
def test_of_an_error_only_its_code_is_written(planted):
    answer = {"Error": {"Code": "AccessDenied", "Message": planted[0]}, "Resource": planted}
    with tempfile.TemporaryDirectory() as folder:
        for line in record(Path(folder), "rds", "DescribeGlobalClusters", answer, status=403):
            assert line.pop("seconds") < 60
            assert line == {
                "operation": "rds.DescribeGlobalClusters",
                "client": "rds",
                "status": 403,
                "error": "AccessDenied",
            }


@pytest.mark.parametrize("code", ["ThrottlingException", "InvalidInstanceID.NotFound", "404", "SQS.QueueDoesNotExist"])
def test_codes_of_aws_are_kept(code):
    assert code_of({"Error": {"Code": code}}, {}) == code


@pytest.mark.parametrize("code", ["", None, "orders.example.com", ARN, "A" * 81, "No123456789012", "at 10.0.0.1"])
def test_what_does_not_look_like_a_code_is_not_kept(code):
    assert code_of({"Error": {"Code": code}}, {}) == "other"


def fields_of(folder: Path, client: str, name: str, answer: dict[str, Any]) -> dict[str, Any]:
    return record(folder, client, name, answer)[0]["fields"]


def test_keys_that_are_words_of_aws_are_kept_and_those_of_users_are_not(tmp_path):
    topic = {"Attributes": {"TopicArn": "arn", "Orders": "1"}}
    fields = fields_of(tmp_path / "1", "sns", "GetTopicAttributes", topic)
    assert {*fields} == {"Attributes", "Attributes.TopicArn", "Attributes.*"}  # recorded.json has it
    queue = {"Attributes": {"QueueArn": "arn", "Orders": "1"}}
    fields = fields_of(tmp_path / "2", "sqs", "GetQueueAttributes", queue)
    assert {*fields} == {"Attributes", "Attributes.QueueArn", "Attributes.*"}  # the model lists it
    fields = fields_of(tmp_path / "3", "logs", "ListTagsLogGroup", {"tags": {"status": "orders", "team": "a"}})
    assert fields == {"tags": {"in": "always", "type": "structure"}, "tags.*": {"in": "always", "type": "string"}}


def test_keys_of_a_document_that_a_user_wrote_are_not_kept(tmp_path):
    role = {"Role": {"RoleName": "r", "AssumeRolePolicyDocument": {"Statement": [{"Condition": {"Orders": "x"}}]}}}
    document = "Role.AssumeRolePolicyDocument"
    fields = fields_of(tmp_path, "iam", "GetRole", role)
    assert {path for path in fields if path.startswith(document)} == {
        document,
        f"{document}.*",
        f"{document}.*[].*",
        f"{document}.*[].*.*",
    }


@pytest.mark.parametrize("word", ["available", "failing-over", "Not started", "CREATE_COMPLETE"])
def test_words_of_states_are_kept(word):
    assert is_word(word)


@pytest.mark.parametrize(
    "value", ["", "a" * 41, "orders-123456", "10.0.0.1", "a/b", "me@example", "in us-east-1: lost", "é", "two\nlines"]
)
def test_a_state_that_does_not_look_like_a_word_is_not_kept(tmp_path, value):
    fields = fields_of(tmp_path, "rds", "DescribeGlobalClusters", {"GlobalClusters": [{"Status": value}]})
    assert fields["GlobalClusters[].Status"] == {"in": "always", "type": "string"}


def test_a_recorded_form_is_that_of_the_labs_answers(tmp_path):
    answer = {"GlobalClusters": [{"Status": "available", "TagList": [{"Key": "a"}]}, {"Status": "available"}]}
    form = Form()
    form.add(answer)
    assert fields_of(tmp_path, "rds", "DescribeGlobalClusters", answer) == form.as_fields()


def test_an_answer_that_cannot_be_read_is_counted_and_disturbs_nobody(tmp_path):
    lines = record(tmp_path, "logs", "ListTagsLogGroup", {"tags": {1: "a key that is no string"}})
    assert [line["unread"] for line in lines] == ["TypeError", "TypeError"]


# --- processes of their own, against an AWS on a socket ---------------------------------------------------------------

NAMES = ("orders", "10.1.2.3", "123456789012", "me@example.com", "hunter-of-secrets", "us-east-1.rds.example.com")
CLUSTERS = f"""<R xmlns="http://rds.amazonaws.com/doc/2014-10-31/"><DescribeGlobalClustersResult><GlobalClusters>
<GlobalClusterMember><GlobalClusterIdentifier>{NAMES[0]}</GlobalClusterIdentifier><Status>available</Status>
<Endpoint>{NAMES[5]}</Endpoint><GlobalClusterArn>arn:aws:rds::{NAMES[2]}:global-cluster:{NAMES[0]}</GlobalClusterArn>
</GlobalClusterMember></GlobalClusters></DescribeGlobalClustersResult></R>"""
SECRET = {
    "ARN": f"arn:{NAMES[2]}:{NAMES[0]}",
    "SecretString": NAMES[4],
    "CreatedDate": 1.7e9,
    "VersionStages": [NAMES[3]],
}
REFUSED = {"__type": "ResourceNotFoundException", "message": f"There is no {NAMES[0]} of {NAMES[3]} at {NAMES[1]}"}
# What the programs print: as without a recorder, so with one.
OUTCOME = "available hunter-of-secrets ResourceNotFoundException ReadTimeoutError EndpointConnectionError"
PROGRAM = """
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session

config = Config(read_timeout=0.3, connect_timeout=1, retries={"total_max_attempts": 1})


def client(name, **more):
    return Session().create_client(name, "us-east-1", config=config, **more)


rds, secrets, said = client("rds"), client("secretsmanager"), []
for _ in range(3):
    status = rds.describe_global_clusters()["GlobalClusters"][0]["Status"]
said.append(status)
said.append(secrets.get_secret_value(SecretId="a")["SecretString"])
try:
    secrets.describe_secret(SecretId="a")
except ClientError as error:
    said.append(error.response["Error"]["Code"])
for call in (secrets.list_secrets, client("sts", endpoint_url="http://127.0.0.1:1").get_caller_identity):
    try:
        call()
    except BotoCoreError as error:
        said.append(type(error).__name__)
print(*said)
"""
IS_LOADED = "import sys; import botocore.session; print('trading_answer_recorder' in sys.modules)"


class Aws(http.server.BaseHTTPRequestHandler):
    """Answers what PROGRAM asks; never where it lists secrets."""

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers["Content-Length"])).decode()
        operation = self.headers.get("X-Amz-Target", asked).rpartition(".")[2]
        if operation == "ListSecrets":
            time.sleep(1)
            return
        answers = {"GetSecretValue": (200, json.dumps(SECRET)), "DescribeSecret": (400, json.dumps(REFUSED))}
        status, body = answers.get(operation, (200, CLUSTERS))
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_arguments: Any) -> None:
        """Log nothing."""


@pytest.fixture(scope="module")
def aws() -> Iterator[str]:
    """The URL of an AWS."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Aws) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def start(program: str, folder: Path | str, aws: str = "", *more: Path) -> subprocess.Popen:
    """A Python process that is recorded. more: folders on PYTHONPATH after the hook's."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    credentials = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_ENDPOINT_URL": aws}
    paths = {"PYTHONPATH": os.pathsep.join(map(str, (HOOK, *more))), "TRADING_RECORD": str(folder)}
    command, pipe = [sys.executable, "-c", program], subprocess.PIPE
    return subprocess.Popen(command, env=own | credentials | paths, stdout=pipe, stderr=pipe, text=True)


def output(process: subprocess.Popen) -> str:
    """What it printed; it ends well, and complains of nothing."""
    printed, complaints = process.communicate(timeout=60)
    assert (process.returncode, complaints) == (0, "")
    return printed.strip()


@pytest.fixture(scope="module")
def recorded(aws, tmp_path_factory) -> Path:
    """The folder in which two processes have recorded in parallel."""
    folder = tmp_path_factory.mktemp("recorded") / "made by the first"
    processes = [start(PROGRAM, folder, aws) for _ in range(2)]
    assert [output(process) for process in processes] == [OUTCOME, OUTCOME]
    return folder


def test_two_processes_record_in_parallel_each_into_its_file(recorded):
    files = [file.read_text().splitlines() for file in recorded.iterdir()]
    assert [len(lines) for lines in files] == [7, 7]
    operations = recording.merge(recorded)["operations"]
    assert {name: one["answers"] for name, one in operations.items()} == {
        "rds.DescribeGlobalClusters": 6,
        "secretsmanager.DescribeSecret": 0,
        "secretsmanager.GetSecretValue": 2,
        "secretsmanager.ListSecrets": 0,
        "sts.GetCallerIdentity": 0,
    }


def test_answers_of_real_calls_leave_their_form(recorded):
    operations = recording.merge(recorded)["operations"]
    always = {"in": "always", "type": "string"}
    assert operations["rds.DescribeGlobalClusters"]["fields"] == {
        "GlobalClusters": {"in": "always", "type": "list"},
        "GlobalClusters[].Endpoint": always,
        "GlobalClusters[].GlobalClusterArn": always,
        "GlobalClusters[].GlobalClusterIdentifier": always,
        "GlobalClusters[].Status": always | {"words": ["available"]},
    }
    assert operations["secretsmanager.GetSecretValue"]["fields"]["CreatedDate"]["type"] == "timestamp"


def test_calls_that_fail_and_that_nobody_answers_are_recorded_with_their_seconds(recorded):
    operations = recording.merge(recorded)["operations"]
    failed = {name: one["errors"] for name, one in operations.items() if one["errors"]}
    assert {name: [(one["code"], one["times"]) for one in errors] for name, errors in failed.items()} == {
        "secretsmanager.DescribeSecret": [("ResourceNotFoundException", 2)],
        "secretsmanager.ListSecrets": [("ReadTimeoutError", 2)],
        "sts.GetCallerIdentity": [("EndpointConnectionError", 2)],
    }
    assert 0.3 <= failed["secretsmanager.ListSecrets"][0]["seconds"]["min"] < 30


def test_nothing_that_aws_or_the_caller_said_is_in_the_files(recorded):
    written = "".join(file.read_text() for file in recorded.iterdir())
    assert [name for name in (*NAMES, "arn:", "127.0.0.1") if name in written] == []


def test_a_form_is_written_once_by_each_process(recorded):
    for file in recorded.iterdir():
        assert file.read_text().count('"GlobalClusters[].Endpoint"') == 1


def test_a_folder_that_cannot_be_written_to_does_not_disturb_the_program(aws, tmp_path):
    (tmp_path / "file").touch()
    assert output(start(PROGRAM, tmp_path / "file/folder", aws)) == OUTCOME


def test_without_a_folder_no_recorder_is_loaded():
    assert output(start(IS_LOADED, "")) == "False"


def test_a_process_that_does_not_use_botocore_loads_nothing_of_the_recorder(tmp_path):
    modules = "import json, sys; print(*sorted(sys.modules))"
    on, off = (output(start(modules, folder)).split() for folder in (tmp_path, ""))
    assert on == off and not [name for name in on if name.startswith("trading_")]
    assert list(tmp_path.iterdir()) == []


def test_a_sitecustomize_that_the_hook_hides_runs_too(tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import builtins; builtins.hidden = __file__\n")
    assert output(start("print(hidden)", tmp_path, "", tmp_path)) == str(tmp_path / "sitecustomize.py")


def test_a_program_that_has_changed_its_path_is_recorded_all_the_same(tmp_path):
    forgetful = f"import sys; sys.path = [one for one in sys.path if one != {str(HOOK)!r}]"
    assert output(start(f"{forgetful}; {IS_LOADED}", tmp_path)) == "True"
