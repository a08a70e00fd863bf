"""The app."""

from fastapi import FastAPI
from workflow_runtime import start

from shop._workflow.fastapi import mount
from shop.orders import checkout

app = FastAPI()
mount(app)


@app.post("/orders")
async def create(card: str, item: str) -> dict[str, str]:
    """Place an order."""
    run = await start(checkout, card, item)
    return {"run": run.id}
