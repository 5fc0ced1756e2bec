"""The server of a live page: it shows what is there, and does nothing else for anybody."""

import gzip
import http.client
import json
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import run_folder
from nas.dashboard.page import plotly_script
from nas.dashboard.server.addresses import Access, address, bound, is_loopback
from nas.dashboard.server.http import PageServer, Site, serving
from nas.dashboard.server.live_page import LivePage, of_run, of_runs
from nas.dashboard.server.watch import fingerprint
from nas.dashboard.write import write_dashboard
from scaling_search.rule.compound import COMPOUND
from search_spaces.errors import UserError
from toy import wait_until

OPEN = Access("")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_folder.write_run(tmp_path_factory.mktemp("runs") / "pets", 12)


@contextmanager
def at(pages: dict[str, LivePage], access: Access = OPEN) -> Iterator[http.client.HTTPConnection]:
    """A connection to a server of these pages."""
    server = PageServer(bound("127.0.0.1", 0), Site(pages, access))
    with serving(server):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
        try:
            yield connection
        finally:
            connection.close()


@pytest.fixture(scope="module")
def pages(run: Path) -> dict[str, LivePage]:
    return {"/": of_run(run, COMPOUND)}


def got(
    connection: http.client.HTTPConnection, path: str, method: str = "GET", **headers: str
) -> tuple[int, http.client.HTTPResponse, bytes]:
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    return answer.status, answer, answer.read()


def test_the_page_is_served_with_the_policy_that_stands_in_it(pages: dict[str, LivePage]) -> None:
    with at(pages) as connection:
        status, answer, body = got(connection, "/")
        policy = answer.headers["Content-Security-Policy"]
        assert status == 200
        assert f'content="{policy}"'.replace("'", "&#x27;") in body.decode().replace("'", "&#x27;")
        assert "default-src 'none'" in policy
        assert "connect-src 'self'" in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        length = answer.headers["Content-Length"]
        status, answer, body = got(connection, "/", "HEAD")
        assert (status, body, answer.headers["Content-Length"]) == (200, b"", length)


def test_what_changes_is_served_without_plotly_and_small(pages: dict[str, LivePage]) -> None:
    with at(pages) as connection:
        _, answer, small = got(connection, "/content", **{"Accept-Encoding": "gzip"})
        assert answer.headers["Content-Encoding"] == "gzip"
        _, _, body = got(connection, "/content")
    assert gzip.decompress(small) == body
    assert plotly_script() not in body.decode()
    assert len(small) < len(body) / 3


@pytest.mark.parametrize(
    "method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "MOVE"]
)
def test_nothing_but_reading_is_answered(pages: dict[str, LivePage], method: str) -> None:
    with at(pages) as connection:
        connection.request(method, "/", body=b"GET /config.yaml HTTP/1.1\r\n\r\n")
        answer = connection.getresponse()
        assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")
        answer.read()
        assert got(connection, "/", "HEAD")[0] == 200


@pytest.mark.parametrize(
    "path",
    ["/config.yaml", "/study.db", "/../pets/config.yaml", "/%2e%2e/config.yaml", "//etc/passwd",
     "/content/../config.yaml", "/run-1/", "/dashboard.html", "/\\..\\config.yaml", "/events/x"],
)  # fmt: skip
def test_no_file_of_the_run_is_served(pages: dict[str, LivePage], path: str) -> None:
    with at(pages) as connection:
        assert got(connection, path)[0] == 404


def test_a_request_that_is_none_leaves_the_server_as_it_was(pages: dict[str, LivePage]) -> None:
    with at(pages) as connection:
        assert got(connection, "/?" + "&".join("abcdefghij"))[0] == 400
        with socket.create_connection((connection.host, connection.port)) as raw:
            raw.sendall(b"\x16\x03\x01\x02\r\n\r\n")
            assert b"400" in raw.recv(4096)
        assert got(connection, "/", "HEAD")[0] == 200


def test_a_name_that_a_stranger_leads_here_is_refused(pages: dict[str, LivePage]) -> None:
    with at(pages) as connection:
        for host in ("evil.example", "localhost.evil.example", "127.0.0.1.evil.example:8265", ""):
            status, _, body = got(connection, "/", Host=host)
            assert (status, b"localhost" in body) == (403, True)
        # ssh -L 9000:localhost:8265 has the browser say so.
        for host in ("localhost:9000", "127.0.0.1:8265", "[::1]:8265"):
            assert got(connection, "/", "HEAD", Host=host)[0] == 200


def test_other_machines_need_the_token(pages: dict[str, LivePage]) -> None:
    access = Access.at("0.0.0.0")
    assert len(access.token) >= 32
    assert access.token != Access.at("0.0.0.0").token
    assert address("192.0.2.7", 80, access) == f"http://192.0.2.7:80/?token={access.token}"
    with at(pages, access) as connection:
        for query in ("", "?token=", f"?token={access.token[:-1]}", "?token=ä"):
            for path in ("/", "/content", "/events"):
                assert got(connection, path + query.replace("ä", "%e4"))[0] == 403
        assert got(connection, f"/?token={access.token}", "HEAD", Host="any.example")[0] == 200


