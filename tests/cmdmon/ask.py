#!/usr/bin/env python3
"""A client of chrony's monitoring protocol, as bytes.

usage: ask status SERVER COMMAND   prints the status of the answer, or "none"
       ask agrees SERVER           tracking and sources say what standard input,
                                   `ntsctl status --json`, says
       ask collectors SERVER       as netdata, Telegraf, chrony_exporter and
                                   ntpcheck ask, in the forms of their library;
                                   standard input as for "agrees"
       ask hostile SERVER SECONDS  sends garbage: no answer may be longer than
                                   what it answers
       ask flood SERVER            sends 20000 requests at once; no more may be
                                   answered than the limits allow
       ask many SERVER NUMBER      asks so often, slowly enough to be answered
SERVER is 127.0.0.1:PORT, [::1]:PORT or the path of a UNIX socket."""
import json
import os
import random
import socket
import struct
import sys
import tempfile
import time

HEADER = struct.Struct('>BBBBHHIII')
REPLY = struct.Struct('>BBBBHHHHHHIII')
LENGTHS = {14: 32, 15: 76, 33: 104, 34: 84, 44: 48, 57: 172, 65: 284, 67: 52, 69: 76}


def connect(server):
    if server.startswith('/'):
        own = tempfile.mktemp(dir=os.path.dirname(server))
        s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        s.bind(own)
        os.chmod(own, 0o666)
        s.connect(server)
        return s
    host, port = server.rsplit(':', 1)
    family = socket.AF_INET6 if host.startswith('[') else socket.AF_INET
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.connect((host.strip('[]'), int(port)))
    return s


def request(command, sequence=1, body=b'', length=None):
    packet = HEADER.pack(6, 1, 0, 0, command, 0, sequence, 0, 0) + body
    return packet.ljust(length or LENGTHS.get(command, 64), b'\0')


def ask(s, packet, timeout=2):
    """The status and the data of the answer to this very request; or None."""
    s.settimeout(timeout)
    s.send(packet)
    sequence = HEADER.unpack_from(packet)[6]
    while True:
        try:
            answer = s.recv(2048)
        except OSError:
            return None
        head = REPLY.unpack_from(answer)
        if head[10] == sequence:
            return head[6], answer[REPLY.size:]


def number(word):
    exponent, coefficient = word >> 25, word & 0x1ffffff
    exponent -= 128 if exponent >= 64 else 0
    coefficient -= 1 << 25 if coefficient >= 1 << 24 else 0
    return coefficient * 2.0 ** (exponent - 25)


def near(what, seen, expected):
    if abs(seen - expected) > 1e-6 * abs(expected) + 1e-12:
        sys.exit(f'{what} is {seen}, expected {expected}')


def agrees(server):
    """The agent's status and the answers are of two moments: what changes with
    each sample may differ by then, so the status is the example of a test."""
    status, s = json.load(sys.stdin), connect(server)
    _, data = ask(s, request(14))
    if struct.unpack('>I', data)[0] != len(status['sources']):
        sys.exit('another number of sources')
    _, data = ask(s, request(33))
    words = struct.unpack_from('>9I', data, 4 + 20 + 4 + 12)
    clock = status['clock']
    near('root delay', number(words[6]), clock['root_delay_ns'] / 1e9)
    near('RMS offset', number(words[2]), clock['rms_offset_ns'] / 1e9)
    near('skew', number(words[5]), clock['skew_ppm'])
    for i, source in enumerate(status['sources']):
        _, data = ask(s, request(15, body=struct.pack('>I', i)))
        fields = struct.unpack_from('>hHHHHH', data, 20)
        near('poll', fields[0], source['poll_log2_s'])
        near('reach', fields[5], source['reach'])
        near('error', number(struct.unpack_from('>I', data, 44)[0]),
             (source['error_ns'] or 0) / 1e9)


