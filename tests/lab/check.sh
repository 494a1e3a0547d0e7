# shellcheck shell=bash
# The obstacles that `ntsctl check --live` names, with real servers where they
# commit the fault. To be sourced after paths.sh and dns.sh.

CHECK_LIMIT_MS=5000

# What a client sees: the source, and the word of its obstacle. All sources of
# a client are checked at once.
CHECKED="good:none
	no-allow:no-allow
	other-allow:no-allow
	bad-key:server-key
	no-local:server-unsynchronised
	far:distance
	small-only:ntp-size
	size-limit:large-packets
	ke-dropped:ke-blocked
	ke-rejected:ke-refused
	ke-prohibited:ke-rejected
	ke-prohibited-ipv6:ke-rejected
	ntp-dropped:ntp-blocked
	ntp-rejected:ntp-refused
	ntp-prohibited:ntp-rejected
	tls-12:tls-old
	wants-ours:client-certificate
	ntp-forged:ntp-intercepted
	ntp-nak:nak
	forged-nak:none
	kiss-rate:rate
	kiss-deny:denied
	hello-lost:large-segments
	chain-lost:large-segments
	intercepted:unknown-issuer
	expired:certificate-expired
	early:certificate-early
	alias:certificate-name
	mail:wrong-port
	web:not-nts
	mute:tls-silent
	far-away:no-route
	nowhere:name-unknown"

# chrony43_but NAME PATTERN [LINE]: chronyd without the lines that match, and
# with another one.
chrony43_but() {
	start_chrony43_with "$1" \
		< <(chrony_conf "$1" | grep -v "$2" && echo "${3:-}")
}

# fault_server NAME FAULT...: the test server commits what chronyd does not.
fault_server() {
	local fault options=()
	for fault in "${@:2}"; do options+=(--fault "$fault"); done
	test_server "$1" "${options[@]}"
}

test_server() {
	cp "$LAB/$1/etc/pki/new-$1.crt" "$LAB/$1/etc/pki/$1.crt"
	start "$1" on "$1" "$B/tests/server/ntsserver" --listen 0.0.0.0 \
		--ke-port 4460 --ntp-port 123 --cert "/etc/pki/$1.crt" \
		--key "/etc/pki/$1.key" "${@:2}"
}

# host_of NAME PKI-OPTION...: a host with a certificate; the next number.
CHECK_NUMBER=20
host_of() {
	CHECK_NUMBER=$((CHECK_NUMBER + 1))
	lan_host "$1" "$CHECK_NUMBER"
	lan_name "$1" "$CHECK_NUMBER"
	server_certificate "$@"
}

check_servers_of_chrony() {
	local name
	for name in no-allow other-allow bad-key no-local small-only size-limit \
		ke-dropped ke-rejected ke-prohibited ntp-dropped ntp-rejected \
		ntp-prohibited hello-lost chain-lost; do
		host_of "$name" --key-of "$CA"
	done
	host_of good --key-of "$CA"
	host_of intercepted
	host_of expired --key-of "$CA" --valid -30,-1
	host_of early --key-of "$CA" --valid 10,30
	chrony43_but no-allow ^allow
	chrony43_but other-allow ^allow 'allow 10.0.0.0/8'
	chown 0:0 "$LAB/bad-key/etc/pki/bad-key.key"
	chrony43_but bad-key ^nothing
	chrony43_but no-local ^local
	for name in good small-only size-limit ke-dropped ke-rejected \
		ke-prohibited ntp-dropped ntp-rejected ntp-prohibited \
		hello-lost chain-lost intercepted \
		expired early; do
		start_chrony43 "$name"
	done
	printf '%s.%s alias\n' "$PREFIX4" "$CHECK_NUMBER" >>"$ETCHOSTS"
}

check_other_servers() {
	local name
	for name in far ntp-forged ntp-nak forged-nak kiss-rate \
		kiss-deny tls-12 wants-ours web mail mute hurried ahead1 ahead2 late1 late2; do
		host_of "$name" --key-of "$CA"
	done
	host_of future --key-of "$CA" --valid 10,30
	test_server far --root-dispersion 5
	fault_server ntp-forged ntp-no-authenticator
	fault_server ntp-nak ntp-nak
	fault_server forged-nak ntp-forged-nak=1
	fault_server kiss-rate ntp-kiss=RATE
	fault_server kiss-deny ntp-kiss=DENY
	fault_server mail tls-not-tls
	fault_server tls-12 tls-12
	fault_server wants-ours tls-want-certificate
	test_server ahead1 --offset 100
	test_server ahead2 --offset 100.2
	test_server late1 --offset 0.3
	test_server late2 --offset 0.6
	test_server future --offset 1728000
	start web on web openssl s_server -quiet -www -accept 4460 \
		-cert /etc/pki/new-web.crt -key /etc/pki/web.key -alpn http/1.1
	start mute on mute nc.openbsd -lk 4460
	# As chronyd, whose clients have 2 s for the key exchange.
	start hurried on hurried python3 -c "if True:
		import socket, time
		server = socket.create_server(('', 4460))
		while True:
			client = server.accept()[0]
			client.recv(4096)
			time.sleep(2)
			client.close()"
	printf '203.0.113.1 far-away\n' >>"$ETCHOSTS"
}

