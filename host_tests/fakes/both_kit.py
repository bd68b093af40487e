"""For those who run host_tests/both on a VM: where its files are, what they define."""

import ast

from setup.place import ROOT

BOTH = ROOT / "host_tests/both"
PATH = ("firmware", "firmware/lib", "host_tests/both", "host_tests/fakes", "tools")


def defined_in(path):
    """Names of the test functions that a file defines, read without running it."""
    body = ast.parse(path.read_text()).body
    names = [node.name for node in body if isinstance(node, ast.FunctionDef)]
    return {"%s.%s" % (path.stem, name) for name in names if name.startswith("test_")}
