# shellcheck shell=bash
# Mistakes that happen on a LAN, and the sentences that the administrator must
# find in `ntsctl sources -v` and in the log. To be sourced after scenes.sh.

# explained HOST SOURCE PATTERN: the sentence stands in both places.
explained() {
	wait_for 40 shows_reason "$1" "$2" "$3"
	says "$2, ntsctl" "$3" "$(reason "$1" "$2")"
	says "$2, log" "$3" "$(grep -F "$2" "$LAB/$1.log")"
}

# reason HOST SOURCE: what `ntsctl sources -v` says, in one line.
reason() {
	ctl "$1" sources -v 2>/dev/null | awk -v n="$2" '
		/^\^/ {mine = $2 == n} mine && !/^\^/ {gsub(/^ +/, ""); printf "%s ", $0}'
}

shows_reason() {
	reason "$1" "$2" | grep -qE "$3"
}

# self_signed NAME NUMBER: a server whose certificate no CA has signed.
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
	listens_soon "$1"
}

# Hosts that accept TCP connections on 4460 but are not NTS servers.
other_services() {
	lan_host web 33
	lan_name web 33
	server_certificate web --key-of "$CA"
	start web on web openssl s_server -www -accept 4460 \
		-cert /etc/pki/new-web.crt -key /etc/pki/web.key -alpn http/1.1
	lan_host mute 34
	lan_name mute 34
	start mute on mute nc.openbsd -lk 4460
	listens_soon web
	listens_soon mute
}

# The agent's user may not read the root certificate.
root_unreadable() {
	agent_conf "$1" "" ntpserver
	chgrp root "$LAB/$1/etc/pki/rootca.crt"
	start_agent12 "$1"
	explained "$1" ntpserver 'rootca.crt.*as user ntsagent.*chgrp ntsagent /etc/pki/rootca.crt'
	says "$1, --check-config" 'rootca.crt.*chgrp ntsagent' "$(
		(on "$1" "$B/ntsagentd" -f /etc/ntsagent/ntsagent.conf --check-config) 2>&1)"
	stop_agent "$1"
}

# All other mistakes at once. They must not disturb the good server among them.
many_troubles() {
	agent_conf "$1" "" ntpserver alias expired renewed stranger \
		web mute closed nowhere
	start_agent12 "$1"
	explained "$1" alias 'not for alias: .*intercepting.*the certificate is for .*ntpserver.*ntpserver-ipv6'
	explained "$1" expired 'has expired.*valid from .* to .*renew'
	explained "$1" renewed 'names the trusted .* as its issuer, but another key signed it.*intercepting'
	explained "$1" stranger 'CN=stranger.? is self-signed and not among .*rootca\.crt'
	explained "$1" web "no NTS server|NTS is not enabled"
	explained "$1" mute 'TLS handshake'
	explained "$1" closed 'refused: nothing listens on TCP port 4460'
	explained "$1" nowhere 'nowhere'
	same 'the good server among them' '*' \
		"$(status_value "$1" '.sources[] | select(.name == "ntpserver") | .mark')"
	stop_agent "$1"
}

scene_traps() {
	echo "-- mistakes that happen on a LAN"
	server ntpserver 11 chrony46
	lan_host client 40
	lan_name closed 40
	printf '%s.11 alias\n' "$PREFIX4" >>"$ETCHOSTS"
	server expired 31 chrony43 --valid -30,-1
	# Another CA of the same name.
	serve renewed 32 chrony43
	self_signed stranger 35
	other_services
	root_unreadable client
	many_troubles client
}
