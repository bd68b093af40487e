"""What TLS complains of, as a technician reads it. Loaded for the first complaint.

In: the exception of a TLS socket. Out: why().
"""

_CERTIFICATE = (  # part of the sentence that mbedtls has for it; ours
    ("CN", "the broker's certificate is for another name: check broker_host"),
    ("expired", "the broker's certificate has expired"),
    ("future", "the broker's certificate is not valid yet: is the tracker's clock right?"),
    ("trusted CA", "the broker's certificate is not from our CA: check ca.der, ca.pem"),
)
_NUMBERS = {  # mbedtls/ssl.h
    -0x7280: "the broker cut the connection",
    -0x7780: "the broker refuses our TLS: it has to speak TLS 1.2, and if it asks for a "
    "certificate, client.crt and client.key have to be on the board",
    -0x6E00: "the broker's version of TLS is not ours: it has to speak TLS 1.2",
    -0x7200: "what answers there does not speak TLS: check broker_port",
}


def why(error):
    if isinstance(error, ValueError):
        text = str(error.args[0]) if error.args else ""
        found = [ours for theirs, ours in _CERTIFICATE if theirs in text]
        return " and ".join(found) or "TLS: " + text.strip()
    text = str(error.args[1]) if len(error.args) > 1 else "error %d" % error.args[0]
    if "ALLOC" in text.upper():
        return "out of memory for TLS"
    return _NUMBERS.get(error.args[0], "TLS: " + text)
