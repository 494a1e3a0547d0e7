#!/usr/bin/env python3
"""Hands out a status to each client, as the agent does. It is what FILE has at
that moment.

usage: fake_agent SOCKET FILE [resolved]   resolved: without the sources that
                                           have no address"""
import json
import os
import socket
import sys

path, file = sys.argv[1:3]


def text():
    with open(file, encoding='utf-8') as source:
        status = json.load(source)
    if 'resolved' in sys.argv[3:]:
        status['sources'] = [s for s in status['sources'] if s['address']]
    return json.dumps(status).encode()


listener = socket.socket(socket.AF_UNIX)
if os.path.exists(path):
    os.unlink(path)
listener.bind(path)
os.chmod(path, 0o666)
listener.listen(64)
while True:
    client, _ = listener.accept()
    try:
        client.sendall(text())
    except OSError:
        pass
    client.close()
