/*
 * A DNS server on the loopback, in a process of its own, that validates with a
 * wrong clock: it answers SERVFAIL unless a query has the bit "checking
 * disabled" (CD). The C library asks it in place of the servers of resolv.conf.
 * Include it in one file.
 */
#ifndef TESTS_UNIT_RESOLVER_DNS_SERVER_H
#define TESTS_UNIT_RESOLVER_DNS_SERVER_H

#include <arpa/inet.h>
#include <dlfcn.h>
#include <netinet/in.h>
#include <resolv.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum dns_behaviour {
	DNS_SIGNED,	 /* every name has an address, only with CD */
	DNS_BYPASS,	 /* the same, only with CD and DO, as systemd 252 */
	DNS_OLD,	 /* only with CD, and no answer with DO */
	DNS_SLOW,	 /* SERVFAIL for IPv6, after a time; else as signed */
	DNS_SIGNED_LONG, /* only "host.lan.test" has one, only with CD */
	/* Only with CD. The last byte of the address is the number of bytes
	 * that the name has in the question. Names below "lan.test" alone, or
	 * all others alone, or both. */
	DNS_DOMAIN,
	DNS_NO_DOMAIN,
	DNS_EACH,
	DNS_MANY, /* every name has 70 of each family, only with CD */
	DNS_NO,	  /* SERVFAIL in any case */
	DNS_MUTE, /* no answer */
};

static struct sockaddr_in dns_at;
static pid_t dns_pid;
static int dns_timeout_s = 1; /* "options timeout" of resolv.conf */
static int dns_count = 1;     /* resolv.conf has it so many times */
static unsigned dns_slow_us = 550000;
static int dns_domains = 1; /* in the search list, all the same */

/* `len` is that of header and question. */
static unsigned char dns_type_of(const unsigned char *query, size_t len)
{
	return query[len - 3];
}

/* A record behind the question is the one with DO. Removes it. Any other one
 * ends the server, and the test gets no answer. */
static int dns_take_do(unsigned char *query, size_t *len)
{
	static const unsigned char opt[] = {
	    0, 0, 41, 0x04, 0xd0, 0, 0, 0x80, 0, 0, 0};

	if (query[11] == 0)
		return 0;
	if (query[11] != 1 || *len <= sizeof(opt))
		_exit(1);
	*len -= sizeof(opt);
	if (memcmp(query + *len, opt, sizeof(opt)) != 0)
		_exit(1);
	query[11] = 0;
	return 1;
}

static int dns_is_below(const unsigned char *query, size_t len)
{
	static const char domain[] = "\x03lan\x04test";

	return len >= 12 + sizeof(domain) + 4 &&
	       memcmp(query + len - 4 - sizeof(domain), domain,
		   sizeof(domain)) == 0;
}

static int dns_is_known(
    enum dns_behaviour how, const unsigned char *query, size_t len, int with_do)
{
	static const char name[] = "\x04host\x03lan\x04test";

	if (!(query[3] & 0x10) || how == DNS_NO ||
	    (how == DNS_BYPASS && !with_do))
		return 0;
	if (how == DNS_DOMAIN || how == DNS_NO_DOMAIN)
		return dns_is_below(query, len) == (how == DNS_DOMAIN);
	return how != DNS_SIGNED_LONG ||
	       (len == 12 + sizeof(name) + 4 &&
		   memcmp(query + 12, name, sizeof(name)) == 0);
}

/* 70 addresses, 127.0.0.1 or ::1 and those behind it. Returns the new length.
 */
static size_t dns_add_many(unsigned char *answer, size_t len, int ipv4)
{
	static const unsigned char head[] =
	    "\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00";
	const size_t size = ipv4 ? 4 : 16;

	answer[7] = 70;
	for (unsigned char i = 1; i <= 70; i++) {
		memcpy(answer + len, head, sizeof(head) - 1);
		answer[len + 3] = ipv4 ? 1 : 28;
		len += sizeof(head) - 1;
		answer[len++] = (unsigned char)size;
		memset(answer + len, 0, size);
		answer[len] = ipv4 ? 127 : 0;
		answer[len + size - 1] = i;
		len += size;
	}
	return len;
}

static void dns_answer(int fd, enum dns_behaviour how)
{
	static const unsigned char of_ipv4[] =
	    "\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\x7f\x00\x00\x01";
	unsigned char query[4096];
	struct sockaddr_in from;
	socklen_t size = sizeof(from);
	ssize_t len =
	    recvfrom(fd, query, 512, 0, (struct sockaddr *)&from, &size);
	size_t n = len > 0 ? (size_t)len : 0;
	int with_do;

	if (how == DNS_MUTE || n < 17)
		return;
	with_do = dns_take_do(query, &n);
	if (how == DNS_OLD && with_do)
		return;
	query[2] |= 0x80;
	query[3] |= 0x80;
	if (how == DNS_SLOW && dns_type_of(query, n) == 28) {
		usleep(dns_slow_us);
		query[3] |= 2;
	} else if (!dns_is_known(how, query, n, with_do)) {
		query[3] |= 2;
	} else if (how == DNS_MANY) {
		n = dns_add_many(query, n, dns_type_of(query, n) == 1);
	} else if (dns_type_of(query, n) == 1) {
		query[7] = 1;
		memcpy(query + n, of_ipv4, sizeof(of_ipv4) - 1);
		n += sizeof(of_ipv4) - 1;
		if (how >= DNS_DOMAIN && how <= DNS_EACH)
			query[n - 1] =
			    (unsigned char)(n - (sizeof(of_ipv4) - 1) - 16);
	}
	(void)!sendto(fd, query, n, 0, (struct sockaddr *)&from, size);
}

static void dns_serve(enum dns_behaviour how)
{
	socklen_t size = sizeof(dns_at);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	dns_at = (struct sockaddr_in){
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	assert_int_equal(bind(fd, (struct sockaddr *)&dns_at, size), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&dns_at, &size), 0);
	dns_pid = fork();
	if (dns_pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			dns_answer(fd, how);
	}
	close(fd);
}

static void dns_end(void)
{
	kill(dns_pid, SIGKILL);
	waitpid(dns_pid, NULL, 0);
	dns_at.sin_port = 0;
}

/* res_ninit() is a macro of this. */
int __res_ninit(res_state s)
{
	void *symbol = dlsym(RTLD_NEXT, "__res_ninit");
	int (*real)(res_state);
	int result;

	memcpy(&real, &symbol, sizeof(real));
	result = real(s);
	if (result == 0 && dns_at.sin_port != 0) {
		s->nscount = dns_count;
		for (int i = 0; i < dns_count; i++)
			s->nsaddr_list[i] = dns_at;
		s->retrans = dns_timeout_s;
		strcpy(s->defdname, "lan.test");
		for (int i = 0; i < dns_domains; i++)
			s->dnsrch[i] = s->defdname;
		s->dnsrch[dns_domains] = NULL;
	}
	return result;
}

#endif
