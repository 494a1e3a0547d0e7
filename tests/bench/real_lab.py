"""Namespaces, servers and clients of one condition, on this machine's kernel.

The client and its servers are hosts on one bridge. They all read the kernel's
clock: if a client shows an offset other than 0, that is the client's error.
"""
import calendar
import json
import math
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
CLIENT, RELAY, SERVERS = 2, 31, (11, 12, 13)
SHAPER = 'rate 20mbit burst 16kb latency 100ms'
BULK_PORT = {'down': 5001, 'up': 5002}
# The cores that have a busy loop, by Condition.busy.
BUSY = {'': set(), 'client': {'client'}, 'both': {'client', 'servers'}}
# The field of `chronyc -c ntpdata` that has the number of sent requests.
CHRONYC_TOTAL_TX = 30
# Without this capability no process can set the clock.
HARMLESS = ('setpriv', '--bounding-set=-sys_time', '--inh-caps=-sys_time')


def ipv4(host):
    return '10.77.0.%d' % host


def ipv6(host):
    return 'fd77::%d' % host


def names_for_certificate():
    return ','.join(a(h) for h in SERVERS for a in (ipv4, ipv6))


def run(*argv):
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL)


def can_shape():
    """Tries a shaper on the loopback of a namespace."""
    if not shutil.which('tc'):
        return False
    ns = 'ntsreal%d-try' % os.getpid()
    run('ip', 'netns', 'add', ns)
    try:
        return subprocess.run(
            ['tc', '-n', ns, 'qdisc', 'add', 'dev', 'lo', 'root', 'tbf',
             *SHAPER.split()], stdin=subprocess.DEVNULL, check=False,
            stderr=subprocess.DEVNULL).returncode == 0
    finally:
        run('ip', 'netns', 'del', ns)


def core_of(who):
    """The last core is the client's, the first one is everybody else's."""
    return os.cpu_count() - 1 if who == 'client' else 0


class Lab:
    """Where the programs are."""

    def __init__(self, build, chronyd, chronyc, work):
        self.build, self.work = os.path.abspath(build), work
        self.chronyd, self.chronyc = chronyd, chronyc
        self.pki = os.path.join(work, 'pki')


