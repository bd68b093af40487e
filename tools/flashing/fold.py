"""Public constants become private ones before a module is compiled: mpy-cross folds those, and they cost the board no heap.

In: the firmware's modules as text.  Out: the same modules, line by line, with `_OK_ = const(0)` where a constant was
    defined or imported. On a 32-bit board a public constant takes 25 bytes, and some 18 more in each module that imports it.
Owns: which constants may be folded. One that is read as an attribute, or imported inside a function, stays as it is.
"""

import ast

_OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.LShift, ast.RShift, ast.BitOr, ast.BitAnd, ast.FloorDiv, ast.Mod, ast.Pow)


class Folder:
    """sources: {"tracker.fix": text}, all modules that can import each other; SyntaxError names the one that is wrong."""

    def __init__(self, sources):
        self._trees = {name: ast.parse(text, name) for name, text in sources.items()}
        self._sources = sources
        self._consts = {name: _constants(tree) for name, tree in self._trees.items()}
        kept = set()
        for tree in self._trees.values():
            kept |= _reached_otherwise(tree)
        for consts in self._consts.values():
            for name in kept & set(consts):
                del consts[name]

    def folded(self, name):
        """The module's text; every line stays where it was, so that a traceback tells the truth."""
        tree = self._trees[name]
        own = self._consts[name]
        lines = [line.encode() for line in self._sources[name].split("\n")]
        values = dict(own)
        edits = []
        for node in _top_level(tree):
            if isinstance(node, ast.ImportFrom):
                theirs = self._consts.get(node.module, {})
                gone = {alias.name: theirs[alias.name] for alias in node.names if alias.name in theirs and not alias.asname}
                values.update(gone)
                if node.module == "micropython" and not _calls_const(tree):
                    gone = {"const": None}  # the compiler knows it without the import
                if gone:
                    edits.append((node, _import_without(node, gone)))
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and node.id in values:
                edits.append((node, "_%s_" % node.id))
        for node, text in sorted(edits, key=lambda edit: (edit[0].lineno, edit[0].col_offset), reverse=True):
            _replace(lines, node, text.encode())
        return b"\n".join(lines).decode()


def _constants(tree):
    """{name: value} of `NAME = const(integer)`."""
    found = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and _is_const(node.value.func):
            name = node.targets[0].id
            value = _value(node.value.args[0], found)
            if isinstance(value, int):
                found[name] = value
    return {name: value for name, value in found.items() if name[0] != "_"}


def _calls_const(tree):
    """Is there a const() that the compiler doesn't fold, as in `_A, _B = const(0), const(1)`?"""
    calls = sum(isinstance(node, ast.Call) and _is_const(node.func) for node in ast.walk(tree))
    folded = sum(isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and _is_const(node.value.func) for node in tree.body)
    return calls > folded


def _is_const(func):
    return isinstance(func, ast.Name) and func.id == "const"


def _value(node, known):
    """Of an expression of integers and earlier constants; None for any other."""
    for part in ast.walk(node):
        if isinstance(part, ast.Name) and part.id not in known:
            return None
        if not isinstance(part, (ast.Constant, ast.Name, ast.Load, ast.BinOp, ast.UnaryOp, ast.USub, ast.Invert, *_OPERATORS)):
            return None
    return eval(compile(ast.Expression(node), "const", "eval"), {"__builtins__": {}}, dict(known))


def _top_level(tree):
    """The module's own statements, those under try and if too."""
    for node in tree.body:
        yield node
        if isinstance(node, (ast.Try, ast.If)):
            for child in ast.walk(node):
                if isinstance(child, ast.ImportFrom):
                    yield child


def _reached_otherwise(tree):
    """Names that must stay public: attributes of whatever, and imports inside functions or under another name."""
    outer = {id(node) for node in _top_level(tree)}
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            names.add(node.attr)
        elif isinstance(node, ast.ImportFrom):
            names.update(alias.name for alias in node.names if alias.asname or id(node) not in outer)
    return names


def _import_without(node, gone):
    """The import of what is left, and a private constant for each that is gone."""
    left = [alias.name + (" as " + alias.asname if alias.asname else "") for alias in node.names if alias.name not in gone]
    parts = ["from %s import %s" % (node.module, ", ".join(left))] if left else []
    return "; ".join(parts + ["_%s_ = const(%d)" % item for item in sorted(gone.items()) if item[0] != "const"]) or "pass"


def _replace(lines, node, text):
    """Put text where node stood; the lines that it took stay, empty."""
    first, last = node.lineno - 1, node.end_lineno - 1
    tail = lines[last][node.end_col_offset :]
    lines[first] = lines[first][: node.col_offset] + text + (tail if first == last else b"")
    for i in range(first + 1, last + 1):
        lines[i] = b""
    if last > first:
        lines[last] = tail.lstrip()
