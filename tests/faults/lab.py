"""The processes of the test: servers with faults, and the agent."""
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
NOBODY = 65534
POLL_S = 1.0


def wait_for(seconds, look):
    """What look() returns as soon as it is true; None after the limit."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.02)
    return None


class Limits:
    """Most seconds, and other limits, on this machine. They are those of the
    test on a usual one. With the sanitizers a program is several times as slow,
    and their findings are what such a run is for. In a second attempt the
    limits grow with the slowness of the machine (see tests/report.sh), which is
    measured where one is over."""

    SANITIZED = 4.0
    AGE_S = 10.0        # of a measurement

    def __init__(self, again, sanitized):
        self.least = self.SANITIZED if sanitized else 1.0
        self.again = again
        self.slow = 1.0
        self.measured = None

    def stretch(self):
        now = time.monotonic()
        if self.again and (self.measured is None or
                           now - self.measured > self.AGE_S):
            self.slow = max(self.slow, slowness())
            self.measured = now
        return max(self.slow, self.least)

    def exceeds(self, value, limit):
        """Is the value above the limit?"""
        return value > limit * self.least and value > limit * self.stretch()


def slowness():
    """How many times as slow as usual this machine is now, 1.0 at least: see
    tests/report.sh."""
    answer = subprocess.run(['bash', '-c', '. "$1" && slowness', 'bash',
                             os.path.join(TESTS, 'report.sh')],
                            check=True, stdout=subprocess.PIPE)
    return int(answer.stdout) / 100


class Reserved:
    """A TCP and a UDP port for a server that starts later. They are bound, so
    that no other program gets them, but nothing listens there."""

    def __init__(self):
        self.sockets = [socket.socket(socket.AF_INET, kind)
                        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM)]
        for s in self.sockets:
            s.bind(('127.0.0.1', 0))
        self.ports = tuple(s.getsockname()[1] for s in self.sockets)

    def stop(self):
        for s in self.sockets:
            s.close()


def parent_of(pid):
    with open('/proc/%s/stat' % pid, encoding='utf-8',
              errors='replace') as f:
        return int(f.read().rpartition(')')[2].split()[1])


def family(pid):
    """The process ids of a process and of all its descendants."""
    parents = {}
    for entry in os.listdir('/proc'):
        try:
            if entry.isdigit():
                parents[int(entry)] = parent_of(entry)
        except OSError:
            pass
    found = {pid}
    while True:
        more = {p for p, parent in parents.items() if parent in found} - found
        if not more:
            return found
        found |= more


def memory_kb(pid):
    """What the process has written for itself; the resident size if that is not
    readable. (The proportional set size grows when a job ends that had the
    pages of the libraries, too.)"""
    try:
        with open('/proc/%d/smaps_rollup' % pid, encoding='ascii') as f:
            return next(int(line.split()[1]) for line in f
                        if line.startswith('Private_Dirty:'))
    except PermissionError:
        with open('/proc/%d/statm' % pid, encoding='ascii') as f:
            pages = int(f.read().split()[1])
        return pages * os.sysconf('SC_PAGE_SIZE') // 1024


class Lab:
    """A folder with the programs, the certificates and the logs."""

    CERTIFICATES = {
        'good': (),
        'expired': ('--valid', '-30,-1'),
        'not-yet-valid': ('--valid', '1,30'),
        'wrong-name': (),
        'self-signed': ('--self-signed',),
        'unknown-ca': (),
        'second-ca': (),
        'weak-key': ('--weak',),
        'client-only': ('--client-only',),
    }
    OWN_CA = ('unknown-ca', 'second-ca', 'good')

    def __init__(self, build):
        self.processes = []
        self.work = tempfile.mkdtemp(prefix='ntsagent-faults-')
        os.chmod(self.work, 0o755)
        for program in ('ntsagentd', 'tests/server/ntsserver'):
            shutil.copy(os.path.join(build, program), self.work)
        for name, options in self.CERTIFICATES.items():
            self.certify(name, options)

    def certify(self, name, options):
        if name not in self.OWN_CA:
            options = ('--key-of', self.path('good'), *options)
        host = 'other.example.net' if name == 'wrong-name' \
            else 'localhost,127.0.0.1'
        subprocess.run([os.path.join(TESTS, 'pki'), *options,
                        self.path(name), host], check=True)
        os.chmod(self.path(name), 0o755)
        os.chmod(self.path(name, 'server.key'), 0o644)

    def path(self, *parts):
        return os.path.join(self.work, *parts)

    def sanitized(self):
        """Whether the agent is built with the address sanitizer."""
        with open(self.path('ntsagentd'), 'rb') as f:
            return b'__asan_init' in f.read()

    def spawn(self, argv, log):
        """Starts a program as an unprivileged user, even for root."""
        if os.getuid() == 0:
            argv = ['setpriv', '--reuid=%d' % NOBODY, '--regid=%d' % NOBODY,
                    '--clear-groups', '--bounding-set=-all',
                    '--inh-caps=-all', *argv]
        with open(log, 'ab') as out:
            process = subprocess.Popen(argv, stdout=out, stderr=out,
                                       stdin=subprocess.DEVNULL)
        self.processes.append(process)
        return process

    def end_processes(self):
        """Ends the processes that an error has left behind."""
        for process in self.processes:
            if process.poll() is None:
                process.terminate()
                process.wait()

    def remove(self):
        shutil.rmtree(self.work, ignore_errors=True)


class Server:
    """One test server, whose faults begin and end."""

    def __init__(self, lab, name, faults=(), pki='good'):
        self.lab, self.name = lab, name
        self.folder = tempfile.mkdtemp(prefix='server-%s-' % name,
                                       dir=lab.work)
        os.chmod(self.folder, 0o755)
        self.process = None
        self.ports = (0, 0)
        self.write(faults, pki)

    def file(self, name):
        return os.path.join(self.folder, name)

    def write(self, faults, pki):
        with open(self.file('faults'), 'w', encoding='ascii') as f:
            f.write('\n'.join(faults) + '\n')
        for name in ('fullchain.crt', 'server.key'):
            shutil.copy(self.lab.path(pki, name), self.folder)

    def start(self):
        log = self.file('log')
        open(log, 'wb').close()
        os.chmod(log, 0o666)
        self.process = self.lab.spawn(
            [self.lab.path('ntsserver'), '--listen', '127.0.0.1',
             '--cert', self.file('fullchain.crt'),
             '--key', self.file('server.key'),
             '--fault-file', self.file('faults'),
             '--ke-port', str(self.ports[0]),
             '--ntp-port', str(self.ports[1])], log)

    def read_ports(self):
        """The ports from the server's log; None while it starts."""
        with open(self.file('log'), encoding='utf-8') as f:
            for line in f:
                if line.startswith('ready ke='):
                    self.ports = tuple(int(word.partition('=')[2])
                                       for word in line.split()[1:])
                    return self.ports
        return None

    def ready(self):
        if not wait_for(10, self.read_ports):
            raise RuntimeError('the server %s does not start' % self.name)

    def signal(self, number):
        self.process.send_signal(number)

    def change(self, faults=(), pki='good'):
        self.write(faults, pki)
        self.signal(signal.SIGHUP)

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait()
        self.process = None


