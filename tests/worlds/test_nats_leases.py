"""Who is called dead on NATS, and who is not."""

from __future__ import annotations

from workflow_runtime.worlds.nats.leases import Leases


def of(*workers: str, at: float = 100.0, length: float = 10.0) -> Leases:
    """Leases of workers that have all come at that time."""
    leases = Leases()
    for worker in workers:
        leases.hear(worker, at)
        leases.begin(worker, length, at)
    return leases


def test_who_is_silent_for_longer_than_the_lease_is_dead() -> None:
    leases = of("a", "b")
    for time in (104.0, 108.0, 110.0):
        leases.hear("b", time)
        assert leases.over(time) == []
    assert leases.over(110.1) == ["a"]
    assert not leases.is_over("b", 110.1)


def test_any_operation_is_a_sign_of_life() -> None:
    leases = of("a", "b")
    for time in (104.0, 108.0, 112.0, 116.0):
        leases.hear("a", time)
        leases.hear("b", time + 1)
    assert leases.over(120.0) == []


def test_a_silence_of_all_is_one_of_the_servers_and_all_leases_begin_anew() -> None:
    leases = of("a", "b")
    leases.hear("b", 160.0)
    assert leases.over(160.0) == []
    leases.hear("b", 164.0)
    leases.hear("b", 168.0)
    assert leases.over(170.1) == ["a"]


def test_what_others_than_workers_write_keeps_nobody_alive() -> None:
    leases = of("a")
    for time in (103.0, 106.0, 109.0, 110.5):
        leases.hear(None, time)
    assert leases.over(110.5) == ["a"]


def test_a_clock_that_was_put_back_makes_nobody_older() -> None:
    leases = of("a", "b")
    leases.hear("a", 60.0)
    assert leases.over(60.0) == []
    leases.hear("a", 104.0)
    assert leases.over(109.0) == []


def test_who_has_gone_has_no_lease() -> None:
    leases = of("a", "b")
    leases.end("a")
    leases.end("a")
    assert leases.over(1000.0) == ["b"]
    assert not leases.is_over("a", 1000.0)
