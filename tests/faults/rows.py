"""The faults, one row each: what happens, and what the agent must say about it.

    name        of the row, and of the source in the agent's configuration
    faults      options of the test server (ntsserver --help)
    how         another kind of fault: see HOWS in play.py
    running     the fault begins after the first samples, not at the start
    stage       the stages that the source may have during the fault
    failure     the one word for the cause; '' for a fault that does no harm
    says        a regular expression that matches the sentence
    recovery    most seconds from the end of the fault to the next sample;
                None: the source must not recover within this test
    lines       most lines in the log about this source, from before the fault
                until its end
    lost        most requests without a sample during the fault
"""
import collections

KEYS = ('keying', 'resting')
ASKING = ('polling', 'rekeying')
ANY = KEYS + ASKING

Row = collections.namedtuple(
    'Row', 'name faults how running stage failure says recovery lines lost',
    defaults=((), 'fault', False, ANY, '', '', 6.0, 3, None))


def tls(name, says, **more):
    return Row(name, (more.pop('fault', name),), stage=KEYS, failure='tls',
               says=says, **more)


def exchange(name, says, **more):
    return Row(name, (more.pop('fault', name),), stage=KEYS,
               failure='nts-ke', says=says, **more)


def certificate(name, says, **more):
    return Row(name, how='certificate', stage=KEYS, failure='certificate',
               says=says, **more)


def harmless(name, fault=None, **more):
    """A fault that must have no effect: no sentence, no lost sample."""
    more = {'lines': 2, 'lost': 0, 'recovery': 2.5, **more}
    return Row(name, (fault or name,), stage=ASKING, **more)


def answer(name, failure, says, **more):
    """A fault of the NTP answers, which begins after good ones."""
    more = {'running': True, 'lines': 4, **more}
    return Row(name, (more.pop('fault', name),), stage=ASKING,
               failure=failure, says=says, **more)


BEFORE_TLS = (
    Row('tcp-refused', how='down', stage=KEYS, failure='connect',
        says='connection refused: nothing listens on TCP port'),
    Row('tcp-blocked', how='blocked', stage=KEYS, failure='connect',
        says='no answer from .* TCP port .*blocked by a firewall', lines=4),
    Row('no-such-name', how='no-such-name', stage=KEYS, failure='dns',
        says='(no address|no DNS server answered) for nowhere.invalid',
        recovery=None, lines=2),
)

TLS = (
    tls('tls-silent', 'accepted the connection but did not complete'),
    tls('tls-close', 'closed the connection during the TLS handshake'),
    tls('tls-hangup', 'closed the connection during the TLS handshake'),
    tls('tls-not-tls', 'does not answer with TLS: another service'),
    tls('tls-slow', 'did not complete the TLS handshake within'),
    tls('tls-long-chain', 'chain of certificates that is too long'),
    tls('tls-12', 'does not speak TLS 1.3'),
    tls('tls-no-alpn', 'does not select the protocol ntske/1'),
    tls('tls-wrong-alpn', 'ntske/1|breaks the TLS protocol'),
    tls('tls-refuse-alpn', 'refuses the protocol ntske/1'),
    tls('tls-refuse-name', 'serves no host of that name'),
    Row('tls-want-certificate', ('tls-want-certificate',), stage=KEYS,
        failure='nts-ke', says='wants a client certificate'),
)

CERTIFICATES = (
    certificate('expired', 'has expired: it is valid from .* renew'),
    certificate('not-yet-valid', 'is not yet valid: it is valid from'),
    certificate('wrong-name', 'is not for localhost: .*intercepting.* never this connection; the certificate is for'),
    certificate('self-signed', 'is self-signed and not among the trusted'),
    certificate('unknown-ca', 'names the trusted .* another key signed it.* intercepting'),
    certificate('weak-key', 'has a weak key .*1024 bits'),
    certificate('client-only', 'is not for a TLS server'),
    Row('ca-removed', how='ca-removed', running=True, failure='certificate',
        says='names the trusted .* another key signed it', lines=5),
    Row('expires-running', how='certificate', running=True,
        failure='certificate', says='has expired', lines=5),
)

EXCHANGE = (
    exchange('ke-silent', 'did not answer the NTS-KE request'),
    exchange('ke-close', 'closed the connection without an NTS-KE answer'),
    exchange('ke-slow', 'did not complete its NTS-KE answer|middle of a record'),
    exchange('ke-cut', 'ends in the middle of a record'),
    exchange('ke-error-0', 'NTS-KE error 0', fault='ke-error=0'),
    exchange('ke-error-1', 'NTS-KE error 1', fault='ke-error=1'),
    exchange('ke-error-2', 'NTS-KE error 2', fault='ke-error=2'),
    exchange('ke-error-9', 'code 9', fault='ke-error=9'),
    exchange('ke-warning', 'NTS-KE warning'),
    exchange('ke-unknown-critical', 'critical record .*type 16384'),
    exchange('ke-no-protocol', 'does not offer NTPv4'),
    exchange('ke-empty-protocol', 'does not offer NTPv4'),
    exchange('ke-protocol', 'does not offer NTPv4'),
    exchange('ke-no-aead', 'no AEAD algorithm in common'),
    exchange('ke-empty-aead', 'no AEAD algorithm in common'),
    exchange('ke-aead', 'AEAD algorithm that was not offered'),
    exchange('ke-two-aeads', 'malformed record'),
    exchange('ke-cookies-0', 'sent no cookies', fault='ke-cookies=0'),
    exchange('ke-huge-cookies', 'cookie that does not fit',
             fault='ke-cookie-length=3000'),
    exchange('ke-empty-cookies', 'malformed record',
             fault='ke-cookie-length=0'),
    exchange('ke-bad-server', 'invalid host name', fault='ke-server=a b'),
    Row('ke-unknown-server', ('ke-server=nowhere.invalid',), stage=KEYS,
        failure='ntp-name', says='names the NTP server "nowhere.invalid"'),
    exchange('ke-odd-port', 'malformed record|invalid NTP port'),
    exchange('ke-no-end', 'no end record'),
    exchange('ke-endless', 'longer than 65536', fault='ke-junk=20000'),
    harmless('ke-junk'),
    harmless('ke-many-cookies', 'ke-cookies=500'),
    harmless('ke-one-cookie', 'ke-cookies=1'),
    Row('ke-wrong-ntp-port', ('ke-port=9',), stage=ANY,
        failure='network', says='refuses requests', recovery=12.0, lines=4),
)

