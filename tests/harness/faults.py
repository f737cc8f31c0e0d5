"""A disk that fails on command, under the real server: tests/shim/faults.cpp, preloaded.

    disk = FailingDisk(t, server.state + "/spool")
    server.start(env=disk.environment)
    disk.fail("syncs", errno.EIO, count=1)      # the next sync below that folder fails
    disk.mend()
"""
import ctypes
import mmap
import os

from .dawk import give_to_server

_KINDS = {"syncs": 0, "writes": 5}
_FIELDS = {"error": 0, "skip": 1, "count": 2, "seen": 3, "hit": 4}
_SHORT_WRITES = 10


class FailingDisk:
    def __init__(self, t, below, name="faults"):
        library = t.library("libdawk-faults.so")
        path = t.path(name)
        with open(path, "wb") as file:
            file.write(b"\0" * 4096)
        give_to_server(path)
        self._file = open(path, "r+b")  # pylint: disable=consider-using-with
        self._map = mmap.mmap(self._file.fileno(), 4096)
        self._words = (ctypes.c_int64 * 11).from_buffer(self._map)
        self.environment = {"LD_PRELOAD": library, "DAWK_FAULTS": path, "DAWK_FAULTS_BELOW": os.path.realpath(below)}

    def _at(self, kind, field):
        return _KINDS[kind] + _FIELDS[field]

    def fail(self, kind, error, count=-1, skip=0, short=False):
        """From now on: `skip` calls of the kind succeed, then `count` fail (-1: all)."""
        self._words[_SHORT_WRITES] = int(short)
        self._words[self._at(kind, "error")] = 0
        self._words[self._at(kind, "skip")] = skip
        self._words[self._at(kind, "count")] = count
        self._words[self._at(kind, "error")] = error

    def mend(self):
        for kind in _KINDS:
            self._words[self._at(kind, "error")] = 0

    def seen(self, kind):
        return self._words[self._at(kind, "seen")]

    def hit(self, kind):
        return self._words[self._at(kind, "hit")]
