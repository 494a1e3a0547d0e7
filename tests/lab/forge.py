#!/usr/bin/python3
"""Answers each NTP request with forged packets, in the name of the server.

    forge.py INTERFACE COUNT

Runs on the host of the server. Like an attacker on the path it sees the requests
and has no key. For each request over IPv4 it sends, COUNT times: an NTS NAK with
the right unique identifier and origin, one with wrong ones, the request turned
into an answer, and noise. Prints "sent N" after each request.
"""
import os
import socket
import struct
import sys

UDP = 17
NTP = 123
NAK = 0x4e54534e    # "NTSN"


def requests(interface):
    """Yields addresses, client port and NTP packet of each request."""
    tap = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
    tap.bind((interface, 0x0800))
    while True:
        packet, sender = tap.recvfrom(2048)
        head = (packet[0] & 15) * 4
        if sender[2] != socket.PACKET_HOST or packet[9] != UDP:
            continue
        port, to = struct.unpack('!HH', packet[head:head + 4])
        if to == NTP:
            yield packet[16:20], packet[12:16], port, packet[head + 8:]


def forgeries(request):
    """Yields a plain NTS NAK (RFC 8915 section 5.7) and other packets."""
    head = struct.pack('!BBbbIII', 0xe4, 0, 6, -20, 0, 0, NAK)
    tail = bytes(8) + request[40:48] + bytes(16)
    identifier = request[48:84]
    yield head + tail + identifier
    yield head + tail + identifier[:4] + os.urandom(32)
    yield bytes([0x24, 1]) + request[2:24] + request[40:48] + request[32:]
    yield os.urandom(len(request))


def main():
    interface, count = sys.argv[1], int(sys.argv[2])
    out = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    sent = 0
    for server, client, port, request in requests(interface):
        for forged in list(forgeries(request)) * count:
            ip = struct.pack('!BBHHHBBH4s4s', 0x45, 0, 28 + len(forged), 0, 0,
                             64, UDP, 0, server, client)
            udp = struct.pack('!HHHH', NTP, port, 8 + len(forged), 0)
            out.sendto(ip + udp + forged, (socket.inet_ntoa(client), 0))
            sent += 1
        print('sent', sent, flush=True)


main()