class Plug(Reserved):
    """A port whose queue is full: a connection gets no answer at all."""

    def __init__(self):
        super().__init__()
        self.sockets[0].listen(0)
        for _ in range(3):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(('127.0.0.1', self.ports[0]))
            self.sockets.append(filler)


CONFIG = '''[agent]
status-socket = {run}/status.sock
[nts]
system-certs = no
trusted-certs = {work}/good/rootca.crt {run}/second.crt
ke-timeout = 2s
saved-keys = none
[clock]
driftfile = none
last-good-time = none
'''

SOURCE = '''[source {name}]
host = {host}
ipv6 = no
ntsport = {port}
minpoll = 0
maxpoll = 0
maxdelay = {maxdelay}
'''


class Agent:
    """All processes of one agent, its log and its status."""

    def __init__(self, lab, name, sources):
        self.run = lab.path(name)
        os.mkdir(self.run)
        os.chmod(self.run, 0o777)
        self.socket = os.path.join(self.run, 'status.sock')
        self.log = os.path.join(self.run, 'log')
        self.second = os.path.join(self.run, 'second.crt')
        shutil.copy(lab.path('second-ca', 'rootca.crt'), self.second)
        conf = os.path.join(self.run, 'agent.conf')
        with open(conf, 'w', encoding='ascii') as f:
            f.write(CONFIG.format(run=self.run, work=lab.work))
            for source in sources:
                f.write(SOURCE.format(**source))
        self.program = lab.path('ntsagentd')
        self.process = lab.spawn([self.program, '-f', conf,
                                  '--foreground', '--no-clock'], self.log)

    def status(self):
        """The agent's status; None while it starts, or while it is too busy."""
        s = socket.socket(socket.AF_UNIX)
        try:
            s.settimeout(5)
            s.connect(self.socket)
            text = b''
            while chunk := s.recv(65536):
                text += chunk
            return json.loads(text)
        except (FileNotFoundError, ConnectionRefusedError, TimeoutError):
            return None
        finally:
            s.close()

    def lines(self, source):
        """The lines of the log about a source."""
        with open(self.log, encoding='utf-8') as f:
            return [line for line in f if ' %s: ' % source in line]

    def memory_kb(self):
        """Of all processes but the jobs, which live for seconds."""
        total = 0
        for pid in family(self.process.pid):
            try:
                if parent_of(pid) in (os.getpid(), self.process.pid):
                    total += memory_kb(pid)
            except (OSError, StopIteration):
                pass
        return total

    def stop(self):
        self.process.terminate()
        return self.process.wait()
