/*
 * What can stand between this machine and the time: a word, a sentence, and
 * what to do. One table for `ntsctl check --live`, for the advice of `ntsctl
 * status` where the agent reports the same failure, and for ntsctl(8).
 *
 * In the texts, %N is the name of the source, %S its section in the
 * configuration, %H its host, %C that host as a certificate names it, %P the
 * TCP port of its NTS-KE server, %A the address of its server and %U the UDP
 * port there.
 */
#ifndef BASE_OBSTACLES_H
#define BASE_OBSTACLES_H

#include "base/check.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* id, word, is it only a warning, sentence, what to do */
/* clang-format off */
#define OBSTACLES(X) \
	/* on this machine */ \
	X(OBSTACLE_NO_CA_STORE, "no-ca-store", false, \
	    "this machine has no certificates of the system, and the configuration names no others", \
	    "install the package ca-certificates, or name the file of your CA in trusted-certs") \
	X(OBSTACLE_TRUST, "trust", false, \
	    "a trusted certificate on this machine cannot be read or used", \
	    "put the certificate of your CA there, in PEM or DER, or correct trusted-certs in [nts]; then see whether it can be used: sudo ntsagentd --check-config") \
	X(OBSTACLE_TRUSTED_DATES, "trusted-dates", false, \
	    "a trusted certificate on this machine, which the server needs, has expired or is not valid yet", \
	    "see whether this clock is right: date -u; if it is, replace that trusted certificate by the current one of its CA, or update the package ca-certificates if it is one of the system") \
	X(OBSTACLE_REVOCATION, "revocation-lists", false, \
	    "a revocation list on this machine cannot be used, so that no certificate is accepted", \
	    "see what is wrong with the revocation lists: sudo ntsagentd --check-config") \
	X(OBSTACLE_BINDING, "binding", false, \
	    "this machine cannot send from the configured address, device or port", \
	    "compare bind-address, bind-device and source-port in ntsagent.conf with this host: ip -brief address; ss -uanp") \
	X(OBSTACLE_CRYPTOGRAPHY, "cryptography", false, \
	    "the cryptographic library of this machine has no algorithm that may be used", \
	    "see the key aeads in the configuration, and whether OpenSSL works: openssl list -providers") \
	X(OBSTACLE_CLOCK_WRONG, "clock-wrong", false, \
	    "the clock of this machine is wrong, by all servers that give a time", \
	    "let the agent set the clock: sudo systemctl start ntsagent; if it stays wrong, set it by hand: sudo date -u -s 'YYYY-MM-DD hh:mm'") \
	X(OBSTACLE_FIPS, "fips", false, \
	    "OpenSSL is in FIPS mode on this machine, and has none of the algorithms that the configuration allows", \
	    "add 15 to aeads in [nts] (AES-SIV-CMAC-256), or remove that key") \
	X(OBSTACLE_USER_NAMESPACE, "user-namespace", true, \
	    "this is a container with users of its own (a user namespace), where no program may set the clock", \
	    "run the agent on the host, whose clock is that of all its containers; here it only measures: ntsagentd --no-clock") \
	X(OBSTACLE_NO_SYS_TIME, "no-sys-time", true, \
	    "root of this machine may not set the clock: it lacks CAP_SYS_TIME, as in a container", \
	    "run the agent on the host, whose clock is that of all its containers, or give this container the capability (docker run --cap-add SYS_TIME); without it the agent only measures: ntsagentd --no-clock") \
	X(OBSTACLE_INOTIFY, "inotify", true, \
	    "the user of the agent has reached a limit of inotify, so that an agent that starts now does not notice a changed certificate", \
	    "raise the limits and restart the agent: sudo sysctl -w fs.inotify.max_user_instances=1024 fs.inotify.max_user_watches=524288 && sudo systemctl restart ntsagent; until then, after a change: sudo ntsctl reload") \
	X(OBSTACLE_LOCAL_FIREWALL, "local-firewall", false, \
	    "the firewall of this machine does not let the packet out", \
	    "look for a rule that rejects TCP port %P or UDP port %U: sudo nft list ruleset, or sudo iptables-save") \
	X(OBSTACLE_NO_IPV6, "no-ipv6", false, \
	    "the server has only IPv6 addresses, and IPv6 is off on this machine", \
	    "switch IPv6 on (sudo sysctl -w net.ipv6.conf.all.disable_ipv6=0; after a boot with ipv6.disable=1: remove that from the kernel command line), or give the server an IPv4 address") \
	X(OBSTACLE_NO_ROUTE, "no-route", false, \
	    "this machine has no route to the server", \
	    "see whether the network is up, and the routes: ip -brief address; ip route; ip -6 route") \
	X(OBSTACLE_OTHER_FAMILY, "other-family", false, \
	    "the key server was reached, but it names the time server %A, and this machine has no route to addresses of that family (IPv4 or IPv6)", \
	    "let the operator of %H name the time server by a DNS name with addresses of both families (chronyd: ntsntpserver), or give this machine an address and a route of the other family") \
	/* names */ \
	X(OBSTACLE_NAME_UNKNOWN, "name-unknown", false, \
	    "the name of the server does not exist, or it is an alias of a name that does not", \
	    "correct host in %S, or add %H to DNS or /etc/hosts: getent ahosts %H") \
	X(OBSTACLE_NO_ADDRESS, "no-address", false, \
	    "the name of the server exists, but has no address that may be used", \
	    "see its addresses: getent ahosts %H; correct them in DNS or /etc/hosts, or host, ipv4 and ipv6 in %S") \
	X(OBSTACLE_POOL_SMALL, "pool-small", false, \
	    "the pool has fewer addresses than sources, so this source has none of its own", \
	    "set sources in the section of the pool to the number of its addresses: getent ahosts %H") \
	X(OBSTACLE_DNS_SILENT, "dns-silent", false, \
	    "the DNS servers give no answer: they are silent, or report a failure of their own", \
	    "see whether the name servers of this machine (cat /etc/resolv.conf) can be reached, and what they answer: getent ahosts %H") \
	X(OBSTACLE_DNS, "dns", false, \
	    "the name of the server cannot be looked up", \
	    "look the name up as the agent does: getent ahosts %H") \
	/* the way to the key server */ \
	X(OBSTACLE_UNREACHABLE, "unreachable", false, \
	    "the server, or the network on the way to it, is down", \
	    "see whether the server is on, and whether this machine reaches others in its network: ping %A") \
	X(OBSTACLE_KE_REFUSED, "ke-refused", false, \
	    "TCP port %P of the server refuses connections: NTS is not enabled there, or a firewall rejects it", \
	    "see whether %A is the server (getent ahosts %H), ntsport in %S is right (usually 4460), and NTS listens on the server: ss -ltn 'sport = :%P'; if it does, let TCP port %P through the firewalls") \
	X(OBSTACLE_KE_REJECTED, "ke-rejected", false, \
	    "a firewall rejects TCP port %P of the server: on the server, on the way, or on this machine", \
	    "let TCP port %P through that firewall; for firewalld, run on its machine: sudo firewall-cmd --permanent --add-port=%P/tcp && sudo firewall-cmd --reload") \
	X(OBSTACLE_KE_BLOCKED, "ke-blocked", false, \
	    "nothing answers on TCP port %P: a firewall drops it, or the server or the way to it is down", \
	    "see whether the server is on: ping %A; if it is, let TCP port %P through every firewall, then see whether it opens: openssl s_client -alpn ntske/1 -connect %H:%P </dev/null") \
	X(OBSTACLE_LARGE_SEGMENTS, "large-segments", false, \
	    "the connection opens, but large TCP segments are lost: the path has a smaller MTU than it says, or something filters TLS", \
	    "see which size passes: ping -M do -s 1400 %A; allow ICMP (fragmentation needed, packet too big), or lower the MTU of the interface") \
	X(OBSTACLE_WRONG_PORT, "wrong-port", false, \
	    "another service, which does not speak TLS, answers on TCP port %P", \
	    "correct ntsport in %S: NTS-KE has port 4460") \
	X(OBSTACLE_NOT_NTS, "not-nts", false, \
	    "a TLS server without NTS answers on TCP port %P", \
	    "enable NTS on the server, or correct ntsport in %S: NTS-KE has port 4460") \
	X(OBSTACLE_NO_ALLOW, "no-allow", false, \
	    "the server closes the connection at once and gives no time: it refuses this machine, or another service listens on TCP port %P", \
	    "see on the server what listens: sudo ss -ltnp 'sport = :%P'; chronyd needs a line for this machine in its configuration: allow, or allow NETWORK; then restart it") \
	X(OBSTACLE_SERVER_KEY, "server-key", false, \
	    "the server gives time without NTS, but its NTS part closes each connection at once: it cannot use its key or its certificate", \
	    "on the server, make the files of ntsserverkey and ntsservercert readable by the user of the server, and restart it; its log names the file") \
	X(OBSTACLE_TLS_SILENT, "tls-silent", false, \
	    "the server accepts the connection and then says nothing: it hangs or is overloaded, another service listens there, or its answers are lost", \
	    "see whether it answers at all: openssl s_client -alpn ntske/1 -connect %H:%P </dev/null") \
	X(OBSTACLE_GIVEN_UP, "given-up", false, \
	    "the server closes the connection after some seconds, before the keys are exchanged: this machine, the path or the server is too slow", \
	    "see whether this machine or the server is busy (uptime), and how long the path takes: ping %A; chronyd waits for 2 s, so try again when it is faster: sudo ntsctl retry %N") \
	X(OBSTACLE_TLS, "tls", false, \
	    "the server opens no TLS session", \
	    "see the log of the NTS server on %H, and what it answers: openssl s_client -alpn ntske/1 -connect %H:%P </dev/null") \
	X(OBSTACLE_TLS_OLD, "tls-old", false, \
	    "the server does not speak TLS 1.3, which NTS needs, or its certificate has a key on a curve that TLS 1.3 does not have", \
	    "enable TLS 1.3 on the server, or give it a certificate with an RSA key or an EC key of P-256, P-384 or P-521, or correct ntsport in %S: NTS-KE has port 4460") \
	X(OBSTACLE_CLIENT_CERTIFICATE, "client-certificate", false, \
	    "the server wants a client certificate, which NTS does not use", \
	    "switch that off on the server, or correct ntsport in %S: NTS-KE has port 4460") \
	/* certificates */ \
	X(OBSTACLE_CERTIFICATE_EXPIRED, "certificate-expired", false, \
	    "a certificate of the server has expired", \
	    "see whether this clock is right: date -u; if it is, put a renewed certificate on the server (for a CA in its chain: that of the CA), and restart the server") \
	X(OBSTACLE_CERTIFICATE_EARLY, "certificate-early", false, \
	    "a certificate of the server is not valid yet", \
	    "see whether this clock is right: date -u; if it is, issue the certificate again on the server") \
	X(OBSTACLE_CERTIFICATE_NAME, "certificate-name", false, \
	    "the certificate is for another name: a name is wrong, or somebody else answers in place of the server", \
	    "see whether %H leads to the right server: getent ahosts %H; if it does, issue the certificate again for %C, or ask the operator of the server for its right name, never this connection, and write that name as host in %S") \
	X(OBSTACLE_UNKNOWN_ISSUER, "unknown-issuer", false, \
	    "the certificate of the server comes from a CA that this machine does not trust: the server does not send its intermediate CA, the CA is missing in trusted-certs, or something intercepts TLS", \
	    "compare the SHA-256 in the refusal with that of the key on the server: openssl x509 -in FILE -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum; if it is the same, append the certificate of the intermediate CA to that FILE and restart the server, or add the root of its CA to trusted-certs, else find out who answers in its place") \
	X(OBSTACLE_CERTIFICATE, "certificate", false, \
	    "the certificate of the server is refused", \
	    "correct the certificate as its refusal says, restart the server, and see what it sends: openssl s_client -alpn ntske/1 -showcerts -connect %H:%P </dev/null") \
	/* the key exchange */ \
	X(OBSTACLE_NTS_KE, "nts-ke", false, \
	    "the server speaks TLS, but does not complete the NTS key exchange", \
	    "see the log of the NTS server on %H, for example: journalctl -u chronyd (on Debian: -u chrony); if it names no reason, update that server or restart it") \
	X(OBSTACLE_NTP_NAME, "ntp-name", false, \
	    "the NTS-KE server names an NTP server that cannot be used", \
	    "let the operator of %H correct the NTP server that the NTS-KE server there names (chronyd: ntsntpserver)") \
	/* the way to the time */ \
	X(OBSTACLE_NTP_REFUSED, "ntp-refused", false, \
	    "keys are exchanged, but UDP port %U of the server is closed: its NTP part does not run, or a firewall rejects it", \
	    "see whether %A is the time server (chronyd: ntsntpserver), port in %S is right (usually 123), and NTP listens there: ss -lun 'sport = :%U'; if it does, let UDP port %U through the firewalls") \
	X(OBSTACLE_NTP_REJECTED, "ntp-rejected", false, \
	    "keys are exchanged, but a firewall rejects UDP port %U of the server: on the server, on the way, or on this machine", \
	    "let UDP port %U through that firewall; for firewalld, run on its machine: sudo firewall-cmd --permanent --add-port=%U/udp && sudo firewall-cmd --reload") \
	X(OBSTACLE_NTP_BLOCKED, "ntp-blocked", false, \
	    "keys are exchanged, but no request for time is answered: a firewall drops UDP port %U, or the server does not allow this machine", \
	    "let UDP port %U to %A and its answers through every firewall") \
	X(OBSTACLE_NTP_SIZE, "ntp-size", false, \
	    "plain NTP is answered, but each packet with NTS is lost: something on the way drops NTP packets above 48 bytes", \
	    "find the firewall or the provider that filters UDP port %U by size, or let chronyd on the server use another port (port in chrony.conf), which its NTS-KE part then names") \
	X(OBSTACLE_LARGE_PACKETS, "large-packets", true, \
	    "large NTP packets are lost on the way; small ones pass, so the agent works and asks for fewer cookies", \
	    "see which size passes: ping -M do -s 1000 %A; a firewall may limit the size of UDP packets on port %U") \
	X(OBSTACLE_INTERCEPTED, "ntp-intercepted", false, \
	    "NTP is answered without the keys of the server: by another program there, or by something on the way", \
	    "see on the server %A which program has the port: sudo ss -lunp 'sport = :%U'; if it is the one with NTS, find the device on the way that answers in its place, and make an exception for this server there") \
	X(OBSTACLE_NAK, "nak", false, \
	    "the NTP server does not know the cookies that its NTS-KE server gives out", \
	    "on the server: the NTS-KE and the NTP part must have the same cookie keys (ntsdumpdir, ntsrotate of chronyd)") \
	X(OBSTACLE_DENIED, "denied", false, \
	    "the server refuses to give time to this machine", \
	    "ask the operator of the server to allow this machine, or remove %S") \
	X(OBSTACLE_RATE, "rate", true, \
	    "the server asks for fewer requests", \
	    "check again in a minute; the agent asks less often by itself, and minpoll in %S sets how often") \
	/* the server's own time */ \
	X(OBSTACLE_UNSYNCHRONISED, "server-unsynchronised", false, \
	    "the server says that it has no time itself", \
	    "see on the server what it is synchronised to: chronyc sources; a server that is set by hand needs in its chrony.conf: local stratum 10") \
	X(OBSTACLE_DISTANCE, "distance", false, \
	    "the time of the server is too inexact: its root distance is above maxdistance", \
	    "use a nearer server or one with a better source; maxdistance in [clock] is the limit") \
	X(OBSTACLE_IMPOSSIBLE_DELAY, "impossible-delay", false, \
	    "the server says that it held the request for longer than the exchange took, so that its answers cannot be used", \
	    "see whether something sets the clock of this machine or of the server again and again: timedatectl; if not, its time stamps are wrong: ask its operator") \
	X(OBSTACLE_BAD_TIMES, "bad-times", false, \
	    "the time stamps in the answers of the server are zero or reversed, so that they cannot be used", \
	    "its time stamps are wrong: ask its operator") \
	X(OBSTACLE_APART, "apart", false, \
	    "two servers contradict each other by more than both can err, so that nobody can say which one is right", \
	    "remove the obstacle of a third server, or configure one; until then compare both with a clock that is right, and write noselect = yes into the section of the wrong one") \
	X(OBSTACLE_NO_MAJORITY, "no-majority", false, \
	    "the servers contradict each other by more than they can err, and no majority of them agrees", \
	    "compare them with a clock that is right, and write noselect = yes into the section of each that is wrong; of three servers, the two that agree outvote one") \
	X(OBSTACLE_FALSETICKER, "falseticker", false, \
	    "the time of the server is wrong: it contradicts the majority of the servers", \
	    "tell its operator; the agent does not use it until it agrees again") \
	X(OBSTACLE_CERTIFICATE_ENDS, "certificate-ends", true, \
	    "the certificate of the server, or that of a CA above it, expires within 14 days", \
	    "renew it: that of the server or of an intermediate CA on the server, that of a root in trusted-certs") \
	X(OBSTACLE_CRASH, "crash", false, \
	    "the process that talked to the server ended by a signal", \
	    "report it to the authors with the log, and see who runs %H; to try again before the wait is over: sudo ntsctl retry %N") \
	X(OBSTACLE_SLOW, "slow", false, \
	    "the server, DNS, the path or this machine is so slow that the time for the check was over", \
	    "try again with more time: ntsctl check --live -t 20")