# The Go library that these collectors share (its public source has the tables):
# the number of zeros depends on what stands behind the header, so the lengths
# are 416, 420 with an index and 424 with an address. The names are those of its
# answers, with what the layout of each field is. `x` is padding.
GO_ZEROS = 396
GO_COMMANDS = {'sources': 14, 'sourcedata': 15, 'tracking': 33,
               'sourcestats': 34, 'activity': 44, 'serverstats': 54,
               'ntpdata': 57, 'sourcename': 65}
GO_ANSWERS = {
    'sources': (2, 'n:I'),
    'sourcedata': (3, 'ip:16s family:H pad:H poll:h stratum:H state:H mode:H '
                   'flags:H reach:H since:I orig:f latest:f error:f'),
    'tracking': (5, 'refid:I ip:16s family:H pad:H stratum:H leap:H high:I '
                 'low:I nsec:I correction:f last:f rms:f freq:f resid:f '
                 'skew:f delay:f dispersion:f interval:f'),
    'sourcestats': (6, 'refid:I ip:16s family:H pad:H samples:I runs:I span:I '
                    'deviation:f resid:f skew:f offset:f offset_error:f'),
    'activity': (12, 'online:i offline:i burst_online:i burst_offline:i '
                 'unresolved:i'),
    'ntpdata': (16, 'ip:16s family:H pad:H local:16s lfamily:H lpad:H port:H '
                'leap:B version:B mode:B stratum:B poll:b precision:b '
                'root_delay:f root_dispersion:f refid:I high:I low:I nsec:I '
                'offset:f delay:f dispersion:f response:f asymmetry:f flags:H '
                'tx:B rx:B sent:I received:I valid:I r1:I r2:I r3:I r4:I'),
    'sourcename': (19, 'name:256s'),
}
# What each collector asks, in its order; "each" is for each source.
COLLECTORS = {
    'netdata': ('tracking', 'activity', 'serverstats'),
    'Telegraf': ('activity', 'tracking', 'serverstats', 'sources',
                 'each sourcedata', 'each sourcename', 'sources',
                 'each sourcestats', 'each sourcename'),
    'chrony_exporter': ('sources', 'each sourcedata', 'tracking',
                        'serverstats'),
    'ntpcheck': ('tracking', 'serverstats', 'sources', 'each sourcedata',
                 'each ntpdata', 'each sourcename'),
}


def go_request(name, sequence, index=None, address=None):
    body, zeros = b'', GO_ZEROS
    if index is not None:
        body, zeros = struct.pack('>iI', index, 0), zeros - 4
    elif address:
        body = struct.pack('>16sHHI', address[0], address[1], 0, 0)
        zeros -= 16
    return request(GO_COMMANDS[name], sequence, body,
                   HEADER.size + len(body) + zeros)


def go_answer(name, answer):
    """The fields, if it is what this library takes."""
    reply, table = GO_ANSWERS[name]
    head = REPLY.unpack_from(answer)
    if head[:2] != (6, 2) or head[4:7] != (GO_COMMANDS[name], reply, 0):
        sys.exit(f'{name}: {head}')
    names, kinds = zip(*(word.split(':') for word in table.split()))
    layout = struct.Struct('>' + ''.join(kinds).replace('f', 'I'))
    if len(answer) < REPLY.size + layout.size:
        sys.exit(f'{name}: only {len(answer)} bytes')
    values = layout.unpack_from(answer, REPLY.size)
    return {n: number(v) if k == 'f' else v
            for n, k, v in zip(names, kinds, values)}


def seconds(ns):
    return (ns or 0) / 1e9


def same(what, seen, expected):
    if seen != expected:
        sys.exit(f'{what} is {seen}, expected {expected}')


def address_of(source):
    """Family and 16 bytes; a source without an address has a number instead."""
    text = source['address']
    family, kind = ((2, socket.AF_INET6) if ':' in text else (1, socket.AF_INET))
    return family, socket.inet_pton(kind, text).ljust(16, b'\0')


