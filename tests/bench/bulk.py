#!/usr/bin/python3
"""A stream of TCP as fast as the path lets it.

    bulk.py receive ADDRESS PORT
    bulk.py send ADDRESS PORT
"""
import socket
import sys
import time

CHUNK = bytes(256 * 1024)


def receive(address):
    with socket.create_server(address) as listener:
        while True:
            stream, _ = listener.accept()
            with stream:
                while stream.recv(len(CHUNK)):
                    pass


def send(address):
    while True:
        try:
            with socket.create_connection(address, timeout=30) as stream:
                while True:
                    stream.sendall(CHUNK)
        except OSError:
            time.sleep(0.1)     # the receiver does not listen yet


{'receive': receive, 'send': send}[sys.argv[1]](
    (sys.argv[2], int(sys.argv[3])))