/* clang-format on */

enum obstacle {
#define X(id, word, warning, sentence, to_do) id,
	OBSTACLES(X)
#undef X
	    OBSTACLE_COUNT /* nothing is in the way */
};

/* "" for OBSTACLE_COUNT. */
const char *obstacle_word(enum obstacle o);

/* The agent still gets the time of this source. */
bool obstacle_is_warning(enum obstacle o);

/* What the variables stand for; all are borrowed. */
struct obstacle_place {
	const char *name, *host, *address; /* address NULL: the host */
	uint16_t ke_port, ntp_port;	   /* 0: the usual ones */
};

/* Writes the sentence, or what to do, with the variables filled in; "" for
 * OBSTACLE_COUNT. A text that does not fit is cut. */
void obstacle_sentence(
    enum obstacle o, const struct obstacle_place *p, char *out, size_t size);
void obstacle_to_do(
    enum obstacle o, const struct obstacle_place *p, char *out, size_t size);

/*
 * Finds a phrase of ours in the sentence of a failure, as strstr() does, but
 * not in foreign words: those stand in double quotes and have none themselves.
 * A phrase that begins with a double quote begins at the end of a quotation.
 * NULL: it is not there.
 */
const char *obstacle_phrase(const char *seen, const char *phrase);

/* What to do about a trusted file that cannot be read: `seen` is the sentence
 * of the failure, and has the command. False: it is about something else. */
bool obstacle_cure(const char *seen, char *out, size_t size);

/* Another text with such variables. */
void obstacle_fill_in(
    const char *text, const struct obstacle_place *p, char *out, size_t size);

#endif