LEAPS = {'normal': 0, 'insert': 1, 'delete': 2}
STATES = {'*': 0, '?': 1, 'x': 2, '~': 3, '+': 4, '-': 5}
NEVER = 2**32 - 1
SKEW_UNKNOWN_PPM = 2000


def judge_sources(got, status, _):
    near('number of sources', got['n'], len(status['sources']))


def judge_activity(got, status, _):
    """No source of the example is switched off."""
    resolved = [s for s in status['sources'] if s['address']]
    near('online', got['online'], len(resolved))
    near('unresolved', got['unresolved'], len(status['sources']) - len(resolved))
    for name in ('offline', 'burst_online', 'burst_offline'):
        near(name, got[name], 0)


def judge_tracking(got, status, _):
    clock = status['clock']
    selected = [s for s in status['sources'] if s['mark'] == '*'][0]
    same('reference ID', got['refid'], int(clock['reference_id'], 16))
    same('address', (got['family'], got['ip']), address_of(selected))
    near('leap', got['leap'], LEAPS[clock['leap']])
    near('stratum', got['stratum'], clock['stratum'])
    near('correction', got['correction'], -seconds(clock['offset_ns']))
    near('last offset', got['last'], seconds(clock['update_offset_ns']))
    near('RMS offset', got['rms'], seconds(clock['rms_offset_ns']))
    near('frequency', got['freq'], clock['uncorrected_frequency_ppm'])
    near('residual frequency', got['resid'], clock['residual_frequency_ppm'])
    near('skew', got['skew'], clock['skew_ppm'])
    near('root delay', got['delay'], seconds(clock['root_delay_ns']))
    near('root dispersion', got['dispersion'],
         seconds(clock['root_dispersion_ns']))
    near('interval', got['interval'], clock['update_interval_s'])
    near('reference time', got['low'] + got['nsec'] / 1e9,
         clock['reference_time_ns'] / 1e9)


def judge_sourcedata(got, _, source):
    near('poll', got['poll'], source['poll_log2_s'])
    near('stratum', got['stratum'], source['stratum'] or 0)
    near('state', got['state'], STATES[source['mark']])
    near('reach', got['reach'], source['reach'])
    since = source['last_rx_s']
    near('since', got['since'], NEVER if since is None else int(since))
    near('latest', got['latest'], seconds(source['adjusted_offset_ns']))
    near('original', got['orig'], seconds(source['measured_offset_ns']))
    near('error', got['error'], seconds(source['error_ns']))


def judge_sourcestats(got, _, source):
    near('samples', got['samples'], source['samples'])
    near('runs', got['runs'], source['runs'])
    near('span', got['span'], source['span_s'])
    near('frequency', got['resid'], source['residual_frequency_ppm'] or 0)
    near('skew', got['skew'], SKEW_UNKNOWN_PPM if source['skew_ppm'] is None
         else source['skew_ppm'])
    near('offset', got['offset'], seconds(source['estimated_offset_ns']))
    near('offset error', got['offset_error'], seconds(source['error_ns']))
    if source['std_dev_ns'] is not None:
        near('deviation', got['deviation'], seconds(source['std_dev_ns']))


def judge_sourcename(got, _, source):
    same('name', got['name'].split(b'\0')[0].decode(), source['host'])


def judge_ntpdata(got, _, source):
    near('sent', got['sent'], source['packets']['sent'])
    near('valid', got['valid'], source['packets']['valid'])
    if source['answer']:
        near('delay', got['delay'], seconds(source['delay_ns']))
        near('offset', got['offset'], -seconds(source['measured_offset_ns']))
        near('response', got['response'],
             seconds(source['answer']['response_ns']))


# Compare the fields with the status; signs as chronyd has them.
JUDGES = {'sources': judge_sources, 'activity': judge_activity,
          'tracking': judge_tracking, 'sourcedata': judge_sourcedata,
          'sourcestats': judge_sourcestats, 'sourcename': judge_sourcename,
          'ntpdata': judge_ntpdata}


