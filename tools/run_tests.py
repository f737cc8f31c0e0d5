#!/usr/bin/env python3
"""Builds Dawk in its variants and runs all tests; called by script/test.

Each stage prints its time; the last line is `N passed, N failed`, with `, N skipped` when some were. One
count is one test case: a GoogleTest case, one replayed fuzz corpus, one end-to-end case.
"""
import argparse
import concurrent.futures
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CORES = os.cpu_count() or 1
# Modules whose code runs on more than one thread: their tests run under the thread sanitizer too.
THREADED = ("crypto", "rt", "spool", "net", "spool_rocks", "directory_sqlite", "reports_sqlite", "http", "observe")
FUZZ_SECONDS = 4
SIM_SEEDS, SIM_SHARE = 2000, 250  # random runs of the simulation, and how many of them are one case
SIM_SCALE = 5  # percent, of the scenarios that are about masses
UNIT_TIMEOUT = 600


class Tally:
    def __init__(self):
        self.passed, self.failed, self.skipped = 0, 0, 0
        self.failures, self.skips, self.unsteady = [], {}, []

    def add(self, name, status, detail=""):
        if status == "passed":
            self.passed += 1
        elif status == "skipped":
            self.skipped += 1
            self.skips.setdefault(detail or "no reason given", []).append(name)
        else:
            self.failed += 1
            self.failures.append(name)
            print(f"FAILED {name}\n{_indented(detail)}", flush=True)

    def sum_line(self):
        line = f"{self.passed} passed, {self.failed} failed"
        return line + (f", {self.skipped} skipped" if self.skipped else "")


def _indented(text, lines=60):
    shown = text.strip().split("\n")
    if len(shown) > lines:
        shown = ["..."] + shown[-lines:]
    return "\n".join("    " + line for line in shown)


def run(command, timeout=None, **options):
    """(exit code, output); a time-out is exit code 124."""
    try:
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace", timeout=timeout, check=False, **options)
        return done.returncode, done.stdout
    except subprocess.TimeoutExpired as expired:
        output = expired.stdout or ""
        return 124, (output if isinstance(output, str) else output.decode(errors="replace")) + "\ntimed out"