address_of() {
	awk -v n="$1" '$2 == n {print $1}' "$ETCHOSTS"
}

check_blocks() {
	block small-only 'udp dport 123 udp length > 56 drop'
	block size-limit 'udp dport 123 udp length > 500 drop'
	block ke-dropped 'tcp dport 4460 drop'
	block ke-rejected 'tcp dport 4460 reject with tcp reset'
	# As firewalld does.
	block ke-prohibited 'tcp dport 4460 reject with icmpx type admin-prohibited'
	block ntp-prohibited 'udp dport 123 reject with icmpx type admin-prohibited'
	block ntp-dropped 'udp dport 123 drop'
	block ntp-rejected 'udp dport 123 reject'
	block hello-lost 'tcp dport 4460 meta length > 200 drop'
	# The server sends segment by segment, as on a real network card.
	in_ns chain-lost ip link set eth0 gso_max_segs 1
	block client "ip saddr $(address_of chain-lost) meta length > 1000 drop"
}

# run_check CLIENT OPTION...: the check as JSON, and its exit status. Runs in the
# background.
run_check() {
	("${@:2}") >"$LAB/$1.json" 2>"$LAB/$1.errors"
	echo "$?" >"$LAB/$1.end"
}

CHECKS=()
checked() {
	run_check "$1" on "$1" "${@:2}" "$LAB/bin/ntsctl" check --live --json \
		--config /etc/ntsagent/ntsagent.conf &
	CHECKS+=($!)
}

# The same on Debian 13, whose OpenSSL sends a hello of two segments.
checked13() {
	run_check "$1" on13 "$1" /source/build/debian13/ntsctl check --live \
		--json --config /etc/ntsagent/ntsagent.conf &
	CHECKS+=($!)
}

# Servers that contradict each other, and a container with users of its own.
check_contradictions() {
	lan_host apart 71
	agent_conf apart '' good late1
	lan_host split 72
	agent_conf split '' good late1 late2
	lan_host outvoted 73
	agent_conf outvoted '' good forged-nak late1
	lan_host contained 74
	agent_conf contained '' good
	for name in apart split outvoted; do checked "$name"; done
	checked contained unshare --user --map-root-user
}

# obstacles CLIENT: of all its sources, in their order.
obstacles() {
	jq -r '.sources | map(.obstacle // "none") | join(" ")' "$LAB/$1.json"
}

judge_contradictions() {
	same 'two servers apart' 'apart apart' "$(obstacles apart)"
	says 'both are named' \
		'by good, this clock .* give or take .*; by late1, this clock is 0\.(29|30).* slow' \
		"$(jq -r '.sources[0].seen' "$LAB/apart.json")"
	same 'three servers apart' 'no-majority no-majority no-majority' \
		"$(obstacles split)"
	same 'one is wrong' 'none none falseticker' "$(obstacles outvoted)"
	ended apart 2
	ended split 2
	ended outvoted 1
	same 'root without the capability' no-sys-time \
		"$(jq -r '.machine[].obstacle' "$LAB/apart.json")"
	same 'a container' user-namespace \
		"$(jq -r '.machine[].obstacle' "$LAB/contained.json")"
	ended contained 3
}

# obstacle CLIENT SOURCE: the word; "none" for a source in whose way is nothing.
obstacle() {
	jq -r ".sources[] | select(.name == \"$2\") | .obstacle // \"none\"" \
		"$LAB/$1.json"
}

# ended CLIENT STATUS: the exit status of the check, and how long it took. It
# says so itself: the mounts of the lab are not a part of it.
ended() {
	local ms
	same "$1: exit status" "$2" "$(cat "$LAB/$1.end")"
	ms=$(jq .duration_ms "$LAB/$1.json")
	if [ "$ms" -le "$CHECK_LIMIT_MS" ]; then
		pass "$1: $ms ms (at most $CHECK_LIMIT_MS)"
	else
		fail "$1: $ms ms (at most $CHECK_LIMIT_MS)"
	fi
	[ ! -s "$LAB/$1.errors" ] || fail "$1: $(cat "$LAB/$1.errors")"
}

# A field of the good source, as jq finds it.
good_value() {
	jq -r ".sources[] | select(.name == \"good\") | $1" "$LAB/client.json"
}

