"""How each room is built from settings and board.json. Loaded for that, and let go (app.py).

In: the App.  Out: its objects.  Owns: nothing. No function of this file is handed out: one that
    lived on would hold all the others. What serves on the road is App's own, or in chip.py.
"""

import json
import os
import random
import time
from binascii import crc32, hexlify

import esp32
import machine
from micropython import const

from tracker import chip
from tracker.letgo import let_go
from tracker.record import ASLEEP, SAFE_MODE
from tracker.system.reset import GNSS
from tracker.version import BUILD_SEC

_READ_BUF = const(256)


class NoTrail:
    """What the live lane follows while there is no trail."""

    newest = None
    newest_ms = 0
    hidden = False


def settings(app):
    """The values alone: what read and judged them is 11 KB on the board, and let go."""
    from tracker.system.settings import SettingsFile, secrets

    store = SettingsFile(nvs=app.nvs)
    if app.trial.get():
        from tracker.system import trial

        trial.at_start(store, app.trial)
    values = store.load("lacak-" + hexlify(machine.unique_id()).decode()[-6:])
    for secret in secrets(values):
        app.log.hide(secret)
    for problem in values.problems:
        app.log.warn(problem)
    values.problems = None
    let_go("system.settings", "system.schema", "system.strict")
    app.settings = values


def look_around(app):
    """What this board has. Whatever is missing, the rooms that can do without it run."""
    try:
        with open("board.json") as file:
            app.board = json.load(file)
    except (OSError, ValueError):
        pass
    # of a cut file json may make an empty one
    if not isinstance(app.board, dict) or "gnss" not in app.board:
        app.board = {}
        app.log.error(
            "board.json is missing or cut: the receiver's pins are not known, nothing is "
            "recorded. What the journal holds is still sent. Flash the board again."
        )
    found = esp32.Partition.find(esp32.Partition.TYPE_DATA, label="journal")
    if found:
        app.partition = found[0]
    else:
        app.log.error(
            "The flash has no partition 'journal': nothing can be recorded. "
            "Flash the board again, table too."
        )


def journal(app):
    """Whoever needs it first mounts it, GNSS unless that room is left out."""
    if app.journal is None:
        from tracker.store.journal import Journal

        mark, days = chip.NvsNumber(app.nvs, "seq"), app.settings.keep_acked_days
        made = Journal(app.partition, os.urandom, mark, keep_acked_days=days, window=app.thin_window)
        made.mount()
        app.journal = made
    return app.journal


def gnss(app):
    """Once: a task that starts anew goes on with the same objects; only a reset makes new ones."""
    from tracker.fix import Fix
    from tracker.gnss.clock import ClockGate
    from tracker.gnss.receiver import Receiver
    from tracker.sampling.quality import Quality
    from tracker.sampling.window import Window

    values, pins = app.settings, app.board["gnss"]
    hours = values.shift_from_min, values.shift_to_min, values.utc_offset_min
    if hours[0] == hours[1]:
        from tracker.sampling.trail import Trail
    else:
        from tracker.sampling.shift import Shift, ShiftTrail as Trail
    if values.parser == "micropygps":  # the other one is not loaded
        from tracker.gnss.nmea_micropygps import MicropyGPSParser as Parser
    else:
        from tracker.gnss.nmea import NmeaParser as Parser
    kept = journal(app)
    uart, set_baud = app.uart = app.uart or chip.gnss_uart(pins, values.gnss_baud)
    parser = Parser(Fix(), app.on_epoch)
    app.receiver = Receiver(
        uart, parser, bytearray(_READ_BUF), values.gnss_baud, set_baud, _supply(pins),
        pins.get("modem")
    )  # fmt: skip
    every = values.sample == "all"
    window = Window(values.bound_m, values.silence_moving_s, values.silence_parked_s, every)
    gate = ClockGate(BUILD_SEC, kept.last_sec)
    quality = Quality()
    reason, detail, begun_ms = app.reason, app.detail, 0
    if app.resets.off >> GNSS & 1:
        reason, detail = SAFE_MODE, GNSS
    if reason == SAFE_MODE:
        begun_ms = app.uptime()
    app.trail = Trail(
        kept, gate, quality, window, reason, detail, boot=app.boot, begun_ms=begun_ms
    )
    if hours[0] != hours[1]:
        app.trail.shift = Shift(*hours)
    if app.uplink is not None:
        app.uplink.live.trail = app.trail
    app.watched.update(
        parser=parser, gate=gate, quality=quality, receiver=app.receiver, trail=app.trail
    )


