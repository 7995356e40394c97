"""Downloads are complete and checked, or change nothing."""

import gzip
import hashlib
import http.server
import io
import tarfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from vae_core import data
from vae_core.data import bundled
from vae_core.data.source import RemoteFile, Source
from vae_core.errors import DatasetError

ONE = gzip.compress(bytes(range(256)) * 2000, mtime=0)
TWO = bytes(range(251)) * 1000

Respond = Callable[[http.server.BaseHTTPRequestHandler], None]


def whole(content: bytes) -> Respond:
    """Serve a file as it is."""

    def respond(request: http.server.BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)

    return respond


def truncated(content: bytes) -> Respond:
    """Promise a file, then close the connection in the middle of it."""

    def respond(request: http.server.BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content[: len(content) // 2])

    return respond


def shortened(content: bytes) -> Respond:
    """Serve half of a file without saying how long it should be."""

    def respond(request: http.server.BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        request.wfile.write(content[: len(content) // 2])

    return respond


def endless(content: bytes) -> Respond:
    """Serve a file over and over."""

    def respond(request: http.server.BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        try:
            for _ in range(1000):
                request.wfile.write(content)
        except OSError:  # the client has had enough
            pass

    return respond


def refused(_: bytes) -> Respond:
    """Answer with status 404."""

    def respond(request: http.server.BaseHTTPRequestHandler) -> None:
        request.send_response(404)
        request.end_headers()

    return respond


class Server:
    """A web server on this machine; ``answers`` maps addresses to what is served there."""

    def __init__(self) -> None:
        self.answers: dict[str, Respond] = {}
        self.requests: list[str] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.requests.append(self.path)
                outer.answers[self.path](self)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def url(self, path: str) -> str:
        """Return the address of what is served at a path."""
        return f"http://127.0.0.1:{self.http.server_port}{path}"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Return a running server, reached without any proxy."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = Server()
    thread = threading.Thread(target=server.http.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.http.shutdown()
    server.http.server_close()
    thread.join()


def remote(server: Server, name: str, content: bytes) -> RemoteFile:
    """Describe a file and serve it."""
    server.answers[f"/{name}"] = whole(content)
    return RemoteFile(
        path=f"toy/{name}",
        url=server.url(f"/{name}"),
        md5=hashlib.md5(content).hexdigest(),
        size=len(content),
    )


@pytest.fixture
def toy(server: Server, monkeypatch: pytest.MonkeyPatch) -> Source:
    """Register a dataset of two files."""
    source = Source(
        name="toy",
        title="Toy",
        load=bundled.load_digits,
        home="https://example.org",
        licence="none",
        files=(remote(server, "one.gz", ONE), remote(server, "two.bin", TWO)),
    )
    monkeypatch.setitem(data.SOURCES, "toy", source)
    return source


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file in a folder, hidden ones too."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_download_brings_every_file(toy: Source, tmp_path: Path):
    """Files lie where the loader looks, byte for byte, readable, with nothing beside them."""
    root = tmp_path / "new" / "folder"
    assert data.download("toy", data_dir=root) == root
    assert contents(root) == {"toy/one.gz": ONE, "toy/two.bin": TWO}
    assert (root / "toy" / "one.gz").stat().st_mode & 0o777 == 0o644
    assert {status.name: status.present for status in data.available(root)}["toy"]
    data.load_dataset("toy", data_dir=root)


def test_progress_grows_to_the_total(toy: Source, tmp_path: Path):
    """The callback sees bytes of all files together, never falling, the last one complete."""
    seen: list[tuple[int, int]] = []
    data.download("toy", data_dir=tmp_path, progress=lambda *counts: seen.append(counts))
    done = [count for count, _ in seen]
    assert {total for _, total in seen} == {len(ONE) + len(TWO)}
    assert done == sorted(done)
    assert len(done) > 3
    assert done[-1] == len(ONE) + len(TWO)


def test_only_what_is_not_there_is_fetched(toy: Source, server: Server, tmp_path: Path):
    """A sound file stays, one that is not the original is replaced."""
    (tmp_path / "toy").mkdir()
    (tmp_path / "toy" / "one.gz").write_bytes(ONE)
    (tmp_path / "toy" / "two.bin").write_bytes(TWO[:-1] + b"?")
    data.download("toy", data_dir=tmp_path)
    assert server.requests == ["/two.bin"]
    assert contents(tmp_path) == {"toy/one.gz": ONE, "toy/two.bin": TWO}
    data.download("toy", data_dir=tmp_path)
    assert server.requests == ["/two.bin"]


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (truncated, "could not be downloaded"),
        (shortened, "did not send the original file"),
        (endless, "sent more than the expected 251,000 bytes"),
        (refused, "could not be downloaded"),
        (lambda content: whole(content[::-1]), "did not send the original file"),
    ],
    ids=["truncated", "shortened", "endless", "404", "wrong checksum"],
)
def test_a_faulty_download_leaves_the_folder_as_it_was(
    toy: Source, server: Server, tmp_path: Path, fault: Callable[[bytes], Respond], sentence: str
):
    """The second file is faulty: the sound first one is not kept either, nor anything temporary."""
    (tmp_path / "toy").mkdir()
    (tmp_path / "toy" / "two.bin").write_bytes(b"before")
    server.answers["/two.bin"] = fault(TWO)
    with pytest.raises(DatasetError, match=rf"two\.bin {sentence}"):
        data.download("toy", data_dir=tmp_path)
    assert server.requests == ["/one.gz", "/two.bin"]
    assert contents(tmp_path) == {"toy/two.bin": b"before"}
    assert [path.name for path in tmp_path.iterdir()] == ["toy"]


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, RuntimeError, DatasetError])
def test_an_interrupted_download_leaves_the_folder_as_it_was(
    toy: Source, tmp_path: Path, interruption: type[BaseException]
):
    """What the progress callback raises passes through, and nothing stays behind."""

    def stop(done: int, total: int) -> None:
        if done > len(ONE) + len(TWO) // 2:
            raise interruption("stop")

    with pytest.raises(interruption, match="stop"):
        data.download("toy", data_dir=tmp_path, progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_an_unreachable_server_is_one_sentence(
    toy: Source, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """No traceback of the network's library."""
    nowhere = replace(toy.files[0], url="http://127.0.0.1:1/one.gz")
    monkeypatch.setitem(data.SOURCES, "toy", replace(toy, files=(nowhere,)))
    with pytest.raises(DatasetError, match=r"could not be downloaded.*check the network"):
        data.download("toy", data_dir=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_one_sentence(toy: Source, tmp_path: Path):
    """The data folder's name is taken by a file."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DatasetError, match="Toy could not be stored in"):
        data.download("toy", data_dir=tmp_path / "file")


def test_a_bundled_dataset_has_nothing_to_download(tmp_path: Path):
    """Neither has an unknown one."""
    with pytest.raises(DatasetError, match="nothing to download"):
        data.download("digits", data_dir=tmp_path)
    with pytest.raises(DatasetError, match="'toys'"):
        data.download("toys", data_dir=tmp_path)


def tar_of(files: dict[str, bytes]) -> bytes:
    """Pack files as a tar.gz."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def archive_source(toy: Source, server: Server, packed: bytes) -> Source:
    """Describe a dataset that comes as an archive of two files."""
    file = replace(remote(server, "all.tar.gz", packed), members={"in/a": 3, "in/b": 4})
    return replace(toy, files=(file,))


def test_an_archive_is_unpacked_and_not_kept(
    toy: Source, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Expected members are taken out, others left; a complete set is not fetched again."""
    packed = tar_of({"in/a": b"aaa", "../evil": b"x", "in/b": b"bbbb"})
    monkeypatch.setitem(data.SOURCES, "toy", archive_source(toy, server, packed))
    data.download("toy", data_dir=tmp_path / "root")
    assert contents(tmp_path) == {"root/toy/in/a": b"aaa", "root/toy/in/b": b"bbbb"}
    data.download("toy", data_dir=tmp_path / "root")
    assert server.requests == ["/all.tar.gz"]


@pytest.mark.parametrize(
    "packed",
    [
        tar_of({"in/a": b"aaa"}),
        tar_of({"in/a": b"aaa", "in/b": b"bb"}),
        b"no archive at all",
        tar_of({"in/a": b"aaa", "in/b": b"bbbb"})[:-30],
    ],
    ids=["missing member", "short member", "no archive", "truncated"],
)
def test_an_unexpected_archive_is_refused(
    toy: Source,
    server: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    packed: bytes,
):
    """Even with the right checksum, every member must be there in its length."""
    monkeypatch.setitem(data.SOURCES, "toy", archive_source(toy, server, packed))
    with pytest.raises(DatasetError, match=r"all\.tar\.gz"):
        data.download("toy", data_dir=tmp_path)
    assert contents(tmp_path) == {}
