"""The build's names: shorter where nobody can tell, whole where a traceback, a caller or another object says them."""

import ast

from flashing.fold import Folder
from flashing.shorten import Shortener
from setup.place import ROOT


def shortened(text, other=""):
    return Shortener({"tracker.a": text, "tracker.b": other}).shortened("tracker.a")


def test_parameters_and_private_attributes_are_shortened():
    text = "class Door:\n    def open(self, width_mm, by):\n        self._width_mm = width_mm\n        self.by = by\n"
    assert shortened(text) == "class Door:\n    def open(self, a, b):\n        self._a = a\n        self.by = b\n"


def test_a_parameter_that_is_given_by_name_stays():
    text = "def f(width_mm, depth_mm):\n    return width_mm * depth_mm\n"
    assert shortened(text, "f(1, depth_mm=2)\n") == "def f(a, depth_mm):\n    return a * depth_mm\n"


def test_a_parameter_takes_no_name_that_the_function_has():
    assert shortened("def f(first):\n    a = b = 1\n    return first + a + b\n").startswith("def f(c):")
    caught = "def f(error):\n    try:\n        g(error)\n    except OSError as error:\n        pass\n"
    assert shortened(caught) == caught


def test_what_another_object_or_a_text_says_stays():
    text = "class Door:\n    def __init__(self):\n        self._width = self._lock = self._key = 0\n"
    assert shortened(text, "x._width = 1\nhasattr(x, '_lock')\n") == text.replace("_key", "_a")


def test_methods_keep_their_names_for_the_traceback():
    text = "class Door:\n    def _swing(self):\n        return self._swing\n"
    assert shortened(text) == text


def test_an_heir_knows_its_bases_attributes():
    base = "class Base:\n    def __init__(self):\n        self._one = self._two = 0\n"
    heir = "class Heir(Base):\n    def set(self):\n        self._zero = 1\n        self._two = self._one\n"
    both = Shortener({"tracker.base": base, "tracker.heir": heir})
    names = dict(zip(("_one", "_two", "_zero"), ("_a", "_b", "_c")))
    for name, text in (("tracker.base", base), ("tracker.heir", heir)):
        for old, new in names.items():
            text = text.replace(old, new)
        assert both.shortened(name) == text


def test_the_whole_firmware_keeps_its_shape():
    paths = sorted((ROOT / "firmware/tracker").rglob("*.py"))
    folder = Folder({".".join(path.relative_to(ROOT / "firmware").with_suffix("").parts): path.read_text() for path in paths})
    sources = {".".join(path.relative_to(ROOT / "firmware").with_suffix("").parts): None for path in paths}
    sources = {name: folder.folded(name) for name in sources}
    shortener = Shortener(sources)
    for name, text in sources.items():
        done = shortener.shortened(name)
        before, after = list(ast.walk(ast.parse(text))), list(ast.walk(ast.parse(done)))
        assert done.count("\n") == text.count("\n")
        assert [type(node) for node in before] == [type(node) for node in after], name
        assert [node.name for node in before if hasattr(node, "name")] == [node.name for node in after if hasattr(node, "name")]
