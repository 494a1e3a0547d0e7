"""What ntsctl prints in the place of chronyc, next to what chronyc prints.

usage: compare.py BUILD-FOLDER CHRONY-OF-DEBIAN-12 DEBIAN-13-TREE SID-TREE FOLDER
The last two may be empty: there is no such chrony.
Runs in a network namespace of its own."""
import glob
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LIMIT_S = 60  # until all clients have eight answers, on a busy machine

# Three servers agree, one is wrong by half a second, and one is not there. All
# are ahead by more than any error, because a sign would not show in an offset of
# zero.
GOOD4, GOOD6, GOOD5, WRONG, DEAD = (
    '10.77.9.1', 'fd77:9::2', '10.77.9.5', '10.77.9.3', '10.77.9.4')
AHEAD = ['--offset', '0.25']
SERVERS = {GOOD4: AHEAD,
           GOOD6: [*AHEAD, '--stratum', '2', '--root-delay', '0.001'],
           GOOD5: AHEAD, WRONG: ['--offset', '0.75']}

# The form of a column, and how far the value of the agent may be from that of
# chronyd; None: only the form is compared. chronyd -x corrects a clock of its own,
# and its offsets are those of that clock, without the correction that it shows as
# "System time"; the agent corrects nothing. FAST: how far they may be apart in an
# offset that is positive for a fast clock; SLOW: for a slow one.
NUMBER, AGE = r'\d+', r'\d+'
S9, S6, PPM = r'-?\d+\.\d{9}', r'\d+\.\d{6}', r'-?\d+\.\d{3}'
ADDRESS, HEX = r'[0-9a-f.:]+', r'[0-9A-F]{8}'
LEAP = 'Normal|Insert second|Delete second|Not synchronised'
NEAR = 0.02  # s: the servers are on one machine
FAST, SLOW = ('fast', NEAR), ('slow', NEAR)
MARK = [(r'-', 'same')]
COLUMNS = {
    'sources': [(r'\^', 'same'), (r'[*+x~?-]', 'same'), (ADDRESS, 'same'),
                (NUMBER, 'same'), (r'-?\d+', 'same'), (r'[0-7]+', None),
                (AGE, 3), (S9, FAST), (S9, FAST), (S9, NEAR)],
    'sourcestats': [(ADDRESS, 'same'), (NUMBER, None), (NUMBER, None),
                    (AGE, 30), (PPM, None), (PPM, None), (S9, FAST), (S9, NEAR)],
    'tracking': [(HEX, 'same'), (ADDRESS, 'same'), (NUMBER, 'same'),
                 (r'\d+\.\d{9}', 30), (S9, NEAR), (S9, FAST), (S9, None),
                 (PPM, None), (PPM, None), (PPM, None), (S9, NEAR), (S9, NEAR),
                 (r'\d+\.\d', 5), (LEAP, 'same')],
    'authdata': [(ADDRESS, 'same'), ('NTS', 'same'), (NUMBER, 'same'),
                 ('15|30', None), ('128|256', None), (AGE, 10), (NUMBER, 'same'),
                 (NUMBER, 'same'), (NUMBER, 2), (NUMBER, None)],
    'activity': [(NUMBER, None)] * 5,
    'ntpdata': [(ADDRESS, 'same'), (HEX, 'same'), (NUMBER, 'same'),
                (ADDRESS, None), (HEX, None), (LEAP, 'same'), ('4', 'same'),
                ('Server', 'same'), (NUMBER, 'same'), (r'-?\d+', 'same'),
                (NUMBER, 'same'), (r'-?\d+', 'same'), (S9, 1e-9),
                (S6, 1e-5), (S6, 1e-3), (HEX, 'same'), (r'\w*', 'same'),
                (r'\d+\.\d{9}', 10), (S9, SLOW), (S9, NEAR), (S9, NEAR),
                (S9, NEAR), (r'-?0\.\d\d', None), ('[01]{3}', None),
                ('[01]{3}', 'same'), ('[01]{4}', None), ('Yes|No', 'same'),
                ('Yes|No', 'same'), ('Daemon|Kernel|Hardware', 'same'),
                ('Daemon|Kernel|Hardware', 'same')] + [(NUMBER, 20)] * 8,
    'selectdata': [(r'[*+xDPWMNsdSUT~w]', 'same'), (ADDRESS, 'same'), ('Y', 'same')] +
                  [('[N-]', 'same'), ('[P-]', 'same'), ('[T-]', 'same'),
                   ('[R-]', 'same'), ('-', 'same')] * 2 +
                  [(AGE, 3), (r'\d+\.\d', None), (S9, ('fast', 0.1)),
                   (S9, ('fast', 0.1)),
                   (LEAP, 'same')],
}
# The last columns that chronyc 4.3 lacks.
NEWER = {'ntpdata': 4}
counts = {'passed': 0, 'failed': 0}


