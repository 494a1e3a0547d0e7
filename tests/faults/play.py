"""The course of one row: a fault begins, is seen and ends; and its cost."""
import re
import signal
import time

import lab as labs

LOG_LINES = 12      # shown of a row that failed
SEEN_S = 15.0       # until the status must show the fault
DWELL_S = 2.0       # from then until the fault ends
HARMLESS_S = 6.0    # how long a harmless fault lasts
GOOD_BEFORE = 10    # samples before a fault of a running server begins
HEALTHY_S = 25.0    # until these samples must be there

HOWS = {
    'fault': 'the server has a fault',
    'certificate': 'the server shows another certificate',
    'down': 'there is no server',
    'blocked': 'connections are swallowed',
    'no-such-name': 'the name has no address',
    'ca-removed': 'the CA is not trusted any more',
    'forget': 'the server forgets its cookie keys',
    'restart': 'the server restarts and loses its keys',
    'short-maxdelay': 'the agent rejects slow answers',
    'liar': 'the server serves a wrong time',
}


class Play:
    """A row, its server, and the phase that the row has reached."""

    def __init__(self, lab, row, limits):
        self.lab, self.row = lab, row
        self.limits = limits
        self.phase = 'healthy' if row.running else 'seen'
        self.since = time.monotonic()
        self.best = ''          # the last failure that the status showed
        self.reason = ''
        self.error = None
        self.recovered_s = None
        self.memory_kb = [0, 0]     # of the agent: before, after
        self.lost = 0
        self.sent_before = self.good_before = 0
        self.lines_before = 0
        self.ended_at = None
        self.plug = None
        self.server = labs.Server(lab, row.name, *self.begin_with())
        if row.how == 'blocked' or row.how == 'down' and not row.running:
            self.plug = labs.Plug() if row.how == 'blocked' \
                else labs.Reserved()
            self.server.ports = self.plug.ports
        else:
            self.server.start()

    def certificate(self):
        return {'expires-running': 'expired'}.get(self.row.name, self.row.name)

    def begin_with(self):
        """The faults and the certificate that the server starts with."""
        if self.row.how == 'ca-removed':
            return (), 'second-ca'
        if self.row.running:
            return (), 'good'
        if self.row.how == 'certificate':
            return (), self.certificate()
        return self.row.faults, 'good'

    def source(self):
        """The values of its section in the agent's configuration."""
        if self.server.process:
            self.server.ready()
        return {
            'name': self.row.name,
            'host': 'nowhere.invalid' if self.row.how == 'no-such-name'
                    else 'localhost',
            'port': self.server.ports[0],
            'maxdelay': '500ms' if self.row.how == 'short-maxdelay' else '3s',
        }

    # How the fault begins and ends.

    def begin(self, agent):
        how, server = self.row.how, self.server
        if how == 'down':
            server.stop()
        elif how == 'restart':
            server.stop()
            server.start()
        elif how == 'forget':
            server.signal(signal.SIGUSR2)
        elif how == 'certificate':
            server.change(pki=self.certificate())
            server.signal(signal.SIGUSR2)
        elif how == 'ca-removed':
            open(agent.second, 'wb').close()
            server.signal(signal.SIGUSR2)
        else:
            server.change(self.row.faults)

    def end(self, agent):
        how, server = self.row.how, self.server
        if how == 'ca-removed':
            with open(self.lab.path('second-ca', 'rootca.crt'), 'rb') as ca, \
                    open(agent.second, 'wb') as out:
                out.write(ca.read())
        elif how in ('down', 'blocked'):
            if self.plug:
                self.plug.stop()
            server.start()
            server.ready()
        elif how not in ('restart', 'forget', 'no-such-name'):
            server.change()

    # What the status shows.

    def as_expected(self, source):
        row = self.row
        if source['reason']:
            self.best = '%s/%s: %s' % (source['stage'], source['failure'],
                                       source['reason'])
        if row.how == 'liar':
            return source['state'] == row.failure
        return source['stage'] in row.stage and \
            (source['failure'] == row.failure or row.failure == '.') and \
            re.search(row.says, source['reason']) is not None

    def harmless(self):
        return self.row.failure == ''

    def enter(self, phase, now):
        self.phase, self.since = phase, now

    def fail(self, why):
        self.error = self.error or why
        self.phase = 'done'

    def step(self, source, agent, now):
        getattr(self, 'in_' + self.phase)(source, agent, now)

    def in_healthy(self, source, agent, now):
        if source['packets']['good'] >= GOOD_BEFORE:
            self.note_start(source, agent)
            self.begin(agent)
            self.enter('seen', now)
        elif self.limits.exceeds(now - self.since, HEALTHY_S):
            self.fail('no sample before the fault: ' + source['reason'])

    def note_start(self, source, agent):
        """Remembers the counters from which the fault's cost is counted."""
        self.memory_kb[0] = agent.memory_kb()
        packets = source['packets']
        self.sent_before = packets['sent']
        self.good_before = packets['good']
        self.lines_before = len(agent.lines(self.row.name))

    def in_seen(self, source, agent, now):
        if self.memory_kb[0] == 0:
            self.memory_kb[0] = agent.memory_kb()
        if self.harmless():
            self.as_expected(source)
            if now - self.since > HARMLESS_S:
                self.leave(source, agent, now)
        elif self.as_expected(source):
            self.reason = source['reason']
            self.enter('dwell', now)
        elif self.limits.exceeds(now - self.since, SEEN_S):
            self.fail('expected %s: %s' % (self.row.failure, self.row.says))

    def in_dwell(self, source, agent, now):
        if now - self.since > DWELL_S:
            self.leave(source, agent, now)

    def leave(self, source, agent, now):
        packets = source['packets']
        sent = packets['sent'] - self.sent_before
        good = packets['good'] - self.good_before
        self.lost = sent - good
        if self.row.lost is not None and (good == 0 or
                self.limits.exceeds(self.lost, self.row.lost + 1)):
            self.fail('%d of %d requests brought no sample' %
                      (self.lost, sent))
            return
        if self.row.recovery is None:
            self.finish(agent)
            return
        self.end(agent)
        self.ended_at = time.monotonic()
        self.enter('recovery', self.ended_at)

    def in_recovery(self, source, agent, now):
        heard = source['last_rx_s']
        again = heard is not None and now - heard > self.ended_at
        if again and (self.row.how != 'liar' or
                      source['state'] != 'falseticker'):
            self.recovered_s = now - heard - self.ended_at
            self.finish(agent)
        elif self.limits.exceeds(now - self.ended_at, self.row.recovery + 20):
            self.fail('no sample after the fault: %s' % source['reason'])

    def finish(self, agent):
        self.phase = 'done'
        self.memory_kb[1] = agent.memory_kb()
        self.lines = len(agent.lines(self.row.name)) - self.lines_before
        late = self.recovered_s is not None and \
            self.limits.exceeds(self.recovered_s, self.row.recovery)
        if late:
            self.fail('recovered after %.1f s' % self.recovered_s)
        elif self.lines > self.row.lines:
            self.fail('%d lines in the log' % self.lines)

    # What the test prints.

    def line(self, agent, failure):
        """The result; `failure` is the word in front of a row that failed."""
        lines = len(agent.lines(self.row.name)) - self.lines_before
        text = '%-20s %-14s %s  %2d lost  %d %-5s  %.1f > %.1f MB' % (
            self.row.name, self.row.failure or 'no harm',
            '     -' if self.recovered_s is None
            else '%4.1f s' % self.recovered_s,
            self.lost, lines, 'line' if lines == 1 else 'lines',
            self.memory_kb[0] / 1024, self.memory_kb[1] / 1024)
        if self.error:
            log = agent.lines(self.row.name)[-LOG_LINES:]
            return '\n          '.join([
                '  %-5s %s  %s' % (failure, text, self.error),
                'last: %s' % (self.best or 'nothing'),
                *(line.strip() for line in log)])
        return '  ok    %s  %s' % (text, self.reason)

    def stop(self):
        self.server.stop()
        if self.plug:
            self.plug.stop()
