"""The settings as the rooms have them. The class stands alone: who holds it holds nothing of settings.py and schema.py.

Out: Values.
"""


class Values:
    """One attribute a row of the schema, and what settings.py says of their reading. It has no repr: there are secrets."""
