# shellcheck shell=bash
# What goes wrong on such a LAN, and the sentence an administrator must read
# then, in `ntsctl sources -v` and in the log. To be sourced after client.sh.

# told HOST SOURCE PATTERN: the sentence stands in both places.
told() {
	wait_for 40 reads "$1" "$2" "$3"
	says "$2, ntsctl" "$3" "$(reason "$1" "$2")"
	says "$2, log" "$3" "$(grep -F "$2" "$LAB/$1.log")"
}

# Folded to the width of a terminal: unfold it.
reason() {
	ctl "$1" sources -v 2>/dev/null | awk -v n="$2" '
		/^\^/ {mine = $2 == n} mine && !/^\^/ {gsub(/^ +/, ""); printf "%s ", $0}'
}

reads() {
	reason "$1" "$2" | grep -qE "$3"
}

# another_key NAME NUMBER: another CA under the CA's name.
another_key() {
	lan_host "$1" "$2"
	lan_name "$1" "$2"
	server_certificate "$1"
	start_chrony43 "$1"
	wait_for 5 listens "$1"
}

# self_signed NAME NUMBER: no CA at all.
self_signed() {
	lan_host "$1" "$2"
	lan_name "$1" "$2"
	quiet openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 \
		-nodes -days 30 -subj "/CN=$1" -addext "subjectAltName=DNS:$1" \
		-keyout "$LAB/$1/etc/pki/$1.key" -out "$LAB/$1/etc/pki/new-$1.crt"
	chown 901 "$LAB/$1/etc/pki/$1.key"
	cp "$CA/rootca.crt" "$LAB/$1/etc/pki/"
	chgrp 901 "$LAB/$1/etc/pki/rootca.crt"
	start_chrony43 "$1"
	wait_for 5 listens "$1"
}

# Hosts that take TCP connections on 4460 but are no NTS server.
other_services() {
	lan_host web 33
	lan_name web 33
	server_certificate web --key-of "$CA"
	start web on web openssl s_server -www -accept 4460 \
		-cert /etc/pki/new-web.crt -key /etc/pki/web.key -alpn http/1.1
	lan_host mute 34
	lan_name mute 34
	start mute on mute nc.openbsd -lk 4460
	wait_for 5 listens web && wait_for 5 listens mute
}

# The first trap of the document: the agent's user may not read the root.
root_unreadable() {
	agent_conf "$1" "" ntpserver
	chgrp root "$LAB/$1/etc/pki/rootca.crt"
	start_agent12 "$1"
	told "$1" ntpserver 'rootca.crt.*as user ntsagent.*chgrp ntsagent /etc/pki/rootca.crt'
	says "$1, --check-config" 'rootca.crt.*chgrp ntsagent' "$(
		(on "$1" "$B/ntsagentd" -f /etc/ntsagent/ntsagent.conf --check-config) 2>&1)"
	stop_agent "$1"
}

# All others at once, and a good server among them that must not suffer.
many_troubles() {
	agent_conf "$1" "" ntpserver alias expired renewed stranger \
		web mute closed nowhere
	start_agent12 "$1"
	# The second trap: a name that is not in the certificate.
	told "$1" alias 'not for alias, it is for .*ntpserver.*ntpserver-ipv6'
	told "$1" expired 'has expired.*valid from .* to .*renew'
	told "$1" renewed 'not signed by the trusted .* but by another key.*renewed'
	told "$1" stranger 'CN=stranger is self-signed and not among .*rootca\.crt'
	told "$1" web "no NTS server|NTS is not enabled"
	told "$1" mute 'TLS handshake'
	told "$1" closed 'refused: nothing listens on TCP port 4460'
	told "$1" nowhere 'nowhere'
	same 'the good server among them' '*' \
		"$(facts "$1" '.sources[] | select(.name == "ntpserver") | .mark')"
	stop_agent "$1"
}

scene_traps() {
	echo "-- what goes wrong on such a LAN"
	server ntpserver 11 chrony46
	lan_host client 40
	lan_name closed 40
	printf '%s.11 alias\n' "$PREFIX4" >>"$ETCHOSTS"
	server expired 31 chrony43 --valid -30,-1
	another_key renewed 32
	self_signed stranger 35
	other_services
	root_unreadable client
	many_troubles client
}
