"""A PostgreSQL server of the tests' own, on a free port of this machine."""

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PASSWORD = "s3cret@/:?#%41"


@dataclass(frozen=True)
class Server:
    """A server with a database `studies`, which asks for a password."""

    folder: Path
    port: int

    @property
    def url(self) -> str:
        import sqlalchemy

        url = sqlalchemy.URL.create(
            "postgresql", "nas", PASSWORD, "127.0.0.1", self.port, database="studies"
        )
        return url.render_as_string(hide_password=False)

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories="
        # Nothing here outlives the tests: what the disk has of it does not matter.
        options += " -c fsync=off"
        self._run("pg_ctl", "-D", "data", "-w", "-l", "log", "-o", options, "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-D", "data", "-w", "-m", "immediate", "stop")

    def make(self) -> None:
        (self.folder / "password").write_text(PASSWORD)
        self._run("initdb", "-D", "data", "-U", "nas", "--pwfile=password", "-A", "md5", "-N")
        self.start()
        here = ("-h", "127.0.0.1", "-p", str(self.port), "-U", "nas")
        self._run("createdb", *here, "studies")

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [_program(program), *arguments],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "PGPASSWORD": PASSWORD, "LC_ALL": "C"},
            # PostgreSQL refuses to run as root.
            user="postgres" if os.getuid() == 0 else None,
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )


@contextlib.contextmanager
def running_server() -> Iterator[Server]:
    """Start a server; nothing of it is left afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="nas-search-postgres-"))
    if os.getuid() == 0:
        os.chown(folder, pwd.getpwnam("postgres").pw_uid, -1)
    server = Server(folder, _free_port())
    try:
        server.make()
        yield server
    finally:
        with contextlib.suppress(subprocess.CalledProcessError):  # a test may have stopped it
            server.stop()
        shutil.rmtree(folder)


def _program(name: str) -> str:
    found = shutil.which(name)
    if found:
        return found
    return str(max(Path("/usr/lib/postgresql").glob(f"*/bin/{name}")))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