def power(app):
    """Ignition, supply, sleep."""
    from tracker.system.power import Power
    from tracker.system.supply import Supply

    values, board = app.settings, app.board
    app.supply = app.watched["supply"] = Supply(values.supply_low_mv)
    app.power = Power(
        app.log, app.trail, app.journal, app.supply, app.hold_radio, app.uptime,
        app.fall_asleep if "sleep" in board else None, _ignition(board), chip.millivolts(board),
        values.sleep_after_min, values.heartbeat_min, app.reason == ASLEEP
    )  # fmt: skip
    app.power.goodbye = app.goodbye


def health(app):
    """What looks at all the others; for each start of its task a new one."""
    import gc

    from tracker.system.health import Health

    app.health = Health(app.journal, app.boot, app.reason, app.detail, gc, esp32.idf_heap_info)
    watched = app.health.watched
    watched.update(resets=app.resets, settings=app.settings, loop=app.supervisor, log=app.log)
    for room in app.supervisor.rooms:
        watched[room.name] = room


def link(app):
    """Wi-Fi, and on a board with a modem cellular too."""
    import network

    from tracker.link.wifi import Wifi

    values, wired, ticks = app.settings, app.board and app.board.get("modem"), time.ticks_ms
    networks = [pair for pair in (
        (values.wifi_ssid, values.wifi_password), (values.wifi2_ssid, values.wifi2_password)
    ) if pair[0]]  # fmt: skip
    wlan = network.WLAN(network.STA_IF)
    app.link = wifi = app.watched["wifi"] = Wifi(wlan, networks, app.log, ticks, app.ask_reset)
    if wired:
        from tracker import chip_modem
        from tracker.link.bearers import Bearers
        from tracker.link.modem import Modem

        pin, spent = chip.NvsNumber(app.nvs, "pin"), chip.NvsNumber(app.nvs, "cell")
        port, clock = chip_modem.ModemPort(wired), chip_modem.offer_time
        modem = Modem(port, wired, network.PPP, values, pin, app.log, ticks, clock, app.ask_reset)
        app.watched["modem"] = modem
        app.link = app.watched["bearers"] = Bearers(
            wifi, modem, len(networks), values, spent, chip_modem.month, app.report, ticks
        )
    if app.power is not None and app.power.held:
        app.link.hold(True)


def uplink(app):
    """The session with the broker."""
    from tracker.uplink import clock
    from tracker.uplink.uplink import Uplink

    made = Uplink(
        app.settings, journal(app), app.trail or NoTrail, _net(app, clock), app.link, clock,
        random.randrange, app.log, app.boot, app.missing
    )  # fmt: skip
    made.obey = app.obey
    app.uplink = made
    app.watched.update(session=made, history=made.history)


def safe(app):
    """What tries again whatever is missing."""
    from tracker.system.safe import SafeMode

    return SafeMode(
        app.supervisor, app.resets, app.log, time.ticks_ms, _ignition(app.board), app.missing,
        app.tell
    )  # fmt: skip


def _net(app, clock):
    """What opens connections: by TLS unless the settings say no, by name if they have a name."""
    import select
    import socket

    from tracker.uplink.stream import Tcp, is_address

    values = app.settings
    host = values.broker_host
    if values.broker_tls == "off":
        app.log.warn(
            "'broker_tls' is off: anybody on the way can read, forge and pose as the broker. "
            "For a bench only."
        )
        net = Tcp(socket, select, clock)
    else:
        from tracker.uplink.secure import Secure

        net = Secure(socket, select, clock, chip.clock_is_set, chip.system_heap, app.log)
        app.watched["tls"] = net
    if host and not is_address(host):
        from tracker.uplink.names import Names

        servers = chip.name_servers(values.dns_server, is_address)
        # another name, another address
        kept = chip.NvsNumber(app.nvs, "ip%x" % crc32(host.encode()))
        net.names = app.watched["names"] = Names(socket, clock, os.urandom, servers, kept)
    return net


def _supply(pins):
    """The receiver's power pin as a function of the level; None on a board without one."""
    if "power" not in pins:
        return None
    # hold=False: it was held low in a deep sleep
    return machine.Pin(pins["power"], machine.Pin.OUT, value=1, hold=False).value


def _ignition(board):
    """The switch as a function of nothing; None on a board without one."""
    pin = board.get("inputs", {}).get("ignition")
    return None if pin is None else machine.Pin(pin, machine.Pin.IN).value
