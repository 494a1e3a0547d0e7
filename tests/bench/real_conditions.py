"""The conditions of tests/bench/real: what happens to the path and when.

All times are seconds since the start of the clients. `clean` is when the last
trouble ends.
"""
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Shaper:
    """20 Mbit/s on the ways named ("down": to the client, "up"), with a bulk
    stream on each of them. It begins before the start if `begin` is below 0.
    `stays`: at the end only the bulk stream ends."""
    ways: tuple
    begin: float
    end: float
    stays: bool = False


@dataclass(frozen=True)
class Condition:
    name: str
    group: str          # the conditions of one group run at once
    seconds: int
    polls: tuple = (0, 2)
    servers: int = 1
    ipv6: bool = False
    stamps: bool = True     # by the kernel
    busy: str = ''          # busy loops on the core of the: 'client', 'both'
    bulk: bool = False      # on the path, without a shaper
    loss: int = 0           # % of the packets, each way
    shaper: Shaper = None
    relay: tuple = ()       # laws of tests/bench/relay: up, down
    clean: float = 0


# A path of 1 ms each way with little jitter.
CALM = 'const:1,exp:0.05'

IDLE, LOAD, SHAPED, RELAYED = 240, 200, 320, 300


def shaped(name, ways, begin, end, seconds=SHAPED, **more):
    stays = more.pop('stays', False)
    return Condition(name, 'shaper', seconds, clean=end,
                     shaper=Shaper(ways, begin, end, stays), **more)


def relayed(name, up, down, seconds=RELAYED, **more):
    return Condition(name, 'relay', seconds, relay=(up, down), **more)


CONDITIONS = (
    Condition('idle', 'idle', IDLE),
    Condition('idle-p2', 'idle', IDLE, polls=(2, 4)),
    Condition('idle-p4', 'idle', IDLE, polls=(4, 6)),
    Condition('idle-ipv6', 'idle', IDLE, ipv6=True),
    Condition('idle-three', 'idle', IDLE, servers=3),
    Condition('idle-nostamps', 'idle', IDLE, stamps=False),
    Condition('loss-10', 'idle', IDLE, loss=10),
    Condition('loss-30', 'idle', IDLE, loss=30),

    Condition('busy-client', 'load', LOAD, busy='client'),
    Condition('busy-client-p4', 'load', LOAD, busy='client', polls=(4, 6)),
    Condition('busy-client-nostamps', 'load', LOAD, busy='client',
              stamps=False),
    Condition('busy-client-three', 'load', LOAD, busy='client', servers=3),

    Condition('busy-both', 'load-both', LOAD, busy='both'),
    Condition('busy-both-nostamps', 'load-both', LOAD, busy='both',
              stamps=False),

    Condition('bulk', 'bulk', 100, bulk=True),

    shaped('shaper-down', ('down',), -5, 120),
    shaped('shaper-up', ('up',), -5, 120),
    shaped('shaper-both', ('down', 'up'), -5, 120),
    shaped('shaper-down-p2', ('down',), -5, 120, polls=(2, 4)),
    shaped('shaper-down-p4', ('down',), -5, 120, polls=(4, 6)),
    shaped('shaper-down-three', ('down',), -5, 120, servers=3),
    shaped('shaper-up-during', ('up',), 5, 120),
    shaped('shaper-down-stays', ('down',), -5, 120, stays=True),
    shaped('shaper-down-mid', ('down',), 90, 180),

    relayed('const', 'const:2', 'const:2'),
    relayed('exp', 'const:1,exp:0.5', 'const:1,exp:0.5'),
    relayed('exp-one-way', CALM, 'const:1,exp:1'),
    relayed('uniform', 'uniform:4', CALM),
    relayed('spikes', 'const:0.1,exp:0.02,spike:10:0.1',
            'const:0.1,exp:0.02,spike:10:0.1'),
    relayed('queue-down', CALM, CALM + ',queue:10:120', clean=120),
    relayed('queue-up', CALM + ',queue:10:120', CALM, clean=120),
    relayed('queue-up-p4', CALM + ',queue:10:150', CALM, polls=(4, 6),
            clean=150),
    relayed('detour-up', CALM + ',until:5:120', CALM, clean=120),
    relayed('levels', CALM + ',level:2:40', CALM),
)


def quick(condition):
    """The same in less time."""
    def less(t):
        return t if t < 0 else t / 2.5

    shaper = condition.shaper and replace(
        condition.shaper, begin=less(condition.shaper.begin),
        end=less(condition.shaper.end))
    laws = tuple(','.join(less_law(t) for t in law.split(','))
                 for law in condition.relay)
    return replace(condition, seconds=int(less(condition.seconds)),
                   clean=less(condition.clean), shaper=shaper, relay=laws)


def less_law(term):
    name, *numbers = term.split(':')
    if name in ('queue', 'until', 'level'):
        numbers[1] = '%g' % (float(numbers[1]) / 2.5)
    return ':'.join((name, *numbers))
