"""Hooks and webhooks, over HTTP from outside."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.acceptance.app import V1, App

KIND = "hooking.payloads"


@pytest.mark.acceptance("hookWorkflow", "hooks")
def test_payloads_are_collected_in_order_until_one_is_the_last(app: App, token: str) -> None:
    run = app.begin("hooking.collect", token, "ada")
    found = app.hook(token)
    assert found == {"token": token, "run": run, "metadata": {"customer": "ada"}, "webhook": False}

    sent = [{"message": f"message {number}", "done": number == 3, "extra": {"n": number}} for number in (1, 2, 3)]
    for payload in sent:
        assert app.resume(token, payload, kind=KIND) == run

    assert app.result(run) == sent


@pytest.mark.acceptance("hookWorkflow")
def test_a_token_that_nobody_has_is_not_found(app: App, token: str) -> None:
    answer = app.client.post(f"/hooks/{token}", json={"payload": 1})

    assert answer.status_code == 404
    assert token in answer.json()["detail"]


@pytest.mark.acceptance("hookWorkflow")
def test_a_payload_that_does_not_fit_is_told_where_it_is_awaited(app: App, token: str) -> None:
    run = app.begin("hooking.one_payload", token, "ada")
    app.hook(token)

    app.resume(token, {"something": "else"})

    told = app.error(run)
    assert told["class"] == "SerializationError"
    assert token in told["message"]


@pytest.mark.acceptance("hookWorkflow")
def test_the_same_payload_sent_twice_with_a_key_lands_once(app: App, token: str) -> None:
    run = app.begin("hooking.same_key", token)
    app.hook(token)

    for number, key in ((1, "a"), (1, "a"), (2, "b")):
        assert app.resume(token, number, key=key) == run

    assert app.result(run) == [1, 2]


@pytest.mark.acceptance("hookWorkflow: webhook route")
def test_a_plain_hook_can_not_be_reached_by_the_webhook_route(app: App, token: str) -> None:
    run = app.begin("hooking.one_payload", token, "ada")
    app.hook(token)

    answer = app.client.post(f"{V1}/webhook/{token}", json={"message": "hello"})

    assert answer.status_code == 404
    assert not app.events(run, "hook_received")
    app.resume(token, {"message": "bye"})
    assert app.result(run)["message"] == "bye"


@pytest.mark.acceptance("webhook: bad token")
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_a_webhook_that_is_not_there_answers_404_and_nothing_else(app: App, token: str, method: str) -> None:
    answer = app.client.request(method, f"{V1}/webhook/{token}")

    assert (answer.status_code, answer.content) == (404, b"")


@pytest.mark.acceptance("webhookWorkflow")
def test_webhooks_answer_at_once_as_was_fixed_or_as_a_step_computes(app: App, token: str) -> None:
    run = app.begin("hooking.three_webhooks", token)
    for name in ("plain", "fixed", "manual"):
        assert app.hook(f"{token}-{name}")["webhook"] is True

    plain = app.client.put(f"{V1}/webhook/{token}-plain?q=1", content="as text", headers={"content-type": "text/x"})
    fixed = app.client.get(f"{V1}/webhook/{token}-fixed")
    manual = app.client.post(f"{V1}/webhook/{token}-manual", json={"number": 7})

    assert plain.status_code == 202
    assert (fixed.status_code, fixed.text, fixed.headers["x-why"]) == (402, "pay first", "because")
    assert (manual.status_code, manual.json()) == (200, {"got": {"number": 7}, "method": "POST"})
    first, second, third = app.result(run)
    assert first == {
        "method": "PUT",
        "url": f"{app.url}{V1}/webhook/{token}-plain?q=1",
        "text": "as text",
        "type": "text/x",
    }
    assert (second["method"], third["method"]) == ("GET", "POST")


@pytest.mark.acceptance("webhookWorkflow")
def test_the_url_of_a_webhook_leads_to_it(app: App) -> None:
    url = app.run("hooking.webhook_url")

    assert url.startswith(f"{app.url}{V1}/webhook/")
    assert httpx.post(url).status_code == 404, "its run has ended"


@pytest.mark.acceptance("hookWorkflow")
def test_a_token_that_nobody_chose_can_not_be_guessed(app: App) -> None:
    run = app.begin("hooking.token_of_own")
    token = app.event(run, "hook_created")["data"]["token"]

    assert len(token) >= 22, "128 bits"
    assert app.hook(token)["metadata"] == {"run": run}
    app.resume(token, "hello")
    assert app.result(run) == f"{token}: hello"


@pytest.mark.acceptance("hookCleanupTestWorkflow")
def test_a_token_is_free_again_after_its_runs_end(app: App, token: str) -> None:
    for customer in ("first", "second"):
        run = app.begin("hooking.one_payload", token, customer)
        assert app.hook(token, run)["metadata"] == customer
        app.resume(token, {"message": f"for the {customer}"}, kind=KIND)
        assert app.result(run) == {"message": f"for the {customer}", "customer": customer}
        app.no_hook(token)


@pytest.mark.acceptance("concurrent hook conflict")
def test_the_second_holder_of_a_token_sees_the_conflict_and_the_first_completes(app: App, token: str) -> None:
    first = app.begin("hooking.conflict", token)
    app.hook(token, first)

    second = app.begin("hooking.conflict", token)

    assert app.result(second) == f"conflict with {first}"
    app.resume(token, {"message": "for the first"}, kind=KIND)
    assert app.result(first) == "for the first"


@pytest.mark.acceptance("hookDisposeTestWorkflow")
def test_after_dispose_the_token_is_free_while_the_run_goes_on(app: App, token: str) -> None:
    first = app.begin("hooking.dispose_early", token, f"{token}-more")
    app.hook(token, first)
    app.resume(token, {"message": "one"}, kind=KIND)
    app.hook(f"{token}-more", first)
    app.no_hook(token)

    second = app.begin("hooking.one_payload", token, "ada")
    app.hook(token, second)
    app.resume(token, {"message": "two"}, kind=KIND)

    assert app.result(second)["message"] == "two"
    assert app.info(first)["status"] == "running"
    app.resume(f"{token}-more", {"message": "three"}, kind=KIND)
    assert app.result(first) == ["one", "three"]


@pytest.mark.acceptance("hookClaimOnlyMutex")
def test_one_run_has_the_token_and_the_others_end(app: App, token: str) -> None:
    first = app.begin("mutexes.claim_only", token)
    app.hook(token, first)

    others = [app.begin("mutexes.claim_only", token) for _ in range(3)]

    assert [app.result(run) for run in others] == [f"taken by {first}"] * 3
    app.resume(token, "now")
    assert app.result(first) == "had it until now"


@pytest.mark.acceptance("hookAdoptOwnerResult")
def test_the_second_run_gives_the_result_of_the_first(app: App, token: str) -> None:
    first = app.begin("mutexes.adopt_result", token)
    app.hook(token, first)
    second = app.begin("mutexes.adopt_result", token)
    app.event(second, "watch_created")

    app.resume(token, {"total": 3})

    assert app.result(second) == {"adopted": {"total": 3}}


@pytest.mark.acceptance("hookSignalOwner")
def test_the_second_run_signals_the_first(app: App, token: str) -> None:
    first = app.begin("mutexes.signal_owner", token, "unused")
    app.hook(token, first)

    second = app.begin("mutexes.signal_owner", token, "wake up")

    assert app.result(second) == ["told", True]
    assert app.result(first) == ["heard", "wake up"]


@pytest.mark.acceptance("hookSupersedeOwner")
def test_the_newest_run_takes_the_token_over(app: App, token: str) -> None:
    first = app.begin("mutexes.supersede_owner", token)
    app.hook(token, first)

    second = app.begin("mutexes.supersede_owner", token)

    assert app.end(first) == {"status": "cancelled", "reason": "superseded"}
    app.hook(token, second)
    app.resume(token, "me")
    assert app.result(second) == "ended by me"


@pytest.mark.acceptance("race: hook during inline step")
def test_a_payload_that_comes_while_a_step_runs_does_not_run_it_twice(app: App, token: str) -> None:
    run = app.begin("hooking.hook_during_step", token)
    app.mark(run, "slow")

    app.resume(token, 5)

    assert app.result(run) == [5, False, "slow", "after"]
    assert [mark["label"] for mark in app.marks(run)] == ["slow", "after"]


@pytest.mark.acceptance("race: hook-storm")
def test_no_payload_of_many_at_once_is_lost_or_doubled(app: App, token: str) -> None:
    run = app.begin("hooking.hook_storm", token, 30)
    app.hook(token)

    with ThreadPoolExecutor(6) as threads:
        assert set(threads.map(lambda number: app.resume(token, number), range(30))) == {run}

    assert app.result(run) == [*range(30)]
    assert sorted(int(mark["label"]) for mark in app.marks(run)) == [*range(30)]


@pytest.mark.acceptance("race: hook-sleep")
def test_payloads_and_sleeps_that_cross_are_all_taken(app: App, token: str) -> None:
    run = app.begin("hooking.hook_sleep", token)
    app.hook(token)

    for number in range(3):
        app.resume(token, number)

    assert app.result(run) == [4, [0, 1, 2]]
