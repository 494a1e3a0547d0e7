"""One run of one client in clknetsim, and its result."""
import os
import shutil
import signal
import subprocess
import tempfile
import time

import numpy as np

import oracle

START = int(time.time())        # the certificates are valid from now
TIMEOUT = 3600                  # of one run, real time
ATTEMPTS = 10                   # to start one
SETTLED = 1800                  # "stays below" means half an hour
UNIT = 1e-6
WINDOWS = (30, 120, 420, 1200, 3600)    # parts of the first hour, s
BELOW = (('1 ms', 1e-3), ('100 us', 1e-4), ('30 us', 3e-5))


class NoClients(RuntimeError):
    """The simulator waits for its clients for a few seconds only."""


class Lab:
    """Where the programs are, and how to start one."""

    def __init__(self, simulator, chronyd, agent, pki, work, preload):
        self.simulator, self.chronyd, self.agent = simulator, chronyd, agent
        self.pki, self.work, self.preload = pki, work, preload

    @staticmethod
    def spawn(argv, folder, log, core, **env):
        def prepare():
            # The processes of a run wait for each other: one core is five
            # times faster than two.
            os.sched_setaffinity(0, {core})
            # The simulator refuses to run as root.
            if os.getuid() == 0:
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)

        with open(os.path.join(folder, log), 'w', encoding='ascii') as out:
            return subprocess.Popen(
                argv, cwd=folder, stdout=out, stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL, preexec_fn=prepare,
                env={**os.environ, **env})


def network(row, seed):
    client = row.servers + 1
    lines = ['node%d_freq = %s' % (client, row.clock()),
             'node%d_offset = %g' % (client, row.offset)]
    for s in range(1, client):
        up, down = (row.delay(way).replace('SERVER', str(s)) for way in (0, 1))
        lines += ['node%d_delay%d = %s' % (client, s, up),
                  'node%d_delay%d = %s' % (s, client, down)]
        if row.server_errors.get(s):
            lines.append('node%d_offset = %g' % (s, row.server_errors[s]))
        if row.server_freq:
            lines.append('node%d_freq = %s' % (s, row.server_freq))
    text = '\n'.join(lines) + '\n'
    return text.replace('SEED', str(seed))


def address(server):
    return '192.168.123.%d' % server


def server_conf(lab, folder, node):
    return ('pidfile %s/pid.%d\ncmdport 0\nbindcmdaddress /\nallow\n'
            'local stratum 1\nntsserverkey %s/server.key\n'
            'ntsservercert %s/fullchain.crt\nntsprocesses 0\n'
            % (folder, node, lab.pki, lab.pki))


def agent_conf(lab, row, _folder, _node):
    head = ('[agent]\nuser = nobody\nstatus-socket = none\n[clock]\n'
            'driftfile = none\nlast-good-time = none\n%s[nts]\n'
            'trusted-certs = %s/rootca.crt\nsystem-certs = no\n'
            'saved-keys = none\n'
            % ('makestep = 100ms -1\n' if row.steps else '', lab.pki))
    return head + ''.join(
        '[source %s]\nminpoll = %d\nmaxpoll = %d\n'
        % (address(s), *row.polls) for s in range(1, row.servers + 1))


def chrony_conf(_lab, row, folder, node):
    head = 'pidfile %s/pid.%d\ncmdport 0\nbindcmdaddress /\n%s' % (
        folder, node, 'makestep 0.1 -1\n' if row.steps else '')
    return head + ''.join(
        'server %s iburst minpoll %d maxpoll %d\n' % (address(s), *row.polls)
        for s in range(1, row.servers + 1))


CLIENTS = {
    'agent': (agent_conf, lambda lab, conf: [
        lab.agent, '--single-process', '--foreground', '-f', conf]),
    'chronyd': (chrony_conf, lambda lab, conf: [lab.chronyd, '-d', '-f', conf]),
}


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, 'w', encoding='ascii') as f:
        f.write(text)
    return path


def end(processes):
    for p in processes:
        if p.poll() is None:
            p.send_signal(signal.SIGTERM)
    for p in processes:
        try:
            p.wait(timeout=5)
        except subprocess.TimeoutExpired:
            p.kill()
            p.wait()


def has_begun(folder):
    path = os.path.join(folder, 'offsets')
    return os.path.exists(path) and os.path.getsize(path) > 0


