"""Laws of docs/design.md that can be read off the source: imports, hardware, floats, excepts."""

import ast

import pytest
from setup.place import ROOT

FIRMWARE = ROOT / "firmware"
HARDWARE = {"machine", "network", "esp32"}
CLOCKS = {"time", "utime", "asyncio", "select", "socket"}
TOP = {"boot", "main", "tracker.app", "tracker.build", "tracker.chip", "tracker.chip_modem"}  # may touch hardware
KNOWN_TO_ALL = {"fix", "record", "version", "letgo"}
MAY_IMPORT = {  # room -> rooms, beside KNOWN_TO_ALL and itself
    "fix": set(), "record": set(), "version": set(), "letgo": set(), "gnss": set(), "sampling": set(),
    "work": set(), "store": set(), "uplink": {"store"}, "link": set(), "system": set(),
}  # fmt: skip
PURE = {"fix", "record", "version", "letgo", "gnss", "sampling", "work", "store"}  # time is an argument
MAY_USE_FLOATS = {"tracker.gnss.nmea_micropygps"}  # that library answers in floats; here they end
MAY_CATCH_ALL = {"main", "tracker.system.supervisor"}


def sources():
    """{module name: source} of our own firmware files."""
    others = (FIRMWARE / "manifest.py",)  # for the build of MicroPython, not for the board
    paths = [path for path in FIRMWARE.rglob("*.py") if FIRMWARE / "lib" not in path.parents and path not in others]
    return {
        ".".join(path.relative_to(FIRMWARE).with_suffix("").parts): path.read_text()
        for path in paths
    }


def imports(source):
    """Every module that a source names in an import, wherever the import stands."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module)
            found |= {"%s.%s" % (node.module, alias.name) for alias in node.names}
    return found


def room(module):
    parts = module.split(".")
    return parts[1] if parts[0] == "tracker" and len(parts) > 1 else ""


def broken_laws(module, source):
    """What a module does that its place in the house forbids, as a list of sentences."""
    named = imports(source)
    tree = ast.parse(source)
    said = []
    if module not in TOP:
        said += ["touches " + name for name in sorted(named & HARDWARE)]
        own = room(module)
        allowed = MAY_IMPORT.get(own, set()) | KNOWN_TO_ALL | {own, ""}
        said += [
            "imports " + name
            for name in sorted({room(name) for name in named})
            if name not in allowed
        ]
        if own not in MAY_IMPORT:
            said.append("is in no room of the plan")
        if own in PURE:
            said += ["has a clock or waits: " + name for name in sorted(named & CLOCKS)]
    elif room(module) and "tracker.app" in named:
        said.append("imports app")
    for node in ast.walk(tree):
        said += _broken_by(node, module)
    return said


def _broken_by(node, module):
    if module not in MAY_USE_FLOATS:
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            return ["line %d: a float" % node.lineno]
        if isinstance(node, (ast.BinOp, ast.AugAssign)) and isinstance(node.op, ast.Div):
            return ["line %d: / makes a float" % node.lineno]
    if isinstance(node, ast.ExceptHandler):
        caught = (
            {"bare"}
            if node.type is None
            else {n.id for n in ast.walk(node.type) if isinstance(n, ast.Name)}
        )
        if caught & {"bare", "BaseException"} or (
            caught & {"Exception"} and module not in MAY_CATCH_ALL
        ):
            return ["line %d: catches everything" % node.lineno]
    return []


def outliving(source):
    """What of a file could live on after the file was let go, and hold all of it: see build.py."""
    tree = ast.parse(source)
    functions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
    own = {node.name for node in tree.body if isinstance(node, functions)}
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    said = []
    for outer in tree.body:
        for node in ast.walk(outer):
            if isinstance(node, functions) and node is not outer:
                said.append("line %d: a function inside" % node.lineno)
            if isinstance(node, ast.Name) and node.id in own and id(node) not in called:
                said.append("line %d: %s is handed out" % (node.lineno, node.id))
    return said


def cycle(graph):
    """A circle of modules in {module: modules}, or []."""
    done, path = set(), []

    def visit(module):
        if module in path:
            return path[path.index(module) :] + [module]
        if module in done:
            return []
        path.append(module)
        for other in sorted(graph.get(module, ())):
            found = visit(other)
            if found:
                return found
        path.pop()
        done.add(module)
        return []

    for module in sorted(graph):
        found = visit(module)
        if found:
            return found
    return []


@pytest.mark.parametrize("module", sorted(sources()))
def test_module_keeps_the_laws(module):
    assert broken_laws(module, sources()[module]) == []


def test_no_circles():
    files = sources()
    assert cycle({module: imports(text) & set(files) for module, text in files.items()}) == []


@pytest.mark.parametrize(
    "module, source",
    [
        ("tracker.gnss.nmea", "import machine"),
        ("tracker.gnss.nmea", "def f():\n    from network import WLAN"),
        ("tracker.gnss.nmea", "from tracker.store.journal import Journal"),
        ("tracker.store.journal", "from tracker.uplink import block"),
        ("tracker.link.wifi", "import tracker.app"),
        ("tracker.uplink.session", "from tracker import app"),
        ("tracker.sampling.window", "import time"),
        ("tracker.cellar.rats", "x = 1"),
        ("tracker.fix", "x = 0.5"),
        ("tracker.fix", "x = 1 / 2"),
        ("tracker.fix", "x /= 2"),
        ("tracker.link.wifi", "try:\n    x\nexcept:\n    pass"),
        ("tracker.link.wifi", "try:\n    x\nexcept (OSError, Exception):\n    pass"),
        ("tracker.link.wifi", "from tracker import chip"),
        ("tracker.uplink.session", "import tracker.build"),
        ("tracker.build", "from tracker import app"),
        ("tracker.app", "try:\n    x\nexcept Exception:\n    pass"),
        ("main", "try:\n    x\nexcept BaseException:\n    pass"),
    ],
)
def test_a_broken_law_is_seen(module, source):
    assert len(broken_laws(module, source)) == 1


@pytest.mark.parametrize(
    "module, source",
    [
        (
            "main",
            "import machine\nimport tracker.app\ntry:\n    x\nexcept Exception:\n    pass",
        ),
        (
            "tracker.uplink.sender",
            "import time\nfrom tracker.store.cursor import Cursor\nfrom umqtt import simple",
        ),
        (
            "tracker.sampling.trail",
            "from tracker.record import GAP\nfrom tracker.sampling import window",
        ),
        ("tracker.system.supervisor", "try:\n    x\nexcept Exception:\n    pass"),
    ],
)
def test_what_is_allowed_is_not_blamed(module, source):
    assert broken_laws(module, source) == []


def test_nothing_of_build_outlives_a_building():
    assert outliving(sources()["tracker.build"]) == []


@pytest.mark.parametrize(
    "source",
    [
        "def f(app):\n    app.read = lambda: 0",
        "def f(app):\n    def g():\n        pass\n    g()",
        "class A:\n    def f(self):\n        pass",
        "def f(app):\n    app.read = g\ndef g():\n    pass",
    ],
)
def test_what_would_outlive_it_is_seen(source):
    assert len(outliving(source)) == 1


def test_a_circle_is_seen():
    assert cycle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert cycle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []
