"""What is Tornado's own: protection against forged requests, and handlers whose functions are named like methods."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from tests.frameworks.conftest import Built
from tests.frameworks.shop import open_shop
from tests.frameworks.targets import Server, target

SERVER = Server("tornado", ("{python}", "-m", "protected", "--port={port}"))
PROTECTED = """
import asyncio
from shop import main

make_app = main.make_app

def protected():
    app = make_app()
    app.settings["xsrf_cookies"] = True
    return app

main.make_app = protected
asyncio.run(main.main())
"""

pytestmark = pytest.mark.timeout(120)


def test_webhooks_take_any_method_in_an_app_that_asks_its_forms_for_a_cookie(built: Built, tmp_path: Path) -> None:
    (built("tornado") / "protected.py").write_text(PROTECTED)
    with open_shop(target("tornado"), SERVER, built("tornado"), tmp_path / "data") as shop:
        orders = f"{shop.url}/orders"
        assert httpx.post(orders, json={"id": "o1"}, timeout=30).status_code == 403
        proof = {"cookie": "_xsrf=deadbeef", "x-xsrftoken": "deadbeef"}
        run_id = httpx.post(orders, json={"id": "o1"}, headers=proof, timeout=30).json()["run"]

        for method in ("FINISH", "POST"):
            assert shop.call("o1", method, method.lower()).status_code == 202

        assert shop.wait(run_id)["answers"] == ["FINISH finish", "POST post"]
        pushed = httpx.post(f"{shop.url}/.well-known/workflow/v1/flow", content=b"{}", timeout=30)
        assert (pushed.status_code, pushed.json()) == (403, {"error": "not signed"})
