"""Runs on the VM: stock umqtt.simple, QoS 1, so many messages of so many bytes. Prints the seconds that they took."""

import sys
import time

from umqtt.simple import MQTTClient


def main(port, count, size):
    client = MQTTClient("stock", "127.0.0.1", port, keepalive=60)
    client.connect()
    message = bytes(size)
    begun = time.ticks_ms()
    for _ in range(count):
        client.publish(b"lacak/truck-001/hist", message, qos=1)
    print(time.ticks_diff(time.ticks_ms(), begun))
    client.disconnect()


main(*map(int, sys.argv[1:]))
