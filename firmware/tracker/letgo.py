"""What a room needs once is imported inside the function that needs it, used, and let go: its code is garbage then.

In: names of our own modules.  Out: the heap that they took, at the next collection.
"""

import sys


def let_go(*names):
    """Forget modules, "gnss.hunt" for tracker.gnss.hunt. Whoever holds an object of their making still holds them."""
    for name in names:
        room, _, leaf = ("tracker." + name).rpartition(".")
        sys.modules.pop("tracker." + name, None)
        if hasattr(sys.modules.get(room), leaf):
            delattr(sys.modules[room], leaf)
