"""What TLS complains of, in words; and that it is on unless the settings say no in the right word."""

import sys

from tracker.system.settings import parse
from tracker.uplink.stream import words

_NAME = "The certificate Common Name (CN) does not match with the expected CN\n"
_CA = "The certificate is not correctly signed by the trusted CA\n"


def test_certificates():
    for text, said in (
        (_NAME, ("another name", "check broker_host")),
        ("The certificate validity has expired\n", ("has expired",)),
        ("The certificate validity starts in the future\n", ("not valid yet", "clock")),
        (_CA, ("not from our CA", "ca.der")),
        (_NAME + _CA, ("another name", " and ", "not from our CA")),
        ("something new\n", ("TLS: something new",)),
    ):
        for word in said:
            assert word in words(ValueError(text)), (text, words(ValueError(text)))
    assert words(ValueError()) == "TLS: "


def test_numbers():
    for error, said in (
        (OSError(-0x7280, "MBEDTLS_ERR_SSL_CONN_EOF"), "the broker cut the connection"),
        (OSError(-0x7780, "MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE"), "refuses our TLS"),
        (OSError(-0x6E00, "SSL - Handshake protocol not within min/max boundaries"), "TLS 1.2"),
        (OSError(-0x7200, "SSL - An invalid SSL record was received"), "does not speak TLS"),
        (OSError(-0x2880, "X509 - Allocation of memory failed"), "out of memory for TLS"),
        (OSError(-0x10, "MBEDTLS_ERR_MPI_ALLOC_FAILED"), "out of memory for TLS"),
        (OSError(12), "out of memory"),
        (MemoryError("memory allocation failed, allocating 20480 bytes"), "out of memory"),
        (OSError(-0x1234, "SSL - Something"), "TLS: SSL - Something"),
        (OSError(-0x1234), "TLS: error -4660"),
    ):
        assert said in words(error), (error, words(error))


def test_the_words_are_let_go():
    words(ValueError(_NAME))
    assert "tracker.uplink.tls_words" not in sys.modules


def test_tls_is_required_unless_the_settings_say_off():
    for data in (None, b"{}", b"rubbish", b'{"broker_tls": "OFF"}', b'{"broker_tls": false}', b'{"broker_tls": ""}'):
        assert parse(data, "x").broker_tls == "required", data
    assert parse(b'{"broker_tls": "off"}', "x").broker_tls == "off"
