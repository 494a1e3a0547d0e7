#!/usr/bin/env python3
"""Answers the module: one name is 127.0.0.1, all others do not exist.

usage: daemon.py SOCKET NAME
"""
import os
import socket
import sys

path, name = sys.argv[1:]
listener = socket.socket(socket.AF_UNIX)
listener.bind(path)
os.chmod(path, 0o666)
listener.listen(8)
print("ready", flush=True)
while True:
    client, _ = listener.accept()
    if client.recv(256).decode() == name:
        client.send(bytes([127, 0, 0, 1]))
    client.close()