def test_hosts_that_other_machines_reach_are_told_from_others() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "localhost", "LOCALHOST.", "::1", "[::1]")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "192.168.0.3", "example.com", "", "127.1")))


def test_a_port_that_is_taken_gives_way_to_the_next() -> None:
    with bound("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with bound("127.0.0.1", port) as other:
            assert port < other.getsockname()[1] <= port + 20


def test_ports_that_are_all_taken_are_told_as_many_as_were_tried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("nas.dashboard.server.addresses._TRIED", 2)
    with bound("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with bound("127.0.0.1", port), pytest.raises(OSError, match="in use") as told:
            bound("127.0.0.1", port)
    assert told.value.filename == f"port {port} of 127.0.0.1 and the next 1"


@pytest.mark.parametrize(
    ("host", "said"),
    [("no-such-host.invalid", "no such host"), ("192.0.2.7", "no address of this machine"),
     ("a" * 300, "no such host")],
)  # fmt: skip
def test_a_host_that_this_machine_has_not_is_a_mistake(host: str, said: str) -> None:
    with pytest.raises(UserError, match=rf"serve.host: .*{said}"):
        bound(host, 0)


def test_what_is_new_is_told_and_drawings_are_not(tmp_path: Path, run: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(run, folder)
    page = of_run(folder, COMPOUND)
    with at({"/": page}) as connection:
        connection.request("GET", "/events")
        stream = connection.getresponse()
        assert stream.headers["Content-Type"] == "text/event-stream"
        first = told(stream)
        write_dashboard(folder, COMPOUND)
        assert page.refreshed() == first
        run_folder.write_search(folder, 13)
        second = told(stream)
        assert second != first
        assert "13 networks" in page.current().content.decode()


def test_new_trials_are_drawn_first_and_then_the_page_is_as_if_drawn_at_once(
    tmp_path: Path,
) -> None:
    run_folder.write_search(tmp_path, 12)
    page = of_run(tmp_path, COMPOUND)
    before = page.latest().version
    run_folder.write_search(tmp_path, 13)
    wait_until(lambda: page.refreshed() != before)
    assert "13 networks" in page.current().content.decode()
    whole = of_run(tmp_path, COMPOUND).latest().version
    assert page.current().version != whole
    wait_until(lambda: page.refreshed() == whole)


def told(stream: http.client.HTTPResponse) -> str:
    """The version that the next event is of."""
    while not (line := stream.readline()).startswith(b"data: "):
        assert line, "the stream ended"
    return line.decode().removeprefix("data: ").strip()


def test_a_page_that_nothing_changed_is_drawn_once() -> None:
    drawn = []
    page = LivePage(draw=lambda: drawn.append(1) or f"<head>{plotly_script()}", changes=tuple)  # type: ignore[func-returns-value]
    assert page.latest().version == page.refreshed() == page.latest().version
    assert len(drawn) == 1


def test_a_run_that_has_not_begun_is_waited_for(tmp_path: Path) -> None:
    page = of_run(tmp_path / "pets", COMPOUND)
    assert "no such run folder" in page.latest().content.decode()
    run_folder.write_search(tmp_path / "pets", 3)
    assert "3 finished" in page.latest().content.decode()
    (tmp_path / "pets" / "trials.csv").write_bytes(b"\xff")
    assert "not a CSV table" in page.latest().content.decode()
    shutil.rmtree(tmp_path / "pets")
    assert "no such run folder" in page.latest().content.decode()


def test_several_runs_have_a_page_each_and_one_of_all(tmp_path: Path, run: Path) -> None:
    other = run_folder.write_run(tmp_path / "birds", 8)
    pages = {"/": of_runs([run, other], COMPOUND), "/run-2/": of_run(other, COMPOUND)}
    with at(pages) as connection:
        assert b'href="run-2/"' in got(connection, "/content")[2]
        assert b"7 finished, 1 failed" in got(connection, "/run-2/content")[2]
        assert got(connection, "/run-3/content")[0] == 404


def test_only_what_is_drawn_counts_as_a_change(tmp_path: Path) -> None:
    run_folder.write_search(tmp_path, 3)
    before = fingerprint(tmp_path)
    for name in ("study.db-journal", ".trials.csv.7.part", "dashboard.html", "evaluators/w.pt",
                 "trained/b0/checkpoint/0.safetensors"):  # fmt: skip
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
        assert fingerprint(tmp_path) == before, name
    for name in ("sweep.jsonl", "family/b0.yaml", "trained/b0/log.jsonl", "front/1M.yaml"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({}))
        assert fingerprint(tmp_path) != before, name
        before = fingerprint(tmp_path)
