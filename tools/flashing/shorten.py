"""Names that no person ever sees again take the board's heap too: each different one 8 bytes and its letters, for ever.

In: the firmware's modules as text.  Out: the same, line by line, with parameters called a, b, c and private attributes
    of an object _a, _b, _c. Names of modules, classes, functions and methods stay: tracebacks and probes tell them.
    MicroPython doubles its table of names when it is full, at 1,260 by another 9 KB (docs/memory.md).
Owns: which names may go. A parameter that is ever given by its name stays, and so does an attribute that is ever
    reached otherwise than by self.
"""

import ast
import string


class Shortener:
    def __init__(self, sources):
        self._sources = sources
        self._trees = {name: ast.parse(text, name) for name, text in sources.items()}
        everything = [node for tree in self._trees.values() for node in ast.walk(tree)]
        self._by_name = {node.arg for node in everything if isinstance(node, ast.keyword)}
        self._attributes = self._private_attributes(everything)

    def shortened(self, name):
        lines = [line.encode() for line in self._sources[name].split("\n")]
        edits = []  # (line, column, old, new)
        for node in ast.walk(self._trees[name]):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                edits += self._parameters(node)
            elif isinstance(node, ast.ClassDef):
                edits += self._own_attributes(node)
        for line, column, old, new in sorted(set(edits), reverse=True):
            text = lines[line - 1]
            if text[column : column + len(old)] != old.encode():
                raise ValueError("%s, line %d: no '%s' where it should be" % (name, line, old))
            lines[line - 1] = text[:column] + new.encode() + text[column + len(old) :]
        return b"\n".join(lines).decode()

    def _parameters(self, function):
        inside = list(ast.walk(function))
        if any(isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)) for node in inside[1:]):
            return []
        taken = {node.id for node in inside if isinstance(node, ast.Name)} | _said_otherwise(inside)
        old = [arg for arg in function.args.args if arg.arg != "self" and arg.arg not in self._by_name | _said_otherwise(inside)]
        free = (letter for letter in string.ascii_lowercase if letter not in taken)
        new = {arg.arg: letter for arg, letter in zip(old, free) if len(arg.arg) > 1}
        edits = [(arg.lineno, arg.col_offset, arg.arg, new[arg.arg]) for arg in old if arg.arg in new]
        names = [node for node in inside if isinstance(node, ast.Name) and node.id in new]
        return edits + [(node.lineno, node.col_offset, node.id, new[node.id]) for node in names]

    def _own_attributes(self, owner):
        new = self._attributes[owner.name]
        reads = [node for node in ast.walk(owner) if _is_of_self(node) and node.attr in new]
        return [(node.end_lineno, node.end_col_offset - len(node.attr.encode()), node.attr, new[node.attr]) for node in reads]

    def _private_attributes(self, everything):
        """{class: {attribute: short name}}; a class has what its bases have, too, under the same names."""
        classes = [node for node in everything if isinstance(node, ast.ClassDef)]
        own = {node.name: {part.attr for part in ast.walk(node) if _is_of_self(part)} for node in classes}
        kept = {node.value for node in everything if isinstance(node, ast.Constant) and isinstance(node.value, str)}
        kept |= {node.name for node in everything if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))}
        kept |= {node.attr for node in everything if isinstance(node, ast.Attribute) and not _is_of_self(node)}
        kept |= {target.id for node in classes for part in node.body for target in getattr(part, "targets", ()) if isinstance(target, ast.Name)}
        family = _families(classes)
        shorts = {}
        for name in own:
            members = {attr for other in own if family[other] == family[name] for attr in own[other]}
            old = sorted(attr for attr in members if attr[0] == "_" and attr not in kept)
            shorts[name] = dict(zip(old, (short for short in _short_names() if short not in kept)))
        return shorts


def _is_of_self(node):
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"


def _said_otherwise(nodes):
    """Names that stand in a function as words: of exceptions, imports and globals."""
    words = set()
    for node in nodes:
        if isinstance(node, ast.ExceptHandler) and node.name:
            words.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            words.update(alias.asname or alias.name for alias in node.names)
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            words.update(node.names)
    return words


def _families(classes):
    """{class: the name that it has in common with its bases and heirs}."""
    family = {node.name: node.name for node in classes}
    for node in classes:
        for base in node.bases:
            if isinstance(base, ast.Name) and base.id in family:
                old, new = family[node.name], family[base.id]
                family.update({name: new for name, head in family.items() if head == old})
    return family


def _short_names():
    for first in ("_", "_a"):
        for letter in string.ascii_lowercase:
            yield first + letter