def check(what, good, why=''):
    counts['passed' if good else 'failed'] += 1
    print('  %s  %s%s' % ('ok  ' if good else 'FAIL', what,
                          '' if good else ': ' + why), flush=True)


def run(command, **more):
    return subprocess.run(command, capture_output=True, text=True, timeout=20,
                          check=False, **more)


class Lan:
    def __init__(self, build, chronies):
        self.work = tempfile.mkdtemp(prefix='chronyc-')
        os.chmod(self.work, 0o755)
        self.processes = []
        self.build, self.chronies = build, chronies
        self.status = self.work + '/run/status.sock'

    def start(self, name, command, **more):
        log = open('%s/%s.log' % (self.work, name), 'w', encoding='utf-8')
        p = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT,
                             start_new_session=True, **more)
        log.close()
        self.processes.append(p)
        return p

    def log(self, name):
        with open('%s/%s.log' % (self.work, name), encoding='utf-8') as f:
            return f.read()

    def write(self, name, text):
        with open(self.work + '/' + name, 'w', encoding='utf-8') as f:
            f.write(text)
        return self.work + '/' + name

    def close(self):
        for p in self.processes:
            try:
                os.killpg(p.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            p.wait()
        shutil.rmtree(self.work)

    def up(self):
        for command in (['ip', 'link', 'set', 'lo', 'up'],
                        *(['ip', 'addr', 'add', a + ('/128' if ':' in a else '/32'),
                           'dev', 'lo'] for a in list(SERVERS) + [DEAD])):
            subprocess.run(command, check=True)
        subprocess.run([TOP + '/tests/pki', self.work + '/pki',
                        ','.join(SERVERS)], check=True, stdout=subprocess.DEVNULL)
        # The agent drops its rights before it reads them.
        os.chmod(self.work + '/pki', 0o755)
        os.chmod(self.work + '/pki/rootca.crt', 0o644)

    def start_servers(self):
        for i, (address, options) in enumerate(SERVERS.items()):
            self.start('server%d' % i, [
                self.build + '/tests/server/ntsserver', '--listen', address,
                '--cert', self.work + '/pki/fullchain.crt',
                '--key', self.work + '/pki/server.key',
                '--ke-port', '4460', '--ntp-port', '123', *options])
        self.await_all('the servers start', lambda: all(
            'ready ' in self.log('server%d' % i) for i in range(len(SERVERS))), 5)

    def start_chronyd(self, name, command):
        os.mkdir('%s/%s' % (self.work, name), 0o750)
        conf = self.write(name + '.conf', ''.join(
            'server %s nts iburst minpoll 0 maxpoll 0%s\n' %
            (a, ' noselect' if a == DEAD else ' prefer' if a == GOOD5 else '')
            for a in list(SERVERS) + [DEAD]) + (
                'nosystemcert\nntstrustedcerts %s/pki/rootca.crt\ncmdport 0\n'
                'bindcmdaddress %s\npidfile %s/%s/pid\n' % (
                    self.work, self.socket(name), self.work, name)))
        self.start(name, [*command('chronyd'), '-x', '-d', '-u', 'root', '-f', conf])

    def socket(self, name):
        return '%s/%s/chronyd.sock' % (self.work, name)

    def start_agent(self):
        os.mkdir(self.work + '/run', 0o777)
        os.chmod(self.work + '/run', 0o777)
        conf = self.write('agent.conf', (
            '[agent]\nuser = nobody\nstatus-socket = %s\n[nts]\nsystem-certs = no\n'
            'trusted-certs = %s/pki/rootca.crt\nsaved-keys = none\n[clock]\n'
            'driftfile = none\nlast-good-time = none\n' %
            (self.status, self.work)) + ''.join(
                '[source s%d]\nhost = %s\nminpoll = 0\nmaxpoll = 0\n%s' % (
                    i, a, 'noselect = yes\n' if a == DEAD
                    else 'prefer = yes\n' if a == GOOD5 else '')
                for i, a in enumerate(list(SERVERS) + [DEAD])))
        self.start('agent', [self.build + '/ntsagentd', '-f', conf,
                             '--foreground', '--no-clock'])
        os.mkdir(self.work + '/bin')
        os.symlink(self.build + '/ntsctl', self.work + '/bin/chronyc')

    def ours(self, *words, **more):
        """ntsctl, called by the name chronyc."""
        return run([self.work + '/bin/chronyc', *words],
                   env={'NTSAGENT_STATUS': self.status}, **more)

    def theirs(self, name, *words, **more):
        return run([*self.chronies[name]('chronyc'), '-h', self.socket(name),
                    *words], **more)

    def correction(self, name):
        """What chronyd -x says that it has still to add to the clock."""
        return float(self.theirs(name, '-c', 'tracking').stdout.split(',')[4])

    def await_all(self, what, done, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if done():
                check(what, True)
                return
            time.sleep(0.1)
        check(what, False, 'not within %d s' % seconds)

    def steady(self):
        """All clients have eight answers of each server, and have selected the
        one that is preferred."""
        def is_steady(text):
            rows = rows_of(text)
            return (sum(r[5:6] == ['377'] for r in rows) == len(SERVERS) and
                    ['*', GOOD5] in [r[1:3] for r in rows])
        return is_steady(self.ours('-c', 'sources').stdout) and all(
            is_steady(self.theirs(n, '-c', 'sources').stdout)
            for n in self.chronies)


def rows_of(text):
    return [line.split(',') for line in text.splitlines()]


def keyed(report, rows):
    """Rows by address, of the servers that both have."""
    at = {'sources': 2, 'selectdata': 1}.get(report, 0)
    if report in ('tracking', 'activity'):
        return {'': rows[0]} if rows else {}
    return {r[at]: r for r in rows if len(r) > at and r[at] in SERVERS}


def compare_value(kind, ours, theirs, correction):
    """correction: what chronyd -x has added to a clock of its own."""
    if kind is None:
        return True
    if kind == 'same':
        return ours == theirs
    away = float(ours) - float(theirs)
    if isinstance(kind, tuple):
        way, kind = kind
        away += correction if way == 'fast' else -correction
    return abs(away) <= kind


def differences(report, ours, theirs, correction):
    columns = COLUMNS[report]
    if len(ours) != len(columns):
        return ['%d columns, not %d' % (len(ours), len(columns))]
    if len(theirs) not in (len(columns), len(columns) - NEWER.get(report, 0)):
        return ['chronyc has %d columns' % len(theirs)]
    found = []
    # The agent knows the address of a server that it has reached, chronyd also
    # one that is written in its file; and chronyd counts its own bursts.
    if report == 'activity' and sum(map(int, ours)) != sum(map(int, theirs)):
        found.append('another number of sources')
    for i, (form, kind) in enumerate(columns[:len(theirs)]):
        for who, text in (('ntsctl', ours[i]), ('chronyc', theirs[i])):
            if not re.fullmatch(form, text):
                found.append('%s: column %d is %r' % (who, i + 1, text))
        if not found and not compare_value(kind, ours[i], theirs[i],
                                           correction):
            found.append('column %d is %s, of chronyc %s' % (
                i + 1, ours[i], theirs[i]))
    return found


def compare_csv(lan, name, report, options):
    ours = lan.ours('-c', *options, report)
    theirs = lan.theirs(name, '-c', *options, report)
    mine, real = keyed(report, rows_of(ours.stdout)), keyed(
        report, rows_of(theirs.stdout))
    found = [] if mine.keys() == real.keys() and mine else [
        'rows %s, of chronyc %s' % (sorted(mine), sorted(real))]
    for key in mine:
        found += ['%s: %s' % (key, d) for d in differences(
            report, mine[key], real.get(key, []), lan.correction(name))]
    if (ours.returncode, theirs.returncode) != (0, 0):
        found.append('exit %d and %d' % (ours.returncode, theirs.returncode))
    check('%s: CSV of %s %s' % (name, report, ' '.join(options)), not found,
          '\n        '.join(found))


def shape(text):
    """The text without what may differ between two clients."""
    text = re.sub(r'[0-9A-F]{8}\b', 'HEX', text)
    text = re.sub(r'\w{3} \w{3} +\d+ \d\d:\d\d:\d\d \d{4}', 'DATE', text)
    text = re.sub(r' ppm (slow|fast)\b', ' ppm slow-or-fast', text)
    text = re.sub(r'^(\^)?[*+x~?D-] ', r'\1S ', text, flags=re.M)
    text = re.sub(r' *[-+]?\d+(\.\d+)?([num]?s|m|h)\b', ' OFFSET', text)
    text = re.sub(r' *[-+]?\d+(\.\d+)?', ' N', text)
    return text


def lines_of(report, text):
    lines = text.splitlines()
    if report in ('sources', 'sourcestats', 'authdata', 'selectdata'):
        return lines[:2] + [line for line in lines[2:]
                            if any(' %s ' % a in ' %s ' % line for a in SERVERS)]
    if report == 'ntpdata':
        return lines[:lines.index('', 1)] if '' in lines[1:] else lines
    return lines


def compare_text(lan, name, report):
    ours = lines_of(report, lan.ours('-n', report).stdout)
    theirs = lines_of(report, lan.theirs(name, '-n', report).stdout)
    if report == 'ntpdata':  # 4.3 has less
        ours = ours[:len(theirs)] if len(theirs) < len(ours) else ours
    if report == 'activity':
        ours, theirs = ours[:-1], theirs[:-1]
    found = ['%r, of chronyc %r' % pair for pair in zip(ours, theirs)
             if shape(pair[0]) != shape(pair[1]) or
             (report in ('sources', 'sourcestats', 'authdata', 'selectdata') and
              len(pair[0]) != len(pair[1]))]
    if len(ours) != len(theirs) or len(ours) < 4:
        found.append('%d lines, of chronyc %d' % (len(ours), len(theirs)))
    check('%s: text of %s' % (name, report), not found, '\n        '.join(found))


# How each program is called, what it reads, and what both must answer alike.
CALLS = [
    (['activity'], None), (['-e', '-c', 'sourcename', GOOD4], None),
    (['-m', '-c', 'sourcename ' + GOOD4, 'sourcename ' + GOOD6], None),
    (['-c', 'sourcename', GOOD4], None), (['-N', '-c', 'sourcename', GOOD6], None),
    (['-c', 'sourcename', '192.0.2.1'], None), (['-c', 'ntpdata', '192.0.2.1'], None),
    (['nonsense'], None), (['-c', '-m', 'nonsense', 'activity'], None),
    ([], 'sourcename %s\n# a comment\n\n  sourcename   %s  \n' % (GOOD4, GOOD6)),
    ([], 'nonsense\n'), ([], 'sourcename %s\nexit\nnonsense\n' % GOOD4), ([], ''),
    (['reselect'], None), (['refresh'], None), (['onoffline'], None),
    (['burst', '1/2', GOOD4], None), (['burst', '1/2', '255.255.255.0/10.77.9.0'], None),
    (['online', '10.77.9.0/24'], None), (['online'], None), (['burst', 'x'], None),
    (['burst'], None), (['reload'], None), (['-4', '-a', 'online'], None),
    (['offline', '192.0.2.1'], None), (['makestep', 'x'], None),
    (['reload', 'nothing'], None), (['reset', 'nothing'], None),
    (['reset'], None), (['-f', '/x', '-c', 'sourcename', GOOD4], None), (['rekey'], None),
    (['accheck', GOOD4], None), (['rtcdata'], None), (['-c', 'rtcdata'], None),
    (['trimrtc'], None), (['writertc'], None), (['smoothing'], None),
    (['-c', 'smoothing'], None), (['settime', '12:00'], None),
    (['reselect', 'x'], None), (['onoffline', 'x'], None), (['refresh', 'x'], None),
    (['burst', '1/2', GOOD4, 'x'], None), (['online', GOOD4, 'x'], None),
    (['dns', '-x'], None), (['dns', '-46'], None), (['timeout', 'x'], None),
    (['timeout', '100'], None), (['-e'], 'exit\n'),
    (['reset', 'sources'], None), # the last: all samples are dropped
]


def compare_calls(lan, name):
    for words, fed in CALLS:
        if '-e' in words and name == 'chrony-4.3':
            continue  # it came with 4.4
        ours = lan.ours(*words, input=fed)
        theirs = lan.theirs(name, *words, input=fed)
        same = (ours.returncode, ours.stdout) == (theirs.returncode, theirs.stdout)
        if words == ['activity']:
            same = ours.returncode == theirs.returncode == 0
        check('%s: chronyc %s%s' % (name, ' '.join(words),
                                    ' <<< %r' % fed if fed is not None else ''),
              same, 'exit %d %r, of chronyc %d %r' % (
                  ours.returncode, ours.stdout, theirs.returncode, theirs.stdout))
    ours = run([lan.work + '/bin/chronyc', '-c', 'tracking'],
               env={'NTSAGENT_STATUS': '/nonexistent'})
    theirs = run([*lan.chronies[name]('chronyc'), '-h', '127.0.0.1', '-c',
                  'tracking'])
    check('%s: no daemon' % name, (ours.returncode, ours.stdout) ==
          (theirs.returncode, theirs.stdout), repr((ours, theirs)))


def in_tree(tree, options=()):
    """The chrony in /opt of a tree, with the linker and libraries there, and
    options of chronyc."""
    libraries = ':'.join(tree + place + '/x86_64-linux-gnu' for place in (
        '/opt/chrony/usr/lib', '/lib', '/usr/lib'))
    folder = {'chronyd': 'sbin', 'chronyc': 'bin'}
    return lambda p: [
        tree + '/lib64/ld-linux-x86-64.so.2', '--library-path', libraries,
        '%s/opt/chrony/usr/%s/%s' % (tree, folder[p], p),
        *(options if p == 'chronyc' else ())]


def programs(unpacked12, tree13, sid, another):
    folder = {'chronyd': 'sbin', 'chronyc': 'bin'}
    found = {
        'chrony-4.3': lambda p: ['%s/usr/%s/%s' % (unpacked12, folder[p], p)],
        'chrony-4.6.1': in_tree(tree13),
    }
    if sid:
        # Else it would become a user that the package makes.
        found['newest-chrony'] = in_tree(sid, ['-u', 'root'])
    if another:
        found['another-chrony'] = lambda p: ['%s/%s' % (another, p)]
    return found


def main():
    build, unpacked12, tree13, sid, another = sys.argv[1:6]
    lan = Lan(build, programs(unpacked12, tree13, sid, another))
    for name, command in lan.chronies.items():
        print(name + ': ' + run([*command('chronyc'), '-v']).stdout.strip())
    try:
        lan.up()
        lan.start_servers()
        lan.start_agent()
        for name, command in lan.chronies.items():
            lan.start_chronyd(name, command)
        lan.await_all('all clients have eight answers and select ' + GOOD5,
                      lan.steady, LIMIT_S)
        for name in lan.chronies:
            for report in COLUMNS:
                for options in ([], ['-n'], ['-N']):
                    compare_csv(lan, name, report, options)
                compare_text(lan, name, report)
        for name in lan.chronies:
            compare_calls(lan, name)
        if counts['failed']:
            for path in sorted(glob.glob(lan.work + '/*.log')):
                with open(path, encoding='utf-8') as f:
                    print('--- %s\n%s' % (path, ''.join(f.readlines()[-15:])))
    finally:
        lan.close()
    print('chronyc: %d passed, %d failed' % (
        counts['passed'], counts['failed']))
    return counts['failed'] > 0


if __name__ == '__main__':
    sys.exit(main())