def run(lab, row, client, seed, core):
    """Simulates a row, and returns the metrics of the client's clock."""
    folder = tempfile.mkdtemp(prefix='run', dir=lab.work)
    os.chmod(folder, 0o777)
    node, processes = row.servers + 1, []
    common = {'LC_ALL': 'C', 'CLKNETSIM_SOCKET': folder + '/sock',
              'CLKNETSIM_RANDOM_SEED': str(seed),
              'CLKNETSIM_START_DATE': str(START)}
    library = lab.simulator + '/clknetsim.so'
    length = int(row.hours * 3600)
    simulator = lab.spawn(
        [lab.simulator + '/clknetsim', '-n', '2', '-o', 'offsets', '-g', 'raw',
         '-p', 'packets', '-l', str(length), '-s', folder + '/sock',
         write(folder, 'network', network(row, seed)), str(node)],
        folder, 'simulator.log', core, **common)
    try:
        for n in range(1, node + 1):
            make, argv = CLIENTS[client]
            text = make(lab, row, folder, n) if n == node \
                else server_conf(lab, folder, n)
            conf = write(folder, 'conf.%d' % n, text)
            argv = argv(lab, conf) if n == node \
                else [lab.chronyd, '-d', '-f', conf]
            processes.append(lab.spawn(
                argv, folder, 'log.%d' % n, core, CLKNETSIM_NODE=str(n),
                LD_PRELOAD=lab.preload + ' ' + library if n == node
                else library, SHOWN_ERRORS=folder + '/shown', **common))
        if simulator.wait(timeout=TIMEOUT) != 0:
            failed = RuntimeError if has_begun(folder) else NoClients
            raise failed('the simulation failed: see ' + folder, folder)
    finally:
        end([simulator, *processes])
    result = measure(row, folder, node)
    shutil.rmtree(folder)
    return result


def run_patiently(lab, row, client, seed, core):
    """run(). On a busy machine the clients may miss the few seconds in which
    the simulator waits for them: then it is tried again."""
    for _ in range(ATTEMPTS - 1):
        try:
            return run(lab, row, client, seed, core)
        except NoClients as e:
            shutil.rmtree(e.args[1])
    return run(lab, row, client, seed, core)


def column(folder, name, node):
    data = np.fromfile(os.path.join(folder, name), sep=' ')
    return data.reshape(-1, node)[:, node - 1]


def settled(error, below):
    """The first second from which the error stays below; None: never."""
    bad = np.flatnonzero(np.abs(error) >= below)
    if len(bad) == 0:
        return 0
    good = np.append(bad[1:], len(error)) - bad - 1
    enough = np.flatnonzero(good >= SETTLED)
    return int(bad[enough[0]] + 1) if len(enough) else None


def shown(folder, length):
    """The maximum and the estimated error in the kernel in each second, s. The
    kernel adds 500 ppm to the maximum error; 16 s mean "unsynchronised"."""
    data = np.fromfile(os.path.join(folder, 'shown'), sep=' ').reshape(-1, 3)
    data[:, 0] -= START
    second = np.arange(length)
    last = np.searchsorted(data[:, 0], second, side='right') - 1
    most, estimated = data[last, 1] * UNIT, data[last, 2] * UNIT
    good = (last >= 0) & (data[last, 1] < 16e6)
    most += 500e-6 * (second - data[last, 0])
    return np.where(good, most, np.nan), np.where(good, estimated, np.nan)


def honesty(row, folder, error):
    """How often the true error is within the errors that the kernel shows. Its
    unit is 1 us, so a smaller error is always within them."""
    most, estimated = shown(folder, len(error))
    window = slice(int(row.settle), None)
    error, most, estimated = (
        np.abs(error[window]), most[window], estimated[window])
    good = ~np.isnan(most)
    error, most, estimated = error[good], most[good], estimated[good]
    if len(error) == 0:
        return {}
    return {'within_1': float(np.mean(error <= estimated + UNIT)),
            'within_3': float(np.mean(error <= 3 * estimated + UNIT)),
            'broken': int(np.sum(error > most + UNIT))}


def busiest(sent):
    """The most packets to one server in one hour."""
    return max((int(np.bincount((to[:, 0] // 3600).astype(int)).max())
                for to in (sent[sent[:, 2] == s]
                           for s in np.unique(sent[:, 2]))), default=0)


def measure(row, folder, node):
    error = column(folder, 'offsets', node)
    window = error[int(row.settle):]
    log = np.fromfile(os.path.join(folder, 'packets'), sep=' ').reshape(-1, 9)
    log = log[log[:, 8] == 1]
    sent = log[log[:, 1] == node]
    result = {
        'rms': float(np.sqrt(np.mean(window ** 2))),
        'p99': float(np.percentile(np.abs(window), 99)),
        'max': float(np.max(np.abs(window))),
        'packets': len(sent),
        'busiest': busiest(sent),
        'error': error[::max(1, len(error) // 2000)],
    }
    result.update(honesty(row, folder, error))
    for start, end in zip(WINDOWS, WINDOWS[1:]):
        result['from %d' % start] = float(
            np.sqrt(np.mean(error[start:end] ** 2)))
    for name, below in BELOW:
        result[name] = settled(error, below)
    if row.limit:
        result['limit'] = oracle.limit(
            row, column(folder, 'raw', node), log, node)
    return result
