"""The shop on Azure Functions: a process that calls its functions as their bindings say, one after the other, as the platform's host has it done."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests import serving
from tests.frameworks.conftest import Built
from tests.frameworks.pushing import due_messages
from workflow_runtime.http import SIGNATURE_HEADER, sign

PREFIX = "/api/.well-known/workflow/v1"
SECRET = "between the queue and the shop"
RUNTIME = """
import json, re, sys
import azure.functions as func
from function_app import app

table = []
for one in app.get_functions():
    binding = json.loads(one.get_function_json())["bindings"][0]
    pattern = re.sub(r"\\\\{(\\w+)\\\\}", r"(?P<\\1>[^/]+)", re.escape("/api/" + binding["route"]))
    table.append((re.compile(pattern), binding.get("methods"), one.get_user_function()))

def serve(method, path, headers, body):
    for pattern, methods, function in table:
        found = pattern.fullmatch(path)
        if found and (methods is None or method in methods):
            url = "https://shop.example.org" + path
            request = func.HttpRequest(method, url, headers=headers, route_params=found.groupdict(), body=body.encode())
            answer = function(request)
            return answer.status_code, answer.get_body().decode()
    return 404, ""

for line in sys.stdin:
    print(json.dumps(serve(*json.loads(line))), flush=True)
"""

pytestmark = pytest.mark.timeout(180)


@dataclass
class Functions:
    """The shop's functions, and the queue before them."""

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
            env=serving.environment({**world, "WORKFLOW_SECRET": SECRET}, "SHOP"),
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

    def request(self, method: str, path: str, body: str = "", signature: str = "") -> tuple[int, str]:
        """Status and text of the answer."""
        assert self.process.stdin
        assert self.process.stdout
        headers = {"Content-Type": "application/json", SIGNATURE_HEADER: signature}
        print(json.dumps([method, path, headers, body]), file=self.process.stdin, flush=True)
        status, text = json.loads(self.process.stdout.readline())
        return status, text

    def push(self) -> None:
        """Bring it all that is due."""
        for message in due_messages(self.database):
            body = json.dumps({"id": message})
            signature = sign(SECRET, body.encode(), time.time())
            assert self.request("POST", f"{PREFIX}/flow", body, signature)[0] == 200

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


@contextmanager
def functions(built: Built, data: Path) -> Iterator[Functions]:
    found = Functions(built("azure-functions"), data)
    found.start()
    try:
        yield found
    finally:
        found.kill()


def test_the_routes_are_those_of_the_bindings(built: Built) -> None:
    found: dict[str, Any] = json.loads(
        (built("azure-functions") / "shop" / "_workflow" / "config.json").read_text("utf-8")
    )

    assert (found["targets"], found["queue"]) == (["azure-functions"], {"flow": f"{PREFIX}/flow"})
    assert all(route["confirmed"] for route in found["routes"])


def test_an_order_outlives_its_process(built: Built, tmp_path: Path) -> None:
    with functions(built, tmp_path) as shop:
        status, text = shop.request("POST", "/api/orders", '{"id": "o1"}')
        assert status == 202
        run_id = json.loads(text)["run"]
        time.sleep(0.3)
        assert shop.ledger() == [], "nothing happens between invocations"
        shop.push_until_called("o1", "PUT", "one")

        shop.kill()
        shop.start()
        shop.push_until_called("o1", "PROPFIND", "two")
        while (shown := json.loads(shop.request("GET", f"/api/orders/{run_id}")[1]))["status"] == "running":
            shop.push()

        assert shown["result"]["answers"] == ["PUT one", "PROPFIND two"]
        assert shown["result"]["shipped"] == "shipped o1"
        assert sorted(shop.ledger()[:2]) == ["begin charge o1", "begin reserve o1"], "they run at the same time"
        assert shop.request("GET", f"/api/orders/{run_id}/news")[1].count("data: {") == 3


def test_the_routes_refuse_what_they_must(built: Built, tmp_path: Path) -> None:
    with functions(built, tmp_path) as shop:
        assert shop.request("POST", f"{PREFIX}/flow", "{}")[0] == 403
        assert shop.request("POST", f"{PREFIX}/flow", "x" * 300_000)[0] == 413
        assert shop.request("GET", f"{PREFIX}/manifest.json")[0] == 404
        assert shop.request("POST", f"{PREFIX}/webhook/nobody", "x")[0] == 404
        assert shop.request("GET", "/api/orders/wrun_00000000000000000000000000")[0] == 404
        assert json.loads(shop.request("GET", f"{PREFIX}/health")[1])["worker"] == "none"