ANSWERS = (
    answer('udp-blocked', 'silence', 'gives keys on TCP port .*let UDP port',
           fault='ntp-drop', running=False),
    answer('ntp-drop', 'silence', 'UDP'),
    answer('server-down', 'connect', 'connection refused', how='down',
           fault=None)._replace(faults=(), stage=ANY, lines=6),
    answer('keys-lost', '', '', how='forget', fault=None, lines=4,
           lost=1)._replace(faults=()),
    answer('server-restarted', '', '', how='restart', fault=None, lines=6,
           lost=2)._replace(faults=()),
    answer('nak-always', 'nak', 'does not know our cookie', fault='ntp-nak'),
    answer('ntp-mode', 'rejected', 'not in server mode'),
    answer('ntp-version', 'rejected', 'not NTP version 4'),
    answer('ntp-wrong-origin', 'rejected', "the request's time stamp"),
    answer('ntp-wrong-uid', 'rejected', 'wrong unique identifier'),
    answer('ntp-no-uid', 'rejected', 'strips NTS'),
    answer('ntp-plain', 'rejected', 'no unique identifier|without NTS'),
    answer('ntp-no-authenticator', 'rejected', 'answers without NTS'),
    answer('ntp-flip-bit', 'rejected', '.'),
    answer('ntp-flip-header', 'rejected', 'fails authentication',
           fault='ntp-flip-bit=40'),
    answer('ntp-truncate', 'rejected', 'malformed|shorter'),
    answer('ntp-truncate-field', 'rejected', 'malformed',
           fault='ntp-truncate=120'),
    answer('ntp-tail', 'rejected', 'fields after its authenticator'),
    answer('ntp-empty-cookies', 'rejected', 'malformed extension field',
           fault='ntp-cookie-length=0'),
    answer('ntp-stale', 'rejected', "the request's time stamp"),
    answer('ntp-zero-times', 'times', 'zero or reversed'),
    answer('ntp-reversed-times', 'times', 'zero or reversed'),
    answer('ntp-long-thought', 'times', 'its times contradict each other'),
    answer('ntp-unsynchronised', 'unsynchronised', 'not synchronised itself'),
    answer('ntp-leap-3', 'unsynchronised', 'not synchronised itself',
           fault='ntp-leap=3'),
    answer('ntp-stratum-16', 'unsynchronised', 'not synchronised itself',
           fault='ntp-stratum=16'),
    answer('ntp-slow', 'delay', 'longer than maxdelay', fault='ntp-delay=800',
           how='short-maxdelay'),
    answer('ntp-late', '.', 'UDP|time stamp', fault='ntp-delay=3000'),
    answer('kiss-rate', 'kiss', 'code RATE', fault='ntp-kiss=RATE',
           recovery=20.0, running=False),
    answer('kiss-deny', 'denied', 'code DENY.*once a day',
           fault='ntp-kiss=DENY', recovery=None)._replace(stage=KEYS),
    answer('kiss-rstr', 'denied', 'code RSTR.*once a day',
           fault='ntp-kiss=RSTR', recovery=None)._replace(stage=KEYS),
    answer('kiss-other', 'kiss', 'unknown kiss code', fault='ntp-kiss=ABCD'),
    answer('plain-rate', 'rejected', 'RATE.*not believed',
           fault='ntp-plain-kiss=RATE'),
    answer('plain-deny', 'rejected', 'DENY.*not believed',
           fault='ntp-plain-kiss=DENY'),
    answer('plain-rstr', 'rejected', 'RSTR.*not believed',
           fault='ntp-plain-kiss=RSTR'),
    answer('large-lost', 'large-packets', 'large packets are lost',
           running=False)._replace(
               faults=('ke-cookies=6', 'ntp-drop-larger=300')),
    Row('liar', ('ntp-lie=5000',), how='liar', running=True, stage=ASKING,
        failure='falseticker', says='disagrees with the majority',
        recovery=15.0, lines=4),
    harmless('half-lost', 'ntp-lose=50', running=True, lost=None, lines=8),
    harmless('forged-nak', 'ntp-forged-nak=1', running=True),
    harmless('forged-nak-storm', 'ntp-forged-nak=200', running=True, lost=1),
    harmless('ntp-replay', running=True),
    harmless('ntp-duplicate', 'ntp-duplicate=8', running=True),
    harmless('ntp-reorder', 'ntp-reorder=400', running=True),
    harmless('ntp-no-cookies', running=True, lost=1),
    harmless('ntp-big', running=True),
    Row('smeared', ('ntp-smear=2000',), how='liar', running=True, stage=ASKING,
        failure='falseticker', says='disagrees with the majority',
        recovery=15.0, lines=4),
)

ROWS = BEFORE_TLS + TLS + CERTIFICATES + EXCHANGE + ANSWERS
