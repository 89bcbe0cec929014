"""Servers that belong to one test, which may stop and kill them, as others' must not be."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from elasticsearch import Elasticsearch

from tests import services
from tests.engines.people import until

SERVICES = Path(__file__).parents[1] / "services"


@dataclass(frozen=True, slots=True)
class Own:
    """One server in a folder of its own, by the name of its scripts. `ports` is what these take
    from the environment; `pid_file` in the folder tells which process it is. By `locks` there a
    server takes itself to be running as long as a process has that number, and one that was killed
    keeps it until somebody has asked for its end."""

    name: str
    home: Path
    port: int
    ports: Mapping[str, str]
    pid_file: str
    locks: tuple[str, ...] = ()

    def start(self) -> None:
        """Start it, unless it runs."""
        run_script(f"start-{self.name}", self.home, self.ports)

    def stop(self) -> None:
        """Stop it."""
        run_script(f"stop-{self.name}", self.home, self.ports)

    def freeze(self) -> None:
        """Let nothing of it move; connections stand."""
        for pid in self._processes():
            os.kill(pid, signal.SIGSTOP)
        until(lambda: all(map(_is_frozen, self._processes())))

    def thaw(self) -> None:
        """Let it go on."""
        for pid in self._processes():
            os.kill(pid, signal.SIGCONT)

    def kill(self) -> None:
        """End all of it, as the kernel does, and wait until it is gone."""
        pids = self._processes()
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        until(lambda: not any(map(runs, pids)))
        for lock in self.locks:
            self.home.joinpath(lock).unlink(missing_ok=True)

    def _processes(self) -> list[int]:
        """Its process and those that this has begun; none where it does not run."""
        first = int(self.home.joinpath(self.pid_file).read_text().split()[0])
        return _with_children(first) if runs(first) else []


def run_script(name: str, home: Path, ports: Mapping[str, str]) -> None:
    """Run a script of services/ for servers in a folder."""
    done = subprocess.run(
        [SERVICES / name],
        env=os.environ | ports | {"SEGFLOW_SERVICES_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@contextmanager
def own_home() -> Iterator[Path]:
    """A folder for servers, which is removed at the end."""
    home = Path(tempfile.mkdtemp(prefix="segflow-"))
    home.chmod(0o755)  # the servers may run as another user
    try:
        yield home
    finally:
        shutil.rmtree(home)


def own_postgres(home: Path) -> Own:
    """A primary, of whose replica nobody takes note."""
    port, replica = free_ports(2)
    ports = {"SEGFLOW_POSTGRES_PORT": f"{port}", "SEGFLOW_POSTGRES_REPLICA_PORT": f"{replica}"}
    folder = f"postgres-{port}"
    locks = (f"{folder}/data/primary/postmaster.pid", f"{folder}/run/.s.PGSQL.{port}.lock")
    return Own("postgres", home, port, ports, f"{folder}/run/primary.pid", locks)


def own_mariadb(home: Path) -> Own:
    """A MariaDB."""
    (port,) = free_ports(1)
    ports = {"SEGFLOW_MARIADB_PORT": f"{port}"}
    return Own("mariadb", home, port, ports, f"mariadb-{port}/run/mariadb.pid")


def own_elasticsearch(home: Path) -> Own:
    """An Elasticsearch of line 8, of the same program as that which all tests share, where that is
    on this machine."""
    with Elasticsearch(services.elasticsearch_url(), request_timeout=60) as shared:
        (node,) = shared.nodes.info(metric="settings").body["nodes"].values()
    programs = Path(node["settings"]["path"]["home"]).parent
    port = next(one for one in free_ports(9) if one + 100 < 65_536)  # where it talks to nodes
    ports = {
        "SEGFLOW_ELASTICSEARCH_PORT": f"{port}",
        "SEGFLOW_ELASTICSEARCH_7_PORT": "-",
        "SEGFLOW_ELASTICSEARCH_HEAP": "256m",
        "SEGFLOW_ELASTICSEARCH_PROGRAMS": str(programs) if programs.is_dir() else "",
    }
    return Own("elasticsearch", home, port, ports, f"elasticsearch-{port}/run/elasticsearch-8.pid")


def runs(pid: int) -> bool:
    """Whether the process is still there. One that nobody asks for its end remains by name."""
    return (_status(Path(f"/proc/{pid}")) or ["Z"])[0] != "Z"


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now."""
    held = [socket.socket() for _ in range(count)]
    try:
        for one in held:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in held]
    finally:
        for one in held:
            one.close()


def _with_children(pid: int) -> list[int]:
    """The process, and all that come of it."""
    parents = {
        int(folder.name): int(status[1])
        for folder in Path("/proc").iterdir()
        if folder.name.isdigit() and (status := _status(folder))
    }
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found


def _is_frozen(pid: int) -> bool:
    threads = Path(f"/proc/{pid}/task").iterdir()
    return all((_status(one) or ["Z"])[0] in "TZX" for one in threads)


def _status(process: Path) -> list[str]:
    """The kernel's words for a process or a thread, from its state on; none where it is gone."""
    try:
        whole = process.joinpath("stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return whole.rpartition(")")[2].split()
