"""The same days and drives as others would have sent them: estimates, each with its arithmetic. None of them was run here.

A fix: Teltonika's Codec 8 with twelve inputs, packets of 20, no TLS: (20 x 60 + 15) + 4 of answer + 3 x 40 of
TCP/IP, by 20. OwnTracks by MQTT QoS 1 and TLS: 174 (topic, JSON) + 4 (PUBACK) + 3 x 40 + 2 x 29 = 356. OsmAnd by TLS
that stays open: 264 + 38 of HTTP + 178 = 480.
"""

CODEC8_RECORD, CODEC8_FRAME, CODEC8_ANSWER, CODEC8_PACKET = 60, 15, 4, 20
TCP_IP, SEGMENTS, TLS_RECORD = 40, 3, 29
OWNTRACKS_MESSAGE, PUBACK = 174, 4
OSMAND_REQUEST, OSMAND_REPLY = 264, 38
PING = 2 * (2 + TLS_RECORD + 2 * TCP_IP)
EVERY_S = 10


def transport(tls_records):
    return SEGMENTS * TCP_IP + tls_records * TLS_RECORD


def codec8_fix():
    """With all that is around it; the record alone is 60."""
    return (CODEC8_PACKET * CODEC8_RECORD + CODEC8_FRAME + CODEC8_ANSWER + transport(0)) / CODEC8_PACKET


def owntracks_fix():
    return OWNTRACKS_MESSAGE + PUBACK + transport(2)


def osmand_fix():
    return OSMAND_REQUEST + OSMAND_REPLY + transport(2)


def day(shift_s, parked_s, codec8_fixes, losses, connect):
    """{name: (bytes, how)} of a truck's day. connect: what a connection by TLS costs, as we measured it."""
    moving = shift_s // EVERY_S
    idle = parked_s // 3600  # one fix an hour while parked, as their defaults do
    hello = 5 * TCP_IP + 19  # TCP, IMEI and its answer
    links = losses + 1
    return {
        "Codec 8, no TLS": (codec8_fixes * codec8_fix() + links * hello,
                            "%d fixes of its four triggers x %.0f + %d connections x %d"
                            % (codec8_fixes, codec8_fix(), links, hello)),
        "OwnTracks, TLS": ((moving + idle) * owntracks_fix() + links * connect + parked_s // 60 * PING,
                           "(%d + %d) fixes x %d + %d connections x %d + a ping a minute while parked x %d"
                           % (moving, idle, owntracks_fix(), links, connect, PING)),
        "OsmAnd, TLS": ((moving + idle) * osmand_fix() + links * connect,
                        "(%d + %d) fixes x %d + %d connections x %d" % (moving, idle, osmand_fix(), links, connect)),
    }
