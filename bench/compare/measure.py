"""What a server costs: CPU time and memory of all its processes, as the kernel counts them."""
import os
import select
import time

TICK = os.sysconf("SC_CLK_TCK")


def tree(root):
    """root and all processes below it."""
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            fields = stat(int(name))
            if fields:
                parents.setdefault(int(fields[1]), []).append(int(name))
    found, todo = [], [root]
    while todo:
        pid = todo.pop()
        found.append(pid)
        todo += parents.get(pid, [])
    return found


def stat(pid):
    """/proc/PID/stat from the state on; None when it is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rsplit(")", 1)[1].split()
    except OSError:
        return None


def cpu_seconds(root):
    """User and system time of the tree, with that of its ended and reaped children."""
    total = 0
    for pid in tree(root):
        fields = stat(pid)
        if fields:
            total += sum(int(fields[i]) for i in (11, 12, 13, 14))
    return total / TICK


def pss_mib(root):
    """Proportional set size: shared pages are counted once over all processes. And their number."""
    kib, count = 0, 0
    for pid in tree(root):
        try:
            with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
                kib += next(int(line.split()[1]) for line in file if line.startswith("Pss:"))
                count += 1
        except (OSError, StopIteration):
            continue
    return kib / 1024, count


def until(predicate, what, seconds=120, step=0.02):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = predicate()
        if value:
            return value
        select.select([], [], [], step)
    raise TimeoutError(f"waited {seconds} s for {what}")
