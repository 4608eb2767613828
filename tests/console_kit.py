"""How tests sign in to the console."""

import re

from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient

PASSWORD = "correct horse battery"


async def sign_in(client: TestClient, name: str, password: str = PASSWORD, **more: str) -> ClientResponse:
    return await client.post("/sign-in", data={"name": name, "password": password, **more}, allow_redirects=False)


async def csrf_of(client: TestClient) -> str:
    text = await (await client.get("/", headers={"Accept": "text/html"})).text()
    found = re.search(r'data-csrf="([0-9a-f]+)"', text)
    assert found, text
    return found[1]
