"""Who gets in, and what a form has to prove."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.web.conftest import CONTRACT, LOCAL, TOKEN, Asking, csrf_of
from workflow_runtime.errors import WorkflowError
from workflow_runtime.page import web_page
from workflow_runtime.web import guard
from workflow_runtime.web.request import FORM_LIMIT
from workflow_runtime.worlds.base import RunStatus, World

OWN = {"origin": LOCAL}
CANCEL = f"/runs/{CONTRACT}/cancel"


async def status(world: World) -> RunStatus:
    return (await world.load(CONTRACT)).run.status


@pytest.mark.parametrize(
    ("client", "base", "headers"),
    [
        ("192.0.2.7", LOCAL, {}),
        ("127.0.0.1", "http://evil.example:8228", {}),
        ("127.0.0.1", "http://127.0.0.1.evil.example", {}),
        ("127.0.0.1", LOCAL, {"x-forwarded-for": "192.0.2.7"}),
        ("127.0.0.1", LOCAL, {"forwarded": "for=192.0.2.7"}),
        ("127.0.0.1", LOCAL, {"host": ""}),
    ],
    ids=["another machine", "another name", "a name that begins like ours", "a proxy", "a standard proxy", "no name"],
)
async def test_without_a_token_only_this_machine_gets_in(
    client: str, base: str, headers: dict[str, str], asking: Asking
) -> None:
    async with asking(client=client, base=base) as page:
        for path in ("/", f"/runs/{CONTRACT}", f"/runs/{CONTRACT}/value/run/input?as=json", "/live"):
            refused = await page.get(path, headers=headers)

            assert refused.status_code == 403, path
            assert CONTRACT not in refused.text


@pytest.mark.parametrize("base", ["http://localhost:8228", "http://127.0.0.1:8228", "http://[::1]:8228"])
async def test_this_machine_gets_in_by_each_of_its_names(base: str, asking: Asking) -> None:
    async with asking(base=base) as page:
        assert (await page.get("/")).status_code == 200


async def test_with_a_token_nobody_gets_in_without_it(asking: Asking) -> None:
    async with asking(token=TOKEN) as page:
        for path in ("/", f"/runs/{CONTRACT}", f"/runs/{CONTRACT}/value/run/input?as=json", "/live"):
            refused = await page.get(path)
            assert refused.status_code == 401, path
            assert CONTRACT not in refused.text
            assert "memory://" not in refused.text
        for wrong in (TOKEN[:-1], TOKEN + "x", "", "é" * 20):
            headers = {b"authorization": f"Bearer {wrong}".encode()}
            assert (await page.get("/", headers=headers)).status_code == 401


async def test_one_signs_in_with_the_token_from_anywhere(asking: Asking) -> None:
    async with asking(token=TOKEN, client="192.0.2.7", base="https://runs.example") as page:
        own = {"origin": "https://runs.example"}
        form = {"csrf": csrf_of((await page.get("/")).text), "token": TOKEN}
        signed_in = await page.post("/login", data=form, headers=own)

        assert signed_in.status_code == 303
        cookie = signed_in.headers["set-cookie"]
        assert "httponly" in cookie
        assert "secure" in cookie
        assert "samesite=lax" in cookie
        assert TOKEN not in cookie
        assert (await page.get("/")).status_code == 200


async def test_a_wrong_token_does_not_sign_in(asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workflow_runtime.web.app._WRONG_TOKEN_SECONDS", 0.0)
    async with asking(token=TOKEN) as page:
        form = {"csrf": csrf_of((await page.get("/")).text), "token": "wrong"}
        refused = await page.post("/login", data=form, headers=OWN)

        assert refused.status_code == 401
        assert "That is not the token" in refused.text
        assert (await page.get("/")).status_code == 401


async def test_a_session_ends_and_can_not_be_made_up(asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    session = guard.Gate(TOKEN).session_for(TOKEN)
    assert session
    until, _, digest = session.partition(".")
    later = f"{int(until) + 1}.{digest}"
    foreign = guard.Gate("another-token-of-mine").session_for("another-token-of-mine")
    async with asking(token=TOKEN) as page:

        async def code(cookie: str) -> int:
            header = f"{guard.SESSION_COOKIE}={cookie}".encode("latin-1")
            return (await page.get("/", headers={b"cookie": header})).status_code

        assert await code(session) == 200
        for made_up in (later, str(foreign), until, f"{until}.", "²." + digest, ""):
            assert await code(made_up) == 401
        after = time.time() + guard.SESSION_SECONDS + 1
        monkeypatch.setattr(time, "time", lambda: after)
        assert await code(session) == 401


async def test_secrets_are_compared_in_constant_time(asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[Any, Any]] = []
    real: Callable[[Any, Any], bool] = hmac.compare_digest

    def noted(a: Any, b: Any) -> bool:
        compared.append((a, b))
        return real(a, b)

    monkeypatch.setattr(hmac, "compare_digest", noted)
    async with asking(token=TOKEN) as page:
        await page.get("/", headers={"authorization": "Bearer guess"})

    assert (b"guess", TOKEN.encode()) in compared


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://localhost:9999"},
        {**OWN, "sec-fetch-site": "cross-site"},
        {**OWN, "sec-fetch-site": "same-site"},
    ],
    ids=["no origin", "another origin", "a hidden origin", "another port", "from another site", "from a sibling"],
)
async def test_a_form_from_elsewhere_does_nothing(headers: dict[str, str], asking: Asking, world: World) -> None:
    async with asking() as page:
        csrf = csrf_of((await page.get(f"/runs/{CONTRACT}")).text)
        refused = await page.post(CANCEL, data={"csrf": csrf}, headers=headers)

    assert refused.status_code == 403
    assert await status(world) is RunStatus.RUNNING


async def test_a_form_needs_the_secret_of_its_browser(asking: Asking, world: World) -> None:
    async with asking() as page, asking() as other:
        await page.get(f"/runs/{CONTRACT}")
        foreign = csrf_of((await other.get(f"/runs/{CONTRACT}")).text)
        for csrf in (foreign, "", ".", "a.b", foreign.partition(".")[2]):
            assert (await page.post(CANCEL, data={"csrf": csrf}, headers=OWN)).status_code == 403
        async with asking() as bare:  # no cookie at all
            assert (await bare.post(CANCEL, data={"csrf": foreign}, headers=OWN)).status_code == 403

    assert await status(world) is RunStatus.RUNNING


async def test_a_program_with_the_token_needs_no_form(asking: Asking, world: World) -> None:
    async with asking(token=TOKEN) as page:
        done = await page.post(CANCEL, data={}, headers={"authorization": f"Bearer {TOKEN}"})

    assert done.status_code == 303
    assert await status(world) is RunStatus.CANCELLED


async def test_what_a_form_sends_along_is_never_the_same_twice(asking: Asking) -> None:
    async with asking() as page:
        first = csrf_of((await page.get(f"/runs/{CONTRACT}")).text)
        assert csrf_of((await page.get(f"/runs/{CONTRACT}")).text) != first


async def test_a_form_has_a_limit(asking: Asking) -> None:
    async with asking() as page:
        assert (await page.post(CANCEL, content=b"x" * (FORM_LIMIT + 1), headers=OWN)).status_code == 413


@pytest.mark.parametrize("path", ["/", f"/runs/{CONTRACT}", "/runs/none", "/static/page.js", "/static/no", "/nothing"])
@pytest.mark.parametrize("client", ["127.0.0.1", "192.0.2.7"])
async def test_every_answer_allows_nothing_but_the_page_itself(path: str, client: str, asking: Asking) -> None:
    async with asking(client=client) as page:
        headers = (await page.get(path)).headers

    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "*" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS"])
async def test_other_methods_are_refused(method: str, asking: Asking) -> None:
    async with asking() as page:
        assert (await page.request(method, f"/runs/{CONTRACT}")).status_code == 405


def test_an_app_has_the_page_only_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WORKFLOW_WEB", "WORKFLOW_WEB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    assert web_page() is None
    monkeypatch.setenv("WORKFLOW_WEB", "0")
    assert web_page() is None
    monkeypatch.setenv("WORKFLOW_WEB", "1")
    assert web_page() is not None


def test_a_token_that_could_be_guessed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKFLOW_WEB_TOKEN", "short")

    with pytest.raises(WorkflowError, match="give it 16 or more"):
        web_page()


async def test_no_header_can_be_slipped_in(asking: Asking) -> None:
    async with asking() as page:
        csrf = csrf_of((await page.get(f"/runs/{CONTRACT}")).text)
        form = {"csrf": csrf, "hook": "none", "payload": "1"}
        answer = await page.post("/runs/x%0d%0aset-cookie:%20a=b/resume", data=form, headers=OWN)
        cookie = f'{guard.CSRF_COOKIE}="a\\015\\012x-bad: 1"'
        echoed = await page.get(f"/runs/{CONTRACT}", headers={"cookie": cookie})

    for headers in (answer.headers, echoed.headers):
        assert not any("\r" in value or "\n" in value for value in headers.values())


async def test_a_look_at_the_headers_of_a_stream_ends(asking: Asking) -> None:
    async with asking() as page:
        answer = await page.head("/live")

    assert (answer.status_code, answer.headers["content-type"], answer.content) == (200, "text/event-stream", b"")
