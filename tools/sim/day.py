"""A day in pieces: rounds of one seed from the depot and back, and the hours that the truck is parked there between them."""

from sim.route import Round, drive


def make_day(seed, *pieces):
    """A Round of pieces ("drive", hours) and ("park", seconds); with the ignition of each round, off while parked. Give it to make_round()."""
    rounds = [drive(seed, length) if what == "drive" else length for what, length in pieces]
    first = next(piece for piece in rounds if isinstance(piece, Round))
    day = Round(first.network, 0)
    day.begins = []  # second at which each piece begins
    place = first.x[0], first.y[0]
    for piece in rounds:
        at = len(day.x)
        day.begins.append(at)
        if isinstance(piece, Round):
            day.x += piece.x[: piece.duration_s]
            day.y += piece.y[: piece.duration_s]
            day.length_m += piece.length_m
            day.stops += [(start + at, end + at, name) for start, end, name in piece.stops]
            day.tunnels += [(start + at, end + at) for start, end in piece.tunnels]
            day.ignition += [(t_s + at, level) for t_s, level in piece.ignition]
            place = day.x[-1], day.y[-1]
        else:
            day.x += [place[0]] * piece
            day.y += [place[1]] * piece
            day.ignition.append((at, 0))
    day.duration_s = len(day.x)
    day.ignition.append((day.duration_s, 0))
    return day
