"""Clients that mean no good, and one that does, at the exporter's HTTP side.

usage: hostile.py PORT PID
Prints a line for each check, and the count as the last line."""
import os
import random
import socket
import sys
import time

PORT, PID = int(sys.argv[1]), int(sys.argv[2])
REQUEST = b'GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n'
CLIENTS_MAX = 16
results = {'passed': 0, 'failed': 0}


def check(what, good, seen=''):
    results['passed' if good else 'failed'] += 1
    print(f"  {'ok  ' if good else 'FAIL'}  {what}" + ('' if good else f': {seen}'))


def connect(data=b''):
    s = socket.create_connection(('127.0.0.1', PORT), timeout=10)
    if data:
        s.sendall(data)
    return s


def read_all(s):
    parts = []
    try:
        while True:
            part = s.recv(65536)
            if not part:
                break
            parts.append(part)
    except OSError as error:
        return b''.join(parts), error
    return b''.join(parts), None


def ask(data):
    with connect() as s:
        try:
            s.sendall(data)
        except OSError:
            pass  # it may answer and close before all is sent
        return read_all(s)[0]


def status_of(answer):
    return answer.split(b'\r\n', 1)[0].decode('ascii', 'replace')


def is_whole(answer):
    head, _, body = answer.partition(b'\r\n\r\n')
    for line in head.split(b'\r\n'):
        if line.lower().startswith(b'content-length:'):
            return len(body) == int(line.split(b':')[1])
    return False


def scraped():
    start = time.monotonic()
    answer = ask(REQUEST)
    return (answer.startswith(b'HTTP/1.1 200 ') and is_whole(answer)
            and b'\nntsagent_up 1\n' in answer and time.monotonic() - start < 2)


def descriptors():
    return len(os.listdir(f'/proc/{PID}/fd'))


def resident_kb():
    with open(f'/proc/{PID}/statm', encoding='ascii') as file:
        return int(file.read().split()[1]) * os.sysconf('SC_PAGESIZE') // 1024


def settled():
    """Nobody is connected any more."""
    end = time.monotonic() + 3
    while descriptors() > idle and time.monotonic() < end:
        time.sleep(0.05)
    return descriptors() <= idle


def idle_connections():
    held = [connect(b'GET /metrics HT') for _ in range(100)]
    check('100 idle connections keep nobody out', scraped())
    check('there are few of them at any time',
          descriptors() <= idle + CLIENTS_MAX, descriptors())
    start = time.monotonic()
    # One byte a second gives no more time.
    slow = connect(b'G')
    slow.settimeout(1)
    while time.monotonic() - start < 8:
        try:
            slow.send(b'E')
            if slow.recv(1) == b'':
                break
        except TimeoutError:
            continue
        except OSError:
            break
    took = time.monotonic() - start
    check('a slow request is dropped after 5 s', 4 < took < 7, took)
    for s in held + [slow]:
        s.close()


def no_readers():
    held = [connect(REQUEST) for _ in range(CLIENTS_MAX)]
    check('clients that do not read keep nobody out', scraped())
    for s in held:
        s.close()


def odd_requests():
    for what, data, status in [
            ('a long request', b'GET /' + b'a' * 1000000, '431'),
            ('a long header', REQUEST[:-2] + b'A: ' + b'a' * 1000000, '431'),
            ('a TLS client', b'\x16\x03\x01\x02\x00\x01\x00\x01\xfc', '400'),
            ('HTTP/2', b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', '505'),
            ('a POST with a large body', b'POST /metrics HTTP/1.1\r\nHost: a\r\n'
             b'Content-Length: 1000000\r\n\r\n' + b'b' * 60000, '405'),
            ('another path', b'GET /metrics/../../etc/passwd HTTP/1.0\r\n\r\n', '404'),
            ('no host', b'GET /metrics HTTP/1.1\r\n\r\n', '400'),
            ('two requests at once', REQUEST * 2, '200')]:
        answer = ask(data)
        check(f'{what}: {status}', status_of(answer).startswith('HTTP/1.1 ' + status)
              and is_whole(answer), status_of(answer))
    answer = ask(REQUEST * 2)
    check('one answer for each connection', answer.count(b'HTTP/1.1 ') == 1)


def half_closed():
    with connect(REQUEST) as s:
        s.shutdown(socket.SHUT_WR)
        answer, _ = read_all(s)
    check('a client that has closed its side gets the answer', is_whole(answer))


def garbage(rounds):
    """Requests with random faults, from one seed."""
    chance = random.Random(14)
    for _ in range(rounds):
        data = bytearray(REQUEST)
        for _ in range(chance.randrange(1, 6)):
            at = chance.randrange(len(data))
            kind = chance.randrange(3)
            if kind == 0:
                data[at] = chance.randrange(256)
            elif kind == 1:
                del data[at:at + chance.randrange(1, 9)]
            else:
                data[at:at] = bytes(chance.randrange(256) for _ in range(9))
            data = data or bytearray(b'x')
        s = connect(bytes(data))
        s.shutdown(socket.SHUT_WR)
        answer, _ = read_all(s)
        s.close()
        if answer and not (answer.startswith(b'HTTP/1.1 ') and is_whole(answer)):
            check('an answer to garbage is whole', False, bytes(data))
            return
    check(f'{rounds} requests with faults have whole answers or none', True)


def is_sanitized():
    with open(f'/proc/{PID}/maps', encoding='ascii', errors='replace') as maps:
        return 'libasan' in maps.read()


def no_growth():
    for _ in range(200):
        ask(REQUEST)
    before = resident_kb()
    bad = sum(not is_whole(ask(REQUEST)) for _ in range(1000))
    check('1000 requests are answered', bad == 0, bad)
    grown = resident_kb() - before
    # The sanitizer keeps what was freed. It finds leaks by itself.
    limit = 400000 if is_sanitized() else 1024
    check('and the process does not grow', grown < limit, f'{grown} kB')


idle = descriptors()
check('a scrape', scraped())
idle_connections()
no_readers()
odd_requests()
half_closed()
garbage(400)
no_growth()
check('all connections are closed at the end', settled(), descriptors())
check('and it still serves', scraped())
print('hostile clients: {passed} passed, {failed} failed'.format(**results))
sys.exit(results['failed'] > 0)
