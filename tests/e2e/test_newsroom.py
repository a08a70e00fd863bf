"""Streams and webhooks over real HTTP: a real server, a real database, readers that come and go, a server that is killed."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.timeout(120)
WEBHOOK = "/.well-known/workflow/v1/webhook"
PATIENCE = 30.0


class Reader:
    """A browser that reads server-sent events over one connection."""

    def __init__(self, response: httpx.Response) -> None:
        self._lines = response.iter_lines()
        self.last_id: str | None = None

    def next(self) -> Any:
        """The next value, or ``StopIteration`` as a value when the stream says that it has ended."""
        fields: dict[str, str] = {}
        for line in self._lines:
            if line and not line.startswith(":"):
                name, _, value = line.partition(": ")
                fields[name] = value
            elif fields:
                break
        if fields.get("event") == "end":
            return StopIteration
        self.last_id = fields["id"]
        return json.loads(fields["data"])

    def rest(self) -> list[Any]:
        """All values up to the end."""
        found = []
        while (value := self.next()) is not StopIteration:
            found.append(value)
        return found


@contextmanager
def reading(newsroom: Any, run: str, last_id: str | None = None) -> Iterator[Reader]:
    headers = {} if last_id is None else {"last-event-id": last_id}
    with httpx.stream("GET", f"{newsroom.url}/runs/{run}/wire", headers=headers, timeout=PATIENCE) as response:
        assert response.status_code == 200
        assert response.headers["content-type"] == "text/event-stream"
        yield Reader(response)


def begin(newsroom: Any, path: str) -> str:
    run: str = newsroom.post(path, {})["run"]
    return run


def pass_gate(newsroom: Any, name: str) -> None:
    (newsroom.data / "gates" / name).touch()


def result(newsroom: Any, run: str) -> Any:
    deadline = time.monotonic() + PATIENCE
    while (answer := httpx.get(f"{newsroom.url}/runs/{run}", timeout=PATIENCE).json())["status"] != "completed":
        assert answer["status"] in ("pending", "running"), f"{answer}\n{newsroom.log()}"
        assert time.monotonic() < deadline, newsroom.log()
        time.sleep(0.02)
    return answer["result"]


def open_poll(newsroom: Any, path: str) -> str:
    """Start a run that waits at a webhook; returns once it does."""
    run = begin(newsroom, path)
    deadline = time.monotonic() + PATIENCE
    while not any(kind.split()[1] == "hook_created" for kind in newsroom.kinds(run)):
        assert time.monotonic() < deadline, newsroom.log()
        time.sleep(0.02)
    return run


def call(newsroom: Any, method: str, token: str, body: bytes = b"", **headers: str) -> httpx.Response:
    return httpx.request(
        method, f"{newsroom.url}{WEBHOOK}/{token}", content=body, headers=headers, timeout=PATIENCE + 10
    )


def lines(start: int, stop: int, attempt: int = 1) -> list[dict[str, int]]:
    return [{"line": number, "attempt": attempt} for number in range(start, stop)]


class TestStreams:
    """A report, read while it is written."""

    def test_lines_are_read_while_the_step_still_writes(self, newsroom: Any) -> None:
        run = begin(newsroom, "/reports/6")
        with reading(newsroom, run) as reader:
            first = [reader.next() for _ in range(3)]
            assert [kind for kind in newsroom.kinds(run) if "step_completed" in kind] == []
            pass_gate(newsroom, "half")
            pass_gate(newsroom, "all")
            assert first + reader.rest() == lines(0, 6)
        assert result(newsroom, run) == 6

    def test_a_reader_that_reconnects_goes_on_where_it_was(self, newsroom: Any) -> None:
        run = begin(newsroom, "/reports/2000")
        found: list[Any] = []
        with reading(newsroom, run) as reader:
            found += [reader.next() for _ in range(700)]
        pass_gate(newsroom, "half")
        with reading(newsroom, run, reader.last_id) as reader:
            found += [reader.next() for _ in range(700)]
        pass_gate(newsroom, "all")
        with reading(newsroom, run, reader.last_id) as reader:
            found += reader.rest()
        with reading(newsroom, run, reader.last_id) as reader:
            assert reader.rest() == []
        assert found == lines(0, 2000)
        assert "Traceback" not in newsroom.log()

    def test_two_readers_see_the_same(self, open_newsroom: Any) -> None:
        run = begin(open_newsroom, "/reports/500")

        def read(_: int) -> list[Any]:
            with reading(open_newsroom, run) as reader:
                return reader.rest()

        with ThreadPoolExecutor(2) as readers:
            assert [*readers.map(read, range(2))] == [lines(0, 500)] * 2

    def test_a_stream_that_nobody_closes_ends_with_its_run_as_plain_text(self, open_newsroom: Any) -> None:
        run = begin(open_newsroom, "/reports/4")

        answer = httpx.get(f"{open_newsroom.url}/runs/{run}/paper", timeout=PATIENCE)

        assert answer.headers["content-type"].startswith("text/plain")
        assert answer.text == "".join(f"line {number}\n" for number in range(4))

    def test_child_runs_write_to_the_stream_of_their_parent(self, open_newsroom: Any) -> None:
        run = begin(open_newsroom, "/series/3")
        with reading(open_newsroom, run) as reader:
            writers = [told["run"] for told in reader.rest()]
        assert result(open_newsroom, run) == 3
        assert len({*writers, run}) == 4

    def test_an_unknown_run_has_no_streams(self, open_newsroom: Any) -> None:
        assert httpx.get(f"{open_newsroom.url}/runs/wrun_NONE/wire").status_code == 404

    def test_a_writer_that_is_killed_is_taken_over_and_its_lines_stay(self, newsroom: Any) -> None:
        run = begin(newsroom, "/reports/6")
        with reading(newsroom, run) as reader:
            before = [reader.next() for _ in range(3)]
        newsroom.kill()
        pass_gate(newsroom, "half")
        pass_gate(newsroom, "all")
        newsroom.start()
        newsroom.wait_until_ready()

        with reading(newsroom, run, reader.last_id) as reader:
            after = reader.rest()

        assert before == lines(0, 3)
        assert after == lines(0, 6, attempt=2)
        assert result(newsroom, run) == 6


class TestWebhooks:
    """Polls, answered over HTTP."""

    @pytest.mark.parametrize("method", ["PUT", "PROPFIND", "POST", "DELETE", "OPTIONS"])
    def test_any_method_reaches_the_workflow_whole(self, open_newsroom: Any, method: str) -> None:
        run = open_poll(open_newsroom, f"/polls/vote/{method}")

        answer = call(open_newsroom, method, f"{method}?why=not", b"\xc3\xbcber", **{"content-type": "text/x-vote"})

        assert (answer.status_code, answer.content) == (202, b"")
        expected = {"method": method, "query": "why=not", "kind": "text/x-vote", "body": "über"}
        assert result(open_newsroom, run) == expected

    def test_an_unknown_token_and_a_plain_hook_are_not_found(self, open_newsroom: Any) -> None:
        run = open_poll(open_newsroom, "/polls/closed/c1")

        for token in ("none", "c1%2Feditor", "", "%00", "c1/editor"):
            answer = call(open_newsroom, "POST", token, b"x")
            assert answer.status_code == 404, token
        assert call(open_newsroom, "POST", "none").content == b""
        assert httpx.get(f"{open_newsroom.url}/runs/{run}").json()["status"] == "running"

    def test_a_token_is_checked_before_the_body_is_read(self, open_newsroom: Any) -> None:
        address = httpx.URL(open_newsroom.url)
        head = f"POST {WEBHOOK}/none HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n"
        with socket.create_connection((address.host, address.port or 80), timeout=PATIENCE) as connection:
            connection.sendall(head.encode())  # and no byte of the body

            assert connection.recv(4096).startswith(b"HTTP/1.1 404 ")

    def test_a_body_over_the_limit_is_refused_and_the_run_hears_nothing(self, open_newsroom: Any) -> None:
        run = open_poll(open_newsroom, "/polls/vote/v2")

        assert call(open_newsroom, "POST", "v2", b"x" * (1024 * 1024 + 1)).status_code == 413
        assert not any("hook_received" in kind for kind in open_newsroom.kinds(run))
        largest = b"x" * (1024 * 1024)
        assert call(open_newsroom, "POST", "v2", largest, **{"content-type": "a/b"}).status_code == 202
        assert result(open_newsroom, run)["body"] == largest.decode()

    def test_a_fixed_reply_is_given_as_it_is(self, open_newsroom: Any) -> None:
        open_poll(open_newsroom, "/polls/closed/c2")

        answer = call(open_newsroom, "POST", "c2")

        assert (answer.status_code, answer.headers["x-poll"], answer.text) == (410, "over", "too late")

    def test_a_step_answers(self, open_newsroom: Any) -> None:
        run = open_poll(open_newsroom, "/quizzes/q1/2")

        wrong = call(open_newsroom, "POST", "q1", b"41")
        right = call(open_newsroom, "PATCH", "q1", b"42")

        assert (wrong.status_code, wrong.json()) == (422, {"right": False, "method": "POST"})
        assert (right.status_code, right.json()) == (200, {"right": True, "method": "PATCH"})
        assert result(open_newsroom, run) == 1

    def test_requests_with_one_key_are_one_request_and_get_one_answer(self, newsroom: Any) -> None:
        run = open_poll(newsroom, "/quizzes/q2/2")

        def answer(_: int) -> httpx.Response:
            return call(newsroom, "POST", "q2", b"42", **{"idempotency-key": "k1"})

        with ThreadPoolExecutor(3) as callers:
            answers = callers.map(answer, range(3))
            pass_gate(newsroom, "judge")
            assert {(one.status_code, one.json()["right"]) for one in answers} == {(200, True)}
        assert call(newsroom, "POST", "q2", b"7", **{"idempotency-key": "k2"}).status_code == 422
        assert result(newsroom, run) == 1
        assert sum("hook_received" in kind for kind in newsroom.kinds(run)) == 2

    def test_a_run_that_ends_without_answering_is_an_error(self, open_newsroom: Any) -> None:
        run = open_poll(open_newsroom, "/polls/careless/k1")

        answer = call(open_newsroom, "POST", "k1", b"hello?")

        assert (answer.status_code, answer.content) == (500, b"")
        assert result(open_newsroom, run) == "hello?"
