"""python -m station: the far end of the road, on one machine."""

import argparse
import asyncio
import json
import logging
import signal
import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
for _folder in ("tools", "host_tests/fakes/cpython", "firmware"):  # its codec runs on CPython
    sys.path.insert(0, str(_ROOT / _folder))

from station import commands, export  # noqa: E402
from station.app import PortTaken, Station  # noqa: E402


def address(text):
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65535:
        raise argparse.ArgumentTypeError("%r is not HOST:PORT" % text)
    return host or "127.0.0.1", int(port)


def read_keys(path):
    """{"truck": "hex of its key"} -> device -> bytes."""
    keys = json.loads(Path(path).read_text())
    return {device: bytes.fromhex(key) for device, key in keys.items()}


def arguments():
    parser = argparse.ArgumentParser(prog="station", description="Stores and shows the fleet.",
                                     epilog="station command --help: what a truck can be told. "
                                            "station export --help: a truck's day as a file that proves itself.")
    parser.add_argument("--broker", type=address, default=("127.0.0.1", 1883), metavar="HOST:PORT")
    parser.add_argument("--user")
    parser.add_argument("--password")
    parser.add_argument("--db", default="station.sqlite", metavar="FILE")
    parser.add_argument("--http", type=address, default=("127.0.0.1", 8080), metavar="HOST:PORT")
    parser.add_argument("--keys", metavar="FILE", help='JSON {"truck": "hex"}; else unchecked')
    parser.add_argument("--silent-min", type=int, default=30, metavar="N",
                        help="a truck's place leaves the live map so long after a word was due")
    parser.add_argument("--outline", metavar="FILE", help="GeoJSON drawn under the trail")
    parser.add_argument("--tiles-url", metavar="URL", help="street tiles, https://…/{z}/{x}/{y}.png")
    return parser.parse_args()


async def serve(args, keys):
    station = Station(args.db, args.broker, args.http, keys, args.user, args.password,
                      args.outline, args.tiles_url, silent_s=60 * args.silent_min)
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    try:
        await station.start()
        print("The page: %s   Ctrl-C ends." % station.url, flush=True)
        await stop.wait()
    finally:
        await station.stop()


def main():
    if sys.argv[1:2] == ["command"]:
        return commands.main(sys.argv[2:])
    if sys.argv[1:2] == ["export"]:
        return export.command(sys.argv[2:])
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    args = arguments()
    try:
        keys = read_keys(args.keys) if args.keys else None
        if keys is None:
            print("No --keys: tags are kept but not checked, and a truck that has a key does not believe our acknowledgements: "
                  "it keeps its records. Give --keys.", flush=True)
        asyncio.run(serve(args, keys))
    except PortTaken as problem:
        print("station: %s (--http)" % problem, file=sys.stderr)
        return 1
    except (OSError, ValueError) as problem:
        print("station: %s" % problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