check_good() {
	same 'good: NTS-KE' '15 8 123' \
		"$(good_value '.nts_ke | "\(.aead) \(.cookies) \(.port)"')"
	same 'good: requests' '4 4' "$(good_value '.ntp | "\(.sent) \(.answered)"')"
	same 'good: a large request passes' true \
		"$(good_value '.ntp.size_passed > 800')"
	same 'good: the clocks are one' true \
		"$(good_value '.ntp | (.offset_ns | fabs) <= .delay_ns / 2 + 1e5 and .delay_ns < 3e8')"
	same 'good: certificate' 'true DNS "good"' \
		"$(good_value '.certificate | "\(.accepted) \(.names | split(",")[0])"')"
	same 'good: SHA-256' "$(openssl x509 -noout -fingerprint -sha256 \
		-in "$LAB/good/etc/pki/new-good.crt" | sed 's/.*=//; s/://g' |
		tr A-F a-f)" "$(good_value .certificate.sha256)"
}

# Clients with a trouble of their own. `anybody` is not root, and may read the
# root certificate; `stranger` may not.
check_clients() {
	local name nobody='setpriv --reuid=65534 --regid=65534 --clear-groups'
	lan_host anybody 17
	agent_conf anybody '' good
	chmod 644 "$LAB/anybody/etc/pki/rootca.crt"
	lan_host stranger 18
	agent_conf stranger '' good
	# The server lets only its second address pass. A running agent would
	# hold the port.
	lan_host bound 11
	in_ns bound ip addr add "$PREFIX4.111/24" dev eth0
	agent_conf bound "bind-address = $PREFIX4.111
		dscp = 46
		source-port = 1123" good
	block good "ip saddr $PREFIX4.11 drop"
	checked bound
	lan_host no-ipv6 12
	in_ns no-ipv6 sysctl -qw net.ipv6.conf.all.disable_ipv6=1
	agent_conf no-ipv6 '' good-ipv6
	lan_host no-store 13
	agent_conf no-store '' good
	sed -i '/^trusted-certs/d' "$LAB/no-store/etc/ntsagent/ntsagent.conf"
	# Three name servers are silent: the lookup lasts longer than the check.
	lan_host no-dns 14
	use_dns no-dns
	printf 'nameserver 127.0.0.%d\n' 1 2 3 >"$LAB/no-dns/etc/resolv.conf"
	block no-dns 'udp dport 53 drop'
	agent_conf no-dns '' only-in-dns
	lan_host wrong-clock 15
	agent_conf wrong-clock '' ahead1 ahead2
	lan_host wrong-dates 16
	agent_conf wrong-dates '' future
	for name in no-ipv6 no-dns wrong-clock wrong-dates; do checked "$name"; done
	# The server gives up after 2 s, and the check long after that.
	lan_host patient 75
	agent_conf patient '' hurried
	run_check patient on patient "$LAB/bin/ntsctl" check --live -t 20 \
		--json --config /etc/ntsagent/ntsagent.conf &
	CHECKS+=($!)
	# shellcheck disable=SC2086 # a list of words
	for name in anybody stranger; do checked "$name" $nobody; done
	lan_host debian13 19
	agent_conf debian13 '' good hello-lost
	checked13 debian13
	checked no-store env SSL_CERT_FILE=/nowhere SSL_CERT_DIR=/nowhere
}

scene_check() {
	local row name word names=()
	echo "-- what ntsctl check --live says of each obstacle"
	# Another user than root may not enter the build folder.
	mkdir -m 755 "$LAB/bin"
	cp "$B/ntsagentd" "$B/ntsctl" "$LAB/bin/"
	# As it is installed: not readable.
	chmod 711 "$LAB/bin/ntsagentd"
	check_servers_of_chrony
	check_other_servers
	lan_host client 10
	for row in $CHECKED; do names+=("${row%%:*}"); done
	agent_conf client '' "${names[@]}"
	for name in good far web mute hurried ahead1 ahead2 late1 late2 future early; do
		listens_soon "$name"
	done
	check_blocks
	check_clients
	check_contradictions
	checked client
	wait "${CHECKS[@]}"
	for row in $CHECKED; do
		name=${row%%:*} word=${row#*:}
		same "$name" "$word" "$(obstacle client "$name")"
	done
	ended client 1
	check_good
	same 'bound' none "$(obstacle bound good)"
	same 'a server that gives up' given-up "$(obstacle patient hurried)"
	same 'no IPv6' no-ipv6 "$(obstacle no-ipv6 good-ipv6)"
	same 'no CA store' no-ca-store "$(obstacle no-store good)"
	same 'no DNS server' dns-silent "$(obstacle no-dns only-in-dns)"
	same 'a wrong clock' 'clock-wrong clock-wrong' \
		"$(obstacle wrong-clock ahead1) $(obstacle wrong-clock ahead2)"
	same 'a wrong clock, by its dates' clock-wrong \
		"$(obstacle wrong-dates future)"
	for name in no-ipv6 no-store no-dns wrong-clock wrong-dates; do
		ended "$name" 2
	done
	judge_contradictions
	same 'Debian 13' 'none large-segments' \
		"$(obstacle debian13 good) $(obstacle debian13 hello-lost)"
	ended debian13 1
	same 'not root: nothing is in the way' none "$(obstacle anybody good)"
	# The check of the configuration warns of a single source.
	ended anybody 1
	same 'not root, the CA is closed' trust "$(obstacle stranger good)"
	ended stranger 3
}
