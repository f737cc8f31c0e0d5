"""Which module may include which, and what each level may touch at all."""
import re

LEVELS = {
    0: "base",
    1: "mail dns crypto sasl",
    2: "envelope smtp spf dkim dmarc arc authres dane mtasts tlspolicy tlsrpt dsn arf queue routing policy "
       "mailauth dmarcreport",
    3: "rt spool directory history sqlite reports",
    4: "net spool_rocks directory_sqlite reports_sqlite history_rocks http observe",
    5: "mta",
    6: "sim config",
}
LEVEL_OF = {name: level for level, names in LEVELS.items() for name in names.split()}
ADAPTERS = set(LEVELS[4].split())

_INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.M)
# The outside world: not for levels 0-2.
_WORLD = re.compile(
    r"^(boost/asio|boost/beast|boost/process|fstream$|filesystem$|thread$|mutex$|shared_mutex$|future$|"
    r"condition_variable$|iostream$|unistd\.h$|fcntl\.h$|poll\.h$|pthread\.h$|sys/|netinet/|netdb\.h$|"
    r"dirent\.h$|signal\.h$|csignal$)")
# Neither the pure levels nor those above the adapters lock or start threads.
_LOCKS = re.compile(r"^(thread|mutex|shared_mutex|future|condition_variable|semaphore|latch|barrier|pthread\.h)$")


def module_of(path):
    parts = path.split("/")
    if parts[0] == "dawk" and len(parts) > 2:
        return parts[1]
    return None


def includes(text):
    for match in _INCLUDE.finditer(text):
        yield text.count("\n", 0, match.start()) + 1, match.group(1)


def declared(cmake):
    """DEPS and TEST_DEPS of the dawk_module() in a CMakeLists.txt."""
    call = re.search(r"dawk_module\(([^)]*)\)", cmake, re.S)
    found = {"DEPS": set(), "TEST_DEPS": set()}
    if call:
        key = None
        for word in call.group(1).split()[1:]:
            if word.isupper():
                key = word
            elif key in found:
                found[key].add(word)
    return found["DEPS"], found["TEST_DEPS"]


def closure(start, deps):
    todo, seen = list(start), set()
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo.extend(deps.get(name, (set(), set()))[0])
    return seen


def check_declared(deps):
    """Arrows of the build files: down, or beside to one that does not lead back."""
    for name, (own, _) in sorted(deps.items()):
        where = f"dawk/{name}/CMakeLists.txt"
        if name not in LEVEL_OF:
            yield where, 1, f"module {name} has no level in tools/lint/arrows.py"
            continue
        for other in sorted(own):
            if other not in LEVEL_OF:
                yield where, 1, f"{other} is no module"
            elif LEVEL_OF[other] > LEVEL_OF[name]:
                yield where, 1, f"{name} (level {LEVEL_OF[name]}) depends on {other} (level {LEVEL_OF[other]})"
            elif name in closure([other], deps):
                yield where, 1, f"{name} and {other} depend on each other"
            elif name == "mta" and other in ADAPTERS:
                yield where, 1, "mta depends on the adapter " + other
            elif name in ADAPTERS and other in ADAPTERS:
                yield where, 1, f"adapter {name} depends on adapter {other}"


def check(path, text, deps):
    name = module_of(path)
    if name is None or name not in LEVEL_OF:
        return
    is_test = re.search(r"_(test|fuzz|bench)\.[ch]pp$", path) is not None
    own, for_tests = deps.get(name, (set(), set()))
    allowed = closure(own | (for_tests if is_test else set()), deps) | {name}
    level = LEVEL_OF[name]
    for line, target in includes(text):
        other = module_of(target)
        if other is not None and other not in allowed:
            yield line, f"includes {target}, but {name} does not depend on {other}"
        if target in ("boost/asio.hpp", "boost/beast.hpp"):
            yield line, f"includes all of {target}: name the single headers"
        if target.startswith("boost/asio/ssl"):
            yield line, "asio::ssl is slow to compile and needs a socket: use the TLS stream of dawk/net"
        if is_test:
            continue
        if level <= 2 and _WORLD.match(target):
            yield line, f"level {level} touches the outside world: {target}"
        if (level <= 2 or level >= 5) and _LOCKS.match(target):
            yield line, f"no threads and locks outside ports and adapters: {target}"
