"""How a benchmark speaks: a table for the eye, build/bench/<name>.json for the next program."""

import json

from setup.place import ROOT

FOLDER = ROOT / "build" / "bench"


def table(title, heads, rows):
    """Columns as wide as what is in them; numbers to the right."""
    cells = [[_text(cell) for cell in row] for row in [heads, *rows]]
    widths = [max(map(len, column)) for column in zip(*cells)]
    print("\n" + title)
    for i, row in enumerate(cells):
        print("  " + "  ".join(cell.ljust(w) if k == 0 else cell.rjust(w) for k, (cell, w) in enumerate(zip(row, widths))))
        if i == 0:
            print("  " + "  ".join("-" * w for w in widths))


def save(name, figures):
    """Write build/bench/<name>.json and say so."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / (name + ".json")
    path.write_text(json.dumps(figures, indent=1, sort_keys=True) + "\n")
    print("\n%s" % path.relative_to(ROOT))


def load(name):
    """What save() wrote, perhaps in another process."""
    return json.loads((FOLDER / (name + ".json")).read_text())


def _text(cell):
    return "%.2f" % cell if isinstance(cell, float) else str(cell)
