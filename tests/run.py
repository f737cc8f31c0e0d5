#!/usr/bin/env python3
"""Runs the tests that need the real server: e2e, interop, conformance, package.

    tests/run.py e2e                          all cases of tests/e2e
    tests/run.py e2e --match bounce           those with "bounce" in the name
    tests/run.py e2e --tag smoke --build build/asan
    tests/run.py e2e --list

Cases run beside each other, each in a process, folder and network namespace of its own. One that fails is
run once more, alone: a machine too busy for its patience is no defect of the server. What passes only then is
named as unsteady. Cases tagged "strict" count mail, and have one chance.
"""
import argparse
import importlib.util
import json
import os
import select
import signal
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from harness import cases  # noqa: E402

MOST_REPEATED = 5  # more failures than these are no matter of chance
SUITES = ("e2e", "interop", "conformance", "package")


def load(suite):
    folder = os.path.join(HERE, suite)
    for name in sorted(os.listdir(folder)):
        if name.startswith("test_") and name.endswith(".py"):
            spec = importlib.util.spec_from_file_location(f"{suite}.{name[5:-3]}", os.path.join(folder, name))
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)


class Running:
    """A case in a child process; its verdict comes through a pipe."""

    def __init__(self, one, build, keep):
        self.case, self.began = one, time.monotonic()
        self.reader, writer = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self.reader)
            self._child(one, build, keep, writer)
        os.close(writer)
        self.output = b""
        self.warned = False

    @staticmethod
    def _child(one, build, keep, writer):
        signal.signal(signal.SIGTERM, lambda *_: sys.exit("timed out"))
        os.setpgid(0, 0)
        status, detail = cases.run_in_this_process(one, build, keep)
        with os.fdopen(writer, "w") as pipe:
            json.dump({"status": status, "detail": detail}, pipe)
        sys.stdout.flush()
        os._exit(0)

    def check_time(self):
        late = time.monotonic() - self.began - self.case.seconds
        if late > 0 and not self.warned:
            self.warned = True
            os.kill(self.pid, signal.SIGTERM)
        elif late > 15:
            os.kill(self.pid, signal.SIGKILL)

    def result(self):
        os.waitpid(self.pid, 0)
        os.close(self.reader)
        try:
            verdict = json.loads(self.output)
        except ValueError:
            verdict = {"status": "failed", "detail": "its process died"}
        seconds = time.monotonic() - self.began
        return {"name": self.case.name, "seconds": round(seconds, 2), **verdict}


def run_all(todo, build, workers, keep):
    """Results of all cases; those of failed ones that may be repeated are of the second run."""
    results = run_once(todo, build, workers, keep)
    again = {r["name"] for r in results if r["status"] == "failed"}
    repeat = [c for c in todo if c.name in again and "strict" not in c.tags]
    if not repeat or len(repeat) > MOST_REPEATED:
        return results
    print(f"-- once more, alone: {len(repeat)}", flush=True)
    second = {r["name"]: {**r, "unsteady": r["status"] == "passed"} for r in run_once(repeat, build, 1, keep)}
    return [second.get(r["name"], r) for r in results]


def run_once(todo, build, workers, keep):
    running, results = {}, []
    todo = sorted(todo, key=lambda c: -c.seconds)
    alone = [c for c in todo if "alone" in c.tags]
    todo = [c for c in todo if "alone" not in c.tags]
    while todo or alone or running:
        while todo and len(running) < workers:
            one = Running(todo.pop(0), build, keep)
            running[one.reader] = one
        if not todo and not running and alone:
            one = Running(alone.pop(0), build, keep)
            running[one.reader] = one
        ready, _, _ = select.select(list(running), [], [], 1)
        for fd in ready:
            data = os.read(fd, 1 << 20)
            if data:
                running[fd].output += data
                continue
            result = running.pop(fd).result()
            results.append(result)
            show(result)
        for one in running.values():
            one.check_time()
    return results


def show(result):
    reason = f" ({result['detail']})" if result["status"] == "skipped" else ""
    print(f"{result['status']:7} {result['seconds']:6.2f} s  {result['name']}{reason}", flush=True)
    if result["status"] == "failed":
        print("    " + result["detail"].replace("\n", "\n    "), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("suite", choices=SUITES)
    parser.add_argument("--build", default=os.path.join(os.path.dirname(HERE), "build", "dev"))
    parser.add_argument("--match", default="")
    parser.add_argument("--tag", action="append", default=[])
    parser.add_argument("--workers", type=int, default=2 + (os.cpu_count() or 1))
    parser.add_argument("--report")
    parser.add_argument("--keep", action="store_true", help="keep the folders of failed cases")
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    load(options.suite)
    chosen = [c for c in cases.CASES if options.match in c.name and set(options.tag) <= c.tags]
    if options.list:
        print("\n".join(c.name for c in chosen))
        return 0
    results = run_all(chosen, os.path.abspath(options.build), options.workers, options.keep)
    if options.report:
        with open(options.report, "w", encoding="utf-8") as file:
            json.dump(results, file)
    counts = {s: sum(r["status"] == s for r in results) for s in ("passed", "failed", "skipped")}
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    return 1 if counts["failed"] or not results else 0


if __name__ == "__main__":
    sys.exit(main())
