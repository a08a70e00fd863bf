"""The shop as a Lambda function: a process that is given one event after the other, in the form that AWS documents, and nothing between them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests import serving
from tests.frameworks.conftest import Built
from tests.frameworks.pushing import due_messages

PREFIX = "/.well-known/workflow/v1"
RUNTIME = """
import json, sys
from shop.app import handler

for line in sys.stdin:
    try:
        answer = {"answer": handler(json.loads(line), None)}
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
"""

pytestmark = pytest.mark.timeout(180)


@dataclass
class Function:
    """The shop's function, and the queue before it."""

    folder: Path
    data: Path
    process: subprocess.Popen[str] = field(init=False)

    @property
    def database(self) -> Path:
        return self.data / "workflow.db"

    def start(self) -> None:
        """A cold start."""
        world = {"WORKFLOW_WORLD": f"sqlite:///{self.database}", "SHOP_LEDGER": str(self.data / "ledger.txt")}
        self.process = subprocess.Popen(
            [sys.executable, "-c", RUNTIME],
            cwd=self.folder,
            env=serving.environment({**world, "WORKFLOW_INVOCATION_BUDGET": "20"}, "SHOP"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def kill(self) -> None:
        """End it as a power failure does."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe
            pipe.close()

    def send(self, event: Mapping[str, Any]) -> None:
        """Give it an event, and do not wait."""
        assert self.process.stdin
        print(json.dumps(event), file=self.process.stdin, flush=True)

    def invoke(self, event: Mapping[str, Any]) -> Any:
        """What it returns for an event."""
        assert self.process.stdout
        self.send(event)
        told = json.loads(self.process.stdout.readline())
        assert "error" not in told, told
        return told["answer"]

    def request(self, method: str, path: str, body: str = "") -> tuple[int, str]:
        """Status and text of the answer to a request through an HTTP API."""
        answer = self.invoke(http_event(method, path, body))
        return answer["statusCode"], answer["body"]

    def push(self) -> None:
        """Bring it all that is due."""
        if messages := due_messages(self.database):
            assert self.invoke(sqs_event(messages)) == {"batchItemFailures": []}

    def push_until_called(self, order: str, method: str, text: str) -> None:
        """Push until the order's webhook is there, then call it."""
        deadline = time.monotonic() + serving.PATIENCE
        while self.request(method, f"{PREFIX}/webhook/bank-{order}", text)[0] != 202:
            assert time.monotonic() < deadline
            time.sleep(0.02)
            self.push()

    def ledger(self) -> list[str]:
        path = self.data / "ledger.txt"
        return path.read_text("utf-8").splitlines() if path.is_file() else []


def http_event(method: str, path: str, body: str = "") -> dict[str, Any]:
    """An event of an HTTP API, format 2.0."""
    return {
        "version": "2.0",
        "routeKey": "ANY /{proxy+}",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"host": "shop.example.org", "content-type": "application/json"},
        "requestContext": {"http": {"method": method, "path": path}, "stage": "$default", "requestId": "r"},
        "body": body,
        "isBase64Encoded": False,
    }


def sqs_event(messages: list[str]) -> dict[str, Any]:
    """A batch that SQS brings."""
    bodies = [json.dumps({"id": message}) for message in messages]
    return {
        "Records": [
            {"messageId": f"m{n}", "body": body, "messageAttributes": {}, "eventSource": "aws:sqs"}
            for n, body in enumerate(bodies)
        ]
    }


@contextmanager
def function(built: Built, data: Path) -> Iterator[Function]:
    found = Function(built("aws-lambda"), data)
    found.start()
    try:
        yield found
    finally:
        found.kill()


def test_the_routes_are_those_of_the_template(built: Built) -> None:
    found = json.loads((built("aws-lambda") / "shop" / "_workflow" / "config.json").read_text("utf-8"))

    assert (found["targets"], found["queue"]) == (["aws-lambda"], {"flow": f"{PREFIX}/flow"})
    assert {(route["source"], route["confirmed"]) for route in found["routes"]} == {("template.yaml", True)}


def test_an_order_outlives_its_process(built: Built, tmp_path: Path) -> None:
    with function(built, tmp_path) as shop:
        status, text = shop.request("POST", "/orders", '{"id": "o1"}')
        assert status == 202
        run_id = json.loads(text)["run"]
        shop.push_until_called("o1", "PUT", "one")
        shop.send(sqs_event(due_messages(shop.database)))

        shop.kill()
        shop.start()
        shop.push_until_called("o1", "PROPFIND", "two")
        while (shown := json.loads(shop.request("GET", f"/orders/{run_id}")[1]))["status"] == "running":
            shop.push()

        assert shown["result"] == {
            "reserved": "reserved o1",
            "charged": "charged o1",
            "answers": ["PUT one", "PROPFIND two"],
            "shipped": "shipped o1",
        }
        assert sorted(shop.ledger()[:2]) == ["begin charge o1", "begin reserve o1"], "they run at the same time"
        status, news = shop.request("GET", f"/orders/{run_id}/news")
        assert (status, news.count("data: {")) == (200, 3)


def test_nothing_happens_between_invocations(built: Built, tmp_path: Path) -> None:
    with function(built, tmp_path) as shop:
        shop.request("POST", "/orders", '{"id": "o1"}')
        time.sleep(0.5)
        assert shop.ledger() == []

        shop.push()

        assert {"end charge o1", "end reserve o1"} <= set(shop.ledger()), "an invocation ends when its work has ended"


def test_the_routes_refuse_what_they_must(built: Built, tmp_path: Path) -> None:
    with function(built, tmp_path) as shop:
        assert shop.request("POST", f"{PREFIX}/flow", "{}")[0] == 403
        assert shop.request("POST", f"{PREFIX}/flow", "x" * 300_000)[0] == 413
        assert shop.request("GET", f"{PREFIX}/flow")[0] == 405
        assert shop.request("GET", f"{PREFIX}/manifest.json")[0] == 404
        assert shop.request("POST", f"{PREFIX}/webhook/nobody", "x")[0] == 404
        assert shop.request("GET", "/orders/wrun_00000000000000000000000000")[0] == 404
        health = json.loads(shop.request("GET", f"{PREFIX}/health")[1])
        assert (health["healthy"], health["worker"]) == (True, "none")
