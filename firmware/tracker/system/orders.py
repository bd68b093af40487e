"""What a command of the office does on this board: status, one setting, reboot. Loaded for a command, then let go.

In: the App that runs, code and text of the command.  Out: (done, words for the office).
"""

import asyncio
import gc

from micropython import const

from tracker.record import RESET, TEXT, Record
from tracker.system import trial
from tracker.system.reset import NEW_SETTINGS, ORDERED
from tracker.version import VERSION

STATUS = const(1)
SET = const(2)
REBOOT = const(4)
_EARLY_S = const(120)  # no reboot so soon after a start, ...
_AGAIN_S = const(600)  # ... or after one that we ordered: a boot loop by mistake leaves the truck time to send
_ROOM = const(24 * 1024)  # bytes: a change loads 14 KB of settings.py and its neighbours, and holds the file twice


def run(app, code, text):
    """Obey; what can't be done is said."""
    if code == STATUS:
        return True, _status(app)
    if code == SET:
        return _set(app, text)
    if code == REBOOT:
        return _reboot(app)
    return False, "Version %s does not know this command. Nothing was done." % VERSION


async def try_settings(app, build, beat):
    """The room that is there while settings are on trial. build(name) gives the journal."""

    def is_confirmed():
        return app.uplink is not None and app.uplink.history.freed

    def tell(text):
        report(app, build, text)

    await trial.run(asyncio, app.trial, is_confirmed, tell, app.start_anew, beat)


def report(app, build, text):
    """To the office, in the journal."""
    app.log.info(text)
    rec = Record()
    rec.kind = TEXT
    rec.sec = app.trail and app.trail.now_sec(app.uptime()) or 0
    rec.n = len(text)
    rec.body[: rec.n] = text.encode()
    build("journal").append(rec)


def _uptime_s(app):
    """uptime() begins again after twelve days; health counts on, a minute behind."""
    return max(app.health.uptime_s if app.health else 0, app.uptime() // 1000)


def _status(app):
    journal, supply = app.journal, app.supply
    gc.collect()
    return "%s, up %d s, boot %d, %d records wait, numbers %d to %d, heap %d KB free, supply %s%s%s" % (
        VERSION,
        _uptime_s(app),
        app.boot,
        journal.next_seq - journal.acked_low,
        journal.oldest_seq,
        journal.next_seq - 1,
        gc.mem_free() >> 10,
        "%d mV" % supply.mv if supply and supply.mv else "not measured",
        app.missing(),
        ", new settings on trial" if (app.trial.get() or 0) > 0 else "",
    )


def _set(app, text):
    key, equals, value = text.partition("=")
    if not equals:
        return False, "A setting is KEY=VALUE. Nothing was changed."
    gc.collect()
    if gc.mem_free() < _ROOM:
        return False, "Too little memory to change a setting: %d KB free. Nothing was changed." % (gc.mem_free() >> 10)
    from tracker.system.settings import SettingsFile
    from tracker.system.settings_change import change

    store = SettingsFile(nvs=app.nvs)
    if trial.is_risky(key):
        try:
            trial.begin(store, app.trial)
        except OSError as error:
            return False, "What works now can't be kept (%s). Nothing was changed. Check the flash." % error
    done, english, indonesian = change(store, key, value, app.settings)
    if done and trial.is_risky(key):
        english += " From then on it is on trial: without an answer of the station within ten minutes it goes back."
        indonesian += " Setelah itu diuji: tanpa jawaban dari kantor dalam sepuluh menit, setelan lama kembali."
    return done, english + "\n" + indonesian


def _reboot(app):
    ours = app.reason == RESET and app.detail in (ORDERED, NEW_SETTINGS)
    least_s = _AGAIN_S if ours else _EARLY_S
    if _uptime_s(app) < least_s:
        return False, "Not so soon after a start: %d s more. Nothing was done." % (least_s - _uptime_s(app))
    app.uplink.then = app.start_anew  # when the broker has the answer
    return True, "It starts anew."
