"""The build's constants: folded where nobody can tell, left where somebody could, and every line in its place."""

import ast

import pytest
from flashing.compiled import compiled
from flashing.fold import Folder
from setup.place import ROOT

FIX = """from micropython import const

STOPPED = const(1)
FORCED = const(STOPPED << 5)
_MINE = const(3)
NAMES = {STOPPED: "stopped"}
"""


def folded(text, fix=FIX):
    return Folder({"tracker.fix": fix, "tracker.a": text}).folded("tracker.a")


def test_an_imported_constant_becomes_private():
    text = folded("from tracker.fix import FORCED, NAMES\n\ndef f(x):\n    return NAMES[x & FORCED]\n")
    assert text == (
        "from tracker.fix import NAMES; _FORCED_ = const(32)\n\ndef f(x):\n    return NAMES[x & _FORCED_]\n"
    )


def test_its_own_module_has_it_private_too():
    text = Folder({"tracker.fix": FIX}).folded("tracker.fix")
    assert text.split("\n")[:1] == ["pass"]
    assert "_STOPPED_ = const(1)" in text and "_FORCED_ = const(_STOPPED_ << 5)" in text
    assert "NAMES = {_STOPPED_:" in text and "_MINE = const(3)" in text


def test_lines_stay_where_they_were():
    text = folded("from tracker.fix import (\n    FORCED,\n    NAMES,\n)  # why\n\nX = FORCED\n")
    assert text.split("\n")[5] == "X = _FORCED_"
    assert len(text.split("\n")) == 7


@pytest.mark.parametrize(
    "reader",
    (
        "from tracker import fix\nX = fix.FORCED\n",
        "def f():\n    from tracker.fix import FORCED\n    return FORCED\n",
        "from tracker.fix import FORCED as hard\n",
    ),
)
def test_what_is_reached_otherwise_stays_public(reader):
    assert folded(reader) == reader
    assert "FORCED = const(" in Folder({"tracker.fix": FIX, "tracker.a": reader}).folded("tracker.fix")


def test_a_fallback_import_is_folded_too():
    text = folded("try:\n    from tracker.fix import FORCED\nexcept SyntaxError:\n    from tracker.plain import FORCED\nX = FORCED\n")
    assert "_FORCED_ = const(32)" in text and "X = _FORCED_" in text


def test_const_stays_where_it_is_called_as_the_board_runs():
    text = "from micropython import const\n_A, _B = const(0), const(1)\n"
    assert folded(text) == text


def test_the_whole_firmware_keeps_its_lines_and_its_meaning():
    paths = sorted((ROOT / "firmware/tracker").rglob("*.py"))
    sources = {".".join(path.relative_to(ROOT / "firmware").with_suffix("").parts): path.read_text() for path in paths}
    folder = Folder(sources)
    for name, text in sources.items():
        done = folder.folded(name)
        assert done.count("\n") == text.count("\n"), name
        before, after = ast.parse(text), ast.parse(done)
        assert [node.lineno for node in ast.walk(before) if isinstance(node, ast.FunctionDef)] == [
            node.lineno for node in ast.walk(after) if isinstance(node, ast.FunctionDef)
        ], name


@pytest.mark.libs
def test_every_module_compiles_for_the_board():
    files = compiled(ROOT / "firmware", "xtensawin")
    assert all(code[:2] == b"M\x06" for code in files.values())
    assert "tracker/store/journal.mpy" in files and "boot.mpy" not in files