class Runner:
    def __init__(self, tally):
        self.tally = tally
        self.scratch = tempfile.mkdtemp(prefix="dawk-test-")
        self.built = {}

    # -- building ---------------------------------------------------------------------------------------

    def build(self, preset, targets=()):
        """Whether it built; a build that fails is a failed test case. Each is built once."""
        key = (preset, tuple(targets))
        if key not in self.built:
            self.built[key] = self._build(preset, targets)
        return self.built[key]

    def _build(self, preset, targets):
        build_dir = os.path.join(ROOT, "build", preset)
        if not os.path.exists(os.path.join(build_dir, "build.ninja")):
            code, output = run(["cmake", "--preset", preset])
            if code != 0:
                self.tally.add(f"configure {preset}", "failed", output)
                return False
        command = ["cmake", "--build", build_dir, "-j", str(CORES)]
        if targets:
            command += ["--target", *targets]
        code, output = run(command)
        self.tally.add(f"build {preset}", "passed" if code == 0 else "failed", output)
        return code == 0

    def ctests(self, preset):
        """{name: (command, labels)} of what CMake registered."""
        done = subprocess.run(["ctest", "--show-only=json-v1"], cwd=os.path.join(ROOT, "build", preset),
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            self.tally.add(f"list tests of {preset}", "failed", done.stderr)
            return {}
        found = {}
        for test in json.loads(done.stdout)["tests"]:
            labels = next((p["value"] for p in test.get("properties", []) if p["name"] == "LABELS"), [])
            if "command" in test:
                found[test["name"]] = (test["command"], labels)
        return found

    # -- running ----------------------------------------------------------------------------------------

    def gtest(self, name, command):
        report = os.path.join(self.scratch, re.sub(r"\W", "_", name) + ".json")
        code, output = run([*command, f"--gtest_output=json:{report}", "--gtest_brief=1"], UNIT_TIMEOUT,
                           env=test_environment())
        results = []
        try:
            with open(report, encoding="utf-8") as file:
                data = json.load(file)
        except (OSError, ValueError):
            return [(name, "failed", f"exit code {code} and no report\n{output}")]
        for suite in data["testsuites"]:
            for case in suite["testsuite"]:
                results.append(self._case(name, suite["name"], case))
        if code != 0 and not any(status == "failed" for _, status, _ in results):
            results.append((name, "failed", f"exit code {code}\n{output}"))
        return results

    @staticmethod
    def _case(name, suite, case):
        full = f"{name} {suite}.{case['name']}"
        if case.get("result") == "SKIPPED":
            reason = "; ".join(s.get("message", "").split("\n")[-1] for s in case.get("skipped", []))
            return full, "skipped", reason
        if case.get("failures"):
            return full, "failed", "\n".join(f["failure"] for f in case["failures"])
        return full, "passed", ""

    def plain(self, name, command, timeout=UNIT_TIMEOUT):
        code, output = run(command, timeout, env=test_environment())
        return [(name, "passed" if code == 0 else "failed", output)]

    def python_unittest(self, name, path):
        code, output = run([sys.executable, path, "-v"], UNIT_TIMEOUT)
        results = [(f"{name} {m.group(1)}", "passed" if m.group(2) == "ok" else "failed", output)
                   for m in re.finditer(r"^(\w+ \([\w.]+\)).*?\.\.\. (ok|FAIL|ERROR)$", output, re.M)]
        if code != 0 and all(status == "passed" for _, status, _ in results):
            results.append((name, "failed", output))
        return results

    def together(self, jobs):
        """Runs jobs, each a function that returns results, as many at a time as there are cores."""
        with concurrent.futures.ThreadPoolExecutor(CORES) as pool:
            for future in concurrent.futures.as_completed([pool.submit(job) for job in jobs]):
                for result in future.result():
                    self.tally.add(*result)

    def unit(self, preset, tests):
        jobs = []
        for name, (command, labels) in sorted(tests.items()):
            if "unit" in labels:
                jobs.append(lambda n=f"{preset} {name}", c=command: self.gtest(n, c))
            elif "fuzz" in labels:
                jobs.append(lambda n=f"{preset} {name}", c=command: self.plain(n, c))
        self.together(jobs)

    # -- stages -----------------------------------------------------------------------------------------

    def tree(self):
        """Lint and its own tests, formatting."""
        self.together([
            lambda: self.python_unittest("lint", "tools/lint_test.py"),
            lambda: self.plain("lint", [sys.executable, "tools/lint.py"]),
            lambda: self.plain("format", [sys.executable, "tools/lint.py", "--format"]),
        ])

    def dev(self):
        """Everything built quickly, unit tests and replayed fuzz corpora; not part of the whole run."""
        if self.build("dev"):
            self.unit("dev", self.ctests("dev"))

    def asan(self):
        """Unit tests, and end-to-end tests marked smoke, under address and undefined behaviour sanitizers."""
        if not self.build("asan"):
            return
        self.unit("asan", self.ctests("asan"))
        if self.binary("asan"):
            self.end_to_end("asan", "e2e", ["--tag", "smoke"])

    def sim(self):
        """The whole server in a simulated world: every scenario and 2,000 random seeds, sanitized."""
        binary = os.path.join(ROOT, "build", "asan", "cmd", "dawk-sim", "dawk-sim")
        if not self.build("asan"):
            return
        code, listed = run([binary, "--list"])
        names = re.findall(r"^  (\w+): .*?( \(big\))?$", listed.split("faults of")[0], re.M)
        if code != 0 or not names:
            self.tally.add("sim --list", "failed", listed)
            return
        jobs = []
        for name, is_big in names:
            command = [binary, "--scenario", name, *(["--scale", str(SIM_SCALE)] if is_big else [])]
            jobs.append(lambda n=name, c=command: self.plain(f"sim scenario {n}", c))
        for first in range(1, SIM_SEEDS + 1, SIM_SHARE):
            seeds = f"{first}..{first + SIM_SHARE - 1}"
            jobs.append(lambda s=seeds: self.plain(f"sim seeds {s}", [binary, "--quiet", "--seeds", s]))
        self.together(jobs)

    def tsan(self):
        """Tests of the modules that use threads, under the thread sanitizer; by name only."""
        targets = [f"{m}_test" for m in THREADED if os.path.isdir(os.path.join(ROOT, "dawk", m))
                   and any(f.endswith("_test.cpp") for f in os.listdir(os.path.join(ROOT, "dawk", m)))]
        if self.build("tsan", targets):
            wanted = {f"unit.{t[:-5]}" for t in targets}
            self.unit("tsan", {n: t for n, t in self.ctests("tsan").items() if n in wanted})

    def fuzz(self):
        """Every fuzz target built by clang-19 with libFuzzer, and run for some seconds; by name only."""
        targets = sorted(f[:-4] for folder, _, files in os.walk(os.path.join(ROOT, "dawk")) for f in files
                         if f.endswith("_fuzz.cpp"))
        if not targets or not self.build("fuzz", targets):
            return
        jobs = []
        for name, (command, _) in sorted(self.ctests("fuzz").items()):
            if name.startswith("fuzz."):
                jobs.append(lambda n=name, c=command[0]: self.fuzz_one(n, c))
        self.together(jobs)

    def fuzz_one(self, name, binary):
        stem = name.split(".", 1)[1]
        corpus = os.path.join(self.scratch, "corpus", stem)
        os.makedirs(corpus, exist_ok=True)
        code, output = run([binary, f"-max_total_time={FUZZ_SECONDS}", "-timeout=10", "-rss_limit_mb=2048",
                            f"-artifact_prefix={self.scratch}/{stem}-", corpus,
                            os.path.join(ROOT, "fuzz", "corpus", stem)], FUZZ_SECONDS + 120)
        return [("libfuzzer " + name, "passed" if code == 0 else "failed", output)]

    def e2e(self):
        """The real server with real clients, mail servers and DNS around it."""
        self.npm()
        self.end_to_end("release", "e2e")

    def interop(self):
        """The real server with Postfix, Dovecot and name servers."""
        self.end_to_end("release", "interop")

    def conformance(self):
        """Conversations against the real server, octet for octet."""
        self.end_to_end("release", "conformance")

    def package(self):
        """An outside CMake project that uses the installed library."""
        self.end_to_end("release", "package")

    def npm(self):
        """nodemailer, a client of the end-to-end tests, as the lock file names it."""
        source, target = os.path.join(ROOT, "tests", "e2e", "node"), os.path.join(ROOT, "build", "npm")
        if not os.path.isdir(source):
            return
        os.makedirs(target, exist_ok=True)
        lock = os.path.join(target, "package-lock.json")
        if os.path.isdir(os.path.join(target, "node_modules")) and _same(lock, source):
            return
        for name in ("package.json", "package-lock.json"):
            shutil.copy(os.path.join(source, name), target)
        code, output = run(["npm", "ci", "--silent", "--no-audit", "--no-fund", "--prefix", target], 300)
        if code != 0:
            self.tally.add("npm ci", "failed", output)

    @staticmethod
    def binary(preset):
        path = os.path.join(ROOT, "build", preset, "cmd", "dawk", "dawk")
        return path if os.path.exists(path) else None

    def end_to_end(self, preset, suite, extra=()):
        if not self.build(preset, ("all", "dawk-load", "dawk-sink", "dawk-fill", "dawk-faults")):
            return
        report = os.path.join(self.scratch, f"{preset}-{suite}.json")
        command = [sys.executable, os.path.join(ROOT, "tests", "run.py"), suite, "--build",
                   os.path.join(ROOT, "build", preset), "--report", report, *extra]
        code, output = run(command, 1200, env=test_environment())
        try:
            with open(report, encoding="utf-8") as file:
                results = json.load(file)
        except (OSError, ValueError):
            self.tally.add(f"{preset} {suite}", "failed", f"exit code {code} and no report\n{output}")
            return
        for case in results:
            name = f"{preset} {suite} {case['name']}"
            self.tally.add(name, case["status"], case.get("detail", ""))
            if case.get("unsteady"):
                self.tally.unsteady.append(name)
        if code != 0 and all(case["status"] != "failed" for case in results):
            self.tally.add(f"{preset} {suite}", "failed", f"exit code {code}\n{output}")


def _same(lock, source):
    with open(lock, "rb") as one, open(os.path.join(source, "package-lock.json"), "rb") as other:
        return one.read() == other.read()


def test_environment():
    environment = dict(os.environ)
    environment.setdefault("DAWK_TESTDATA", os.path.join(ROOT, "..", "shared", "testdata"))
    environment.setdefault("UBSAN_OPTIONS", "print_stacktrace=1:halt_on_error=1")
    # A test forks a process with threads of its own, to kill it.
    environment.setdefault("TSAN_OPTIONS", "die_after_fork=0:halt_on_error=1:second_deadlock_stack=1:"
                           f"suppressions={ROOT}/tools/tsan.supp")
    environment.setdefault("ASAN_OPTIONS", "detect_stack_use_after_return=0:abort_on_error=1")
    return environment


STAGES = ("tree", "conformance", "e2e", "interop", "package", "asan", "sim", "tsan", "fuzz", "dev")
# The sanitized build runs all that the quick one runs: it is enough to build one of them. Threads and
# fuzzers are asked for by name: they want builds of their own.
ALL = STAGES[:7]
QUICK = ("tree", "dev")


def main():
    stages = "\n".join(f"  {name:12} {getattr(Runner, name).__doc__}" for name in STAGES)
    parser = argparse.ArgumentParser(prog="script/test", formatter_class=argparse.RawDescriptionHelpFormatter,
                                     description="Runs every test of Dawk.", epilog="stages:\n" + stages)
    parser.add_argument("--quick", action="store_true", help="only " + ", ".join(QUICK))
    parser.add_argument("--only", action="append", choices=STAGES, metavar="STAGE")
    options = parser.parse_args()
    tally = Tally()
    runner = Runner(tally)
    began = time.monotonic()
    try:
        for name in options.only or (QUICK if options.quick else ALL):
            start = time.monotonic()
            print(f"== {name}: {getattr(Runner, name).__doc__}", flush=True)
            getattr(runner, name)()
            print(f"   {name} took {time.monotonic() - start:.0f} s: {tally.sum_line()} so far", flush=True)
    finally:
        shutil.rmtree(runner.scratch, ignore_errors=True)
    for reason, names in sorted(tally.skips.items()):
        print(f"skipped {len(names)}: {reason}")
    for name in tally.unsteady:
        print(f"unsteady, passed when run again: {name}")
    for name in tally.failures:
        print(f"failed: {name}")
    print(f"{time.monotonic() - began:.0f} s in all")
    print(tally.sum_line())
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
