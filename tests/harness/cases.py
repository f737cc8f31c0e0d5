"""Test cases and the process each runs in.

    @case("smoke")
    def a_fact_that_can_be_false(t):
        server = t.dawk(...)
        check.equal(...)

Each case runs in a process of its own with its own folder and, as root, its own network namespace: every port
is free, nothing reaches the outside, and whatever it started dies with it.
"""
import ctypes
import os
import signal
import shutil
import subprocess
import sys
import tempfile
import traceback

CASES = []

CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
_libc = ctypes.CDLL(None, use_errno=True)


class Skip(Exception):
    """The case cannot run here; says why."""


class Case:
    def __init__(self, function, tags, seconds):
        self.function, self.tags, self.seconds = function, set(tags), seconds
        self.module = function.__module__.split(".")[-1]
        self.name = f"{self.module}.{function.__name__}"


def case(*tags, seconds=60):
    """Registers a test case. It may take so many seconds at most, on a busy machine."""
    def register(function):
        CASES.append(Case(function, tags, seconds))
        return function
    return register


def cases_of(values, *tags, seconds=60):
    """One case for each (name, value); the function gets the value as second argument."""
    def register(function):
        for name, value in values:
            def one(t, value=value):
                function(t, value)
            one.__name__ = f"{function.__name__}[{name}]"
            one.__module__ = function.__module__
            CASES.append(Case(one, tags, seconds))
        return function
    return register


class Context:
    """What a case is given: its folder, the build, and what to undo at its end."""

    def __init__(self, build, folder, isolated):
        self.build, self.dir, self.isolated = build, folder, isolated
        self._undo = []

    def path(self, *parts):
        path = os.path.join(self.dir, *parts)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

    def undo(self, function):
        self._undo.append(function)

    def finish(self):
        while self._undo:
            try:
                self._undo.pop()()
            except Exception:  # the case has its verdict; the rest must still be undone
                traceback.print_exc()

    def dawk(self, start=True, **options):
        """A server of the given kind, running."""
        from .dawk import Dawk
        server = Dawk(self, **options)
        return server.start() if start else server

    @staticmethod
    def skip(reason):
        raise Skip(reason)

    def need_isolation(self):
        if not self.isolated:
            raise Skip("needs a network namespace (root)")

    @staticmethod
    def need_root():
        if os.geteuid() != 0:
            raise Skip("needs root")

    @staticmethod
    def need_program(*names):
        for name in names:
            if not shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin"):
                raise Skip(f"{name} is not installed")

    def tool(self, name):
        """A program of the build."""
        for folder in ("cmd/dawk", "bench", "cmd/dawk-sim"):
            path = os.path.join(self.build, folder, name)
            if os.path.exists(path):
                return path
        raise Skip(f"{name} is not built")

    def library(self, name):
        """A library of the tests' own, of the build."""
        path = os.path.join(self.build, "tests", name)
        if not os.path.exists(path):
            raise Skip(f"{name} is not built")
        return path


def isolate():
    """A network namespace of our own with loopback up; False where that is not allowed."""
    if os.geteuid() != 0 or _libc.unshare(CLONE_NEWNET) != 0:
        return False
    return subprocess.run(["ip", "link", "set", "lo", "up"], check=False).returncode == 0


def adopt_orphans():
    """Daemons that a case starts become our children when their parents end, so that we can end them."""
    _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def children():
    """All our descendants, nearest first."""
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", encoding="ascii", errors="replace") as file:
                    parents.setdefault(int(file.read().rsplit(")", 1)[1].split()[1]), []).append(int(name))
            except OSError:
                continue
    found, todo = [], [os.getpid()]
    while todo:
        below = parents.get(todo.pop(0), [])
        found += below
        todo += below
    return found


def end_children():
    for _ in range(50):
        alive = children()
        if not alive:
            return
        for pid in alive:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        try:
            while os.waitpid(-1, 0)[0]:
                pass
        except ChildProcessError:
            continue


def run_in_this_process(one, build, keep):
    """(status, detail) of a case; everything it left behind is removed."""
    adopt_orphans()
    folder = tempfile.mkdtemp(prefix="dawk-e2e-")
    os.chmod(folder, 0o755)
    context = Context(build, folder, isolate())
    status, detail = "passed", ""
    try:
        one.function(context)
    except Skip as reason:
        status, detail = "skipped", str(reason)
    except BaseException:  # a time-out arrives as SystemExit
        status, detail = "failed", traceback.format_exc() + logs_of(folder)
    finally:
        context.finish()
        end_children()
        if not (keep and status == "failed"):
            shutil.rmtree(folder, ignore_errors=True)
        else:
            detail += f"\nkept: {folder}"
    return status, detail


def logs_of(folder, lines=25):
    """The ends of all logs of a failed case."""
    text = ""
    for where, folders, names in os.walk(folder):
        folders[:] = [f for f in folders if f != "CMakeFiles"]
        for name in sorted(names):
            if name.endswith((".log", ".err", ".out")):
                path = os.path.join(where, name)
                with open(path, "rb") as file:
                    data = file.read()[-20000:]
                if b"\0" in data:
                    continue
                end = data.decode("utf-8", "replace").split("\n")[-lines:]
                text += f"\n--- {os.path.relpath(path, folder)}\n" + "\n".join(end)
    sys.stdout.flush()
    return text
