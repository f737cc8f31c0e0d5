"""The installed library, used by a project that knows nothing but find_package(dawk)."""
import os
import subprocess

from harness import check
from harness.cases import case

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, timeout=500, check=False, **options)
    check.equal(done.returncode, 0, " ".join(command) + "\n" + done.stdout[-5000:] + done.stderr[-5000:])
    return done.stdout


@case(seconds=600)
def an_outside_project_finds_builds_and_runs(t):
    prefix, build = t.path("prefix", ""), t.path("consumer", "")
    run("cmake", "--install", t.build, "--prefix", prefix)
    run("cmake", "-S", os.path.join(HERE, "consumer"), "-B", build, "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}")
    run("cmake", "--build", build)
    output = run(os.path.join(build, "consumer"))
    check.contains(output, "250-library.test")
    for where, _, files in os.walk(prefix):
        for name in files:
            if name.endswith(".cmake"):
                with open(os.path.join(where, name), encoding="utf-8") as file:
                    check.lacks(file.read(), ROOT, f"{name} names the source tree")