class World:
    """One condition."""

    def __init__(self, lab, condition, number):
        self.lab, self.condition = lab, condition
        self.prefix = 'ntsreal%d-%d-' % (os.getpid(), number)
        self.folder = os.path.join(lab.work, condition.name)
        self.processes, self.hosts, self.bulk = [], [], []
        self.events, self.started = [], math.nan
        self.status = self.folder + '/status.sock'
        # Its folder is closed to all other users, as chronyd wants it.
        self.control = self.folder + '/chronyd/sock'
        self.chronyc, self.trace = None, []
        os.makedirs(self.folder)
        os.chmod(self.folder, 0o777)

    # ---- network ----

    def ns(self, name):
        return self.prefix + name

    def add_host(self, name, number):
        ns, lan = self.ns(name), self.ns('lan')
        run('ip', 'netns', 'add', ns)
        self.hosts.append(ns)
        run('ip', 'link', 'add', 'eth0', 'netns', ns, 'type', 'veth',
            'peer', 'name', 'to-' + name, 'netns', lan)
        run('ip', '-n', lan, 'link', 'set', 'to-' + name, 'master', 'br0',
            'up')
        run('ip', '-n', ns, 'link', 'set', 'lo', 'up')
        run('ip', '-n', ns, 'addr', 'add', ipv4(number) + '/24', 'dev', 'eth0')
        run('ip', '-n', ns, 'addr', 'add', ipv6(number) + '/64', 'dev', 'eth0',
            'nodad')
        run('ip', '-n', ns, 'link', 'set', 'eth0', 'up')

    def add_network(self):
        lan = self.ns('lan')
        run('ip', 'netns', 'add', lan)
        self.hosts.append(lan)
        run('ip', '-n', lan, 'link', 'add', 'br0', 'type', 'bridge')
        run('ip', '-n', lan, 'link', 'set', 'br0', 'up')
        self.add_host('client', CLIENT)
        for i in range(self.condition.servers):
            self.add_host('server%d' % i, SERVERS[i])
        if self.condition.relay:
            self.add_host('relay', RELAY)

    def remove_network(self):
        for ns in self.hosts:
            subprocess.run(['ip', 'netns', 'del', ns], check=False)

    def lose_packets(self):
        share = self.condition.loss
        rules = 'table inet lab {\n'
        for hook, port in (('input', 'dport'), ('output', 'sport')):
            rules += ('chain %s { type filter hook %s priority 0\n'
                      'udp %s 123 numgen random mod 100 < %d drop\n}\n'
                      % (hook, hook, port, share))
        for i in range(self.condition.servers):
            subprocess.run(['ip', 'netns', 'exec', self.ns('server%d' % i),
                            'nft', '-f', '-'], check=True, encoding='ascii',
                           input=rules + '}\n')

    # ---- processes ----

    def spawn(self, host, log, argv, who='', preload=None, **more):
        """`who`: on whose core it runs; "": on any."""
        command = ['ip', 'netns', 'exec', self.ns(host)]
        if who:
            command += ['taskset', '-c', str(core_of(who))]
        command += [*HARMLESS]
        if preload:
            command += ['env', 'LD_PRELOAD=' + preload]
        with open(os.path.join(self.folder, log), 'w',
                  encoding='ascii') as out:
            p = subprocess.Popen(
                [*command, *argv], stdout=more.pop('stdout', out), stderr=out,
                start_new_session=True,
                stdin=more.pop('stdin', subprocess.DEVNULL), **more)
        self.processes.append(p)
        return p

    def end(self, processes):
        for p in processes:
            if p.poll() is None:
                os.killpg(p.pid, signal.SIGTERM)
        for p in processes:
            try:
                p.wait(timeout=5)
            except subprocess.TimeoutExpired:
                os.killpg(p.pid, signal.SIGKILL)
                p.wait()

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, 'w', encoding='ascii') as f:
            f.write(text)
        return path

    def start_servers(self):
        pinned = 'servers' if self.condition.busy else ''
        for i in range(self.condition.servers):
            name = 'server%d' % i
            conf = ('pidfile %s/%s.pid\ncmdport 0\nbindcmdaddress /\nallow\n'
                    'local stratum 1\nntsserverkey %s/server.key\n'
                    'ntsservercert %s/fullchain.crt\nntsprocesses 0\n'
                    % (self.folder, name, self.lab.pki, self.lab.pki))
            if self.condition.relay:
                conf += 'ntsntpserver %s\n' % ipv4(RELAY)
            self.spawn(name, name + '.log', [
                self.lab.chronyd, '-x', '-d', '-u', 'root', '-f',
                self.write(name + '.conf', conf)], pinned)

    def start_load(self, busy):
        """`busy`: the cores that have a busy loop already. One loop on a core
        is enough for all conditions that run at once."""
        c = self.condition
        for who in BUSY[c.busy] - busy:
            busy.add(who)
            self.spawn('client', 'busy-%s.log' % who,
                       [sys.executable, '-c', 'while True: pass'], who)
        if c.relay:
            self.spawn('relay', 'relay.log', [
                self.lab.build + '/tests/bench/relay', ipv4(RELAY),
                ipv4(SERVERS[0]), *c.relay])
        if c.loss:
            self.lose_packets()
        if c.bulk:
            self.start_bulk(('down',))

    def addresses(self):
        number = ipv6 if self.condition.ipv6 else ipv4
        return [number(h) for h in SERVERS[:self.condition.servers]]

    def start_agent(self, who, preload):
        low, high = self.condition.polls
        conf = ('[agent]\nuser = nobody\nstatus-socket = %s\n[clock]\n'
                'driftfile = none\nlast-good-time = none\n[nts]\n'
                'trusted-certs = %s/rootca.crt\nsystem-certs = no\n'
                'saved-keys = none\n' % (self.status, self.lab.pki))
        conf += ''.join('[source %s]\nminpoll = %d\nmaxpoll = %d\n'
                        % (a, low, high) for a in self.addresses())
        self.spawn('client', 'agent.log', [
            self.lab.build + '/ntsagentd', '--no-clock', '--foreground', '-f',
            self.write('agent.conf', conf)], who, preload)

    def start_chronyd(self, who, preload):
        low, high = self.condition.polls
        os.mkdir(self.folder + '/chronyd', 0o750)
        conf = ('pidfile %s/chronyd.pid\ncmdport 0\nbindcmdaddress %s\n'
                'ntstrustedcerts %s/rootca.crt\nlogdir %s/chronyd\n'
                'log tracking\nlogbanner 0\n'
                % (self.folder, self.control, self.lab.pki, self.folder))
        conf += ''.join('server %s iburst nts minpoll %d maxpoll %d\n'
                        % (a, low, high) for a in self.addresses())
        self.spawn('client', 'chronyd.log', [
            self.lab.chronyd, '-x', '-d', '-u', 'root', '-f',
            self.write('chronyd.conf', conf)], who, preload)

    def start_clients(self):
        who = 'client' if self.condition.busy else ''
        preload = None if self.condition.stamps else \
            self.lab.build + '/tests/bench/no_stamps.so'
        self.start_agent(who, preload)
        self.start_chronyd(who, preload)

    # ---- the shaper ----

    def start_bulk(self, ways):
        for way in ways:
            ends = ('server0', SERVERS[0]), ('client', CLIENT)
            source, sink = ends if way == 'down' else ends[::-1]
            to = [ipv4(sink[1]), str(BULK_PORT[way])]
            bulk = [sys.executable, HERE + '/bulk.py']
            self.bulk += [
                self.spawn(sink[0], 'bulk-in-%s.log' % way,
                           bulk + ['receive', *to]),
                self.spawn(source[0], 'bulk-out-%s.log' % way,
                           bulk + ['send', *to])]

    def shape(self, ways):
        for way in ways:
            port = 'to-client' if way == 'down' else 'to-server0'
            run('tc', '-n', self.ns('lan'), 'qdisc', 'add', 'dev', port,
                'root', 'tbf', *SHAPER.split())

    def shaper_begins(self):
        self.shape(self.condition.shaper.ways)
        self.start_bulk(self.condition.shaper.ways)

    def shaper_ends(self):
        self.end(self.bulk)
        if self.condition.shaper.stays:
            return
        for way in self.condition.shaper.ways:
            port = 'to-client' if way == 'down' else 'to-server0'
            run('tc', '-n', self.ns('lan'), 'qdisc', 'del', 'dev', port,
                'root')

    # ---- life ----

    def prepare(self):
        """All that is there before the clients start."""
        self.add_network()
        self.start_servers()
        shaper = self.condition.shaper
        if not shaper:
            return
        self.events = [(shaper.end, self.shaper_ends)]
        if shaper.begin < 0:
            self.shaper_begins()
        else:
            self.events.insert(0, (shaper.begin, self.shaper_begins))

    def start(self, busy):
        self.start_load(busy)
        self.started = time.time()
        self.start_clients()

    def tick(self, second):
        """The network as it is at this second."""
        while self.events and self.events[0][0] <= second:
            self.events.pop(0)[1]()

    def close(self):
        self.write('trace.txt', ''.join('%.2f %d %d\n' % t
                                        for t in self.trace))
        self.end(self.processes)
        self.remove_network()

    # ---- what the clients say ----

    def note_sample(self, source):
        """Notes the last sample of a source, as a line of a trace."""
        if source['measured_offset_ns'] is None or source['last_rx_s'] is None:
            return
        at = time.time() - source['last_rx_s'] - self.started
        if not self.trace or at - self.trace[-1][0] > 0.1:
            # In a trace the offset is that of the server.
            self.trace.append((at, -source['measured_offset_ns'],
                               source['delay_ns']))

    def ask_agent(self):
        """The status, or None."""
        try:
            with socket.socket(socket.AF_UNIX) as s:
                s.settimeout(2)
                s.connect(self.status)
                with s.makefile('rb') as f:
                    status = json.loads(f.read())
        except (OSError, ValueError):
            return None
        self.note_sample(status['sources'][0])
        return status

    def ask_chronyd(self):
        """The words of `chronyc -c tracking`, or None."""
        words = self.ask_chronyc('tracking', 1)
        return words[0] if words and len(words[0]) == 14 else None

    def requests(self):
        """How many requests the agent and chronyd have sent."""
        status = self.ask_agent() or {'sources': []}
        reports = self.ask_chronyc('ntpdata', self.condition.servers) or []
        return (sum(s['packets']['sent'] for s in status['sources']),
                sum(int(words[CHRONYC_TOTAL_TX]) for words in reports
                    if len(words) > CHRONYC_TOTAL_TX))

    def ask_chronyc(self, command, lines):
        """The words of some lines. One chronyc serves the whole run: starting
        it each second would disturb both clients."""
        if not self.chronyc:
            if not os.path.exists(self.control):
                return None
            self.chronyc = self.spawn(
                'client', 'chronyc.log',
                [self.lab.chronyc, '-n', '-c', '-h', self.control],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                encoding='ascii', bufsize=1)
        self.chronyc.stdin.write(command + '\n')
        return [self.chronyc.stdout.readline().rstrip('\n').split(',')
                for _ in range(lines)]

    def chronyd_deviations(self):
        """[(time, s)]: what chronyd gave to the kernel as the estimated error
        at each update, from its log."""
        path = self.folder + '/chronyd/tracking.log'
        found = []
        if os.path.exists(path):
            with open(path, encoding='ascii') as f:
                for line in f:
                    w = line.split()
                    at = time.strptime(w[0] + ' ' + w[1] + ' UTC',
                                       '%Y-%m-%d %H:%M:%S %Z')
                    found.append((calendar.timegm(at), float(w[9])))
        return found