def go_each(talk, name, status, addresses):
    for i, source in enumerate(status['sources']):
        if name in ('sourcedata', 'sourcestats'):
            got = talk(name, index=i)
        elif source['address']:
            got = talk(name, address=addresses[i])
        else:
            continue
        if 'family' in got:
            addresses[i] = (got['ip'], got['family'])
        JUDGES[name](got, status, source)


def collectors(server):
    """No collector gets another answer than from a chronyd, which tells only
    its own user what it served."""
    status, s, sequence = json.load(sys.stdin), connect(server), 0
    s.settimeout(2)

    def talk(name, **what):
        nonlocal sequence
        sequence += 1
        s.send(go_request(name, sequence, **what))
        answer = s.recv(1024)
        if name == 'serverstats':
            if REPLY.unpack_from(answer)[6] != 2:
                sys.exit(f'serverstats: {REPLY.unpack_from(answer)}')
            return None
        return go_answer(name, answer)

    for collector, questions in COLLECTORS.items():
        addresses, asked = {}, sequence
        for question in questions:
            each, _, name = question.rpartition(' ')
            if each:
                go_each(talk, name, status, addresses)
            else:
                got = talk(name)
                if got:
                    JUDGES[name](got, status, None)
        print(f'{collector}: {sequence - asked} questions')


def garbage(rng):
    """A request with wrong bytes, a wrong length, or bytes by chance."""
    packet = bytearray(request(rng.choice(list(LENGTHS)), rng.getrandbits(32)))
    for _ in range(rng.choice((0, 1, 1, 4, 30))):
        packet[rng.randrange(len(packet))] = rng.getrandbits(8)
    kind = rng.randrange(4)
    if kind == 0:
        packet = packet[:rng.randrange(len(packet) + 1)]
    elif kind == 1:
        packet += bytes(rng.randrange(3000))
    elif kind == 2:
        packet = bytearray(rng.randbytes(rng.randrange(600)))
    return bytes(packet)


def hostile(server, seconds):
    """A late answer may come when later packets were sent."""
    rng, s = random.Random(1), connect(server)
    end, answers, lengths = time.monotonic() + seconds, 0, {}
    s.settimeout(0.003)
    while time.monotonic() < end:
        packet = garbage(rng)
        name = packet[4:6] + packet[8:12]
        lengths[name] = max(lengths.get(name, 0), len(packet))
        try:
            s.send(packet)
            answer = s.recv(4096)
        except OSError:
            continue
        answers += 1
        if len(answer) > lengths.get(answer[4:6] + answer[16:20], 0):
            sys.exit(f'{len(answer)} bytes answer no request so long')
    print(f'{answers} answered')


def flood(server):
    s = connect(server)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    answers, start = 0, time.monotonic()
    s.setblocking(False)
    for i in range(20000):
        try:
            s.send(request(44, i))
        except OSError:
            pass
        try:
            while s.recv(2048):
                answers += 1
        except OSError:
            pass
    s.settimeout(0.3)
    try:
        while s.recv(2048):
            answers += 1
    except OSError:
        pass
    allowed = 4000 + 4000 * (time.monotonic() - start)
    if answers > allowed:
        sys.exit(f'{answers} answers, more than {allowed:.0f}')
    print(f'{answers} of 20000 answered')


def many(server, count):
    s, answers = connect(server), 0
    for i in range(count):
        while ask(s, request((14, 33, 44, 15)[i % 4], i), 0.2) is None:
            pass
        answers += 1
    print(answers)


def main():
    what, server, *rest = sys.argv[1:]
    if what == 'status':
        command = int(rest[0])
        answer = ask(connect(server), request(command))
        print('none' if answer is None else answer[0])
    elif what == 'agrees':
        agrees(server)
    elif what == 'collectors':
        collectors(server)
    elif what == 'hostile':
        hostile(server, float(rest[0]))
    elif what == 'flood':
        flood(server)
    elif what == 'many':
        many(server, int(rest[0]))
    else:
        sys.exit(__doc__)


if __name__ == '__main__':
    main()
