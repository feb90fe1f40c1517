"""The condition `http`, on a real server."""

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from conditions.asking import MS, ask
from outlast.conditions.http import Http
from outlast.core.errors import UsageError
from outlast.core.ports import Seen
from outlast.testing import check_condition

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")


class Answers(BaseHTTPRequestHandler):
    """`/200` answers 200, `/to/PATH` redirects there, `/flood` answers without end, `/hang` not at all, `/junk` with no HTTP."""

    agents: "list[str | None]" = []
    hanging = threading.Event()

    def do_GET(self) -> None:
        self.agents.append(self.headers["User-Agent"])
        if self.path == "/hang":
            self.hanging.wait(60)
        elif self.path == "/junk":
            self.wfile.write(b"what do you want?\r\n")
        elif self.path == "/flood":
            self.send_response(200)
            self.end_headers()
            try:
                while not self.hanging.is_set():
                    self.wfile.write(b"x" * 65536)
            except OSError:
                pass
        elif self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", self.path[4:])
            self.end_headers()
        else:
            self.send_response(int(self.path[1:4]))
            self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    Answers.hanging.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as serving:
        thread = threading.Thread(target=serving.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{serving.server_port}"
        Answers.hanging.set()
        serving.shutdown()
        thread.join()


def test_it_keeps_to_the_port(server):
    check_condition(Http(), f"{server}/200", f"{server}/503")


@pytest.mark.parametrize(
    ("path", "met", "text"),
    [
        ("/200", True, "HTTP 200"),
        ("/204", True, "HTTP 204"),
        ("/to//200", True, "HTTP 200"),
        ("/to//to//200", True, "HTTP 200"),
        ("/to//404", False, "HTTP 404 Not Found"),
        ("/503", False, "HTTP 503 Service Unavailable"),
        ("/304", False, "HTTP 304 Not Modified"),
        ("/flood", True, "HTTP 200"),
    ],
)
def test_statuses(server, path, met, text):
    assert Seen(met=met, text=text) == ask("http", server + path)
    assert Answers.agents[-1].startswith("outlast/")


def test_a_redirect_to_a_file(server):
    seen = ask("http", f"{server}/to/file:///etc/passwd")
    assert not seen.met
    assert "HTTP 302" in seen.text


def test_a_redirect_in_a_circle(server):
    seen = ask("http", f"{server}/to/{server}/to/x")
    assert not seen.met


def test_no_http(server):
    seen = ask("http", f"{server}/junk")
    assert not seen.met
    assert seen.text.startswith("no answer (")


def test_a_server_that_hangs(server):
    assert Seen(met=False, text="no answer within 700ms") == ask("http", f"{server}/hang", limit=700 * MS)


def test_nobody_listens():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        assert Seen(met=False, text="no answer (Connection refused)") == ask("http", f"http://127.0.0.1:{bound.getsockname()[1]}/")


def test_no_such_host():
    seen = ask("http", "http://nosuch.invalid/")
    assert not seen.met
    assert seen.text.startswith("no answer (")


def test_the_proxy_of_the_job(server):
    asked = f"http_proxy={server}/\0".encode()
    assert "no answer" in ask("http", "http://nosuch.invalid/200").text
    seen = ask("http", "http://nosuch.invalid/200", environment=asked)
    assert seen.text.startswith(("HTTP ", "no answer (Remote end closed"))  # it asked the proxy, which got a whole URL as path


@pytest.mark.parametrize(
    ("word", "kept"),
    [
        ("http://example.com", "http://example.com"),
        ("HTTPS://Example.com:8443/a%20b?c=d&e#part", "https://example.com:8443/a%20b?c=d&e"),
        ("http://[::1]:80/", "http://[::1]:80/"),
        ("http://bücher.example/größe", "http://xn--bcher-kva.example/gr%C3%B6%C3%9Fe"),
    ],
)
def test_what_is_kept(word, kept):
    assert kept == Http().check(word, "/")


@pytest.mark.parametrize(
    "word",
    ["", "example.com", "ftp://example.com/", "file:///etc/passwd", "http://", "http:///x", "http://a b/", "http://x:port/", "http://x:99999/",
     "http://me:secret@x/", "http://x/\n", "http://[::1/"],
)  # fmt: skip
def test_what_is_refused(word):
    with pytest.raises(UsageError):
        Http().check(word, "/")
