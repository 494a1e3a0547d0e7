#!/usr/bin/python3
"""Writes down when answers of time servers reach the clients of tests/bench/kernel.

    kernel_answers.py INTERFACE...

Prints a line for each datagram from the port of NTP that goes to an interface: the
time of CLOCK_MONOTONIC (s), and the number of the interface from 0 on. Ends with
its input. Needs root.
"""
import select
import socket
import sys
import time

ETH_P_ALL = 3
ETH_HEADER = 14
IPV4, UDP, NTP_PORT = 0x0800, 17, 123


def is_ntp_answer(frame):
    if len(frame) < ETH_HEADER + 28 or \
            int.from_bytes(frame[12:14], 'big') != IPV4:
        return False
    packet = frame[ETH_HEADER:]
    start = 4 * (packet[0] & 15)
    return packet[9] == UDP and \
        int.from_bytes(packet[start:start + 2], 'big') == NTP_PORT


def main():
    names = sys.argv[1:]
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW,
                       socket.htons(ETH_P_ALL)) as s:
        while True:
            ready = select.select([s, sys.stdin], [], [])[0]
            if sys.stdin in ready:
                return
            frame, (name, *_) = s.recvfrom(2048)
            if name in names and is_ntp_answer(frame):
                print(f'{time.monotonic():.3f} {names.index(name)}',
                      flush=True)


main()
