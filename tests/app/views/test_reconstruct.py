"""What arrives from browsers: how large it may be, from where, and where it is kept."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator

from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartParser
from streamlit import config

from app import main

MEGABYTES = 20


def test_an_upload_never_reaches_the_disk() -> None:
    """A picture of 20 MB is taken in whole, and no temporary file is opened for it."""
    opened: list[str] = []
    watching = True
    folder = tempfile.gettempdir()

    def look(event: str, arguments: tuple[object, ...]) -> None:
        if watching and event == "open" and str(arguments[0]).startswith(folder):
            opened.append(str(arguments[0]))

    async def stream() -> AsyncIterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="f"; filename="a.png"\r\n\r\n'
        for _ in range(MEGABYTES):
            yield b"\0" * 2**20
        yield b"\r\n--x--\r\n"

    async def upload() -> int:
        headers = Headers({"content-type": "multipart/form-data; boundary=x"})
        form = await MultiPartParser(headers, stream()).parse()
        file = form["f"]
        assert isinstance(file, UploadFile)
        size = len(await file.read())
        await form.close()
        return size

    main.keep_uploads_in_memory()
    sys.addaudithook(look)
    try:
        assert asyncio.run(upload()) == MEGABYTES * 2**20
    finally:
        watching = False
    assert opened == []


def test_other_sites_and_large_uploads_are_refused() -> None:
    """XSRF protection, the check of origins and a limit hold however the app is started."""
    main.apply_settings()
    assert config.get_option("server.enableXsrfProtection") is True
    assert config.get_option("server.enableCORS") is True
    assert config.get_option("server.maxUploadSize") == 256
