# shellcheck shell=bash
# The NTS servers of the lab, as Debian ships them. To be sourced after
# machine.sh and net.sh.

# The LAN's own CA: one root, one intermediate CA.
make_ca() {
	CA=$LAB/ca
	"$TOP/tests/pki" "$CA" ca || die "the CA could not be made"
}

# server_certificate HOST PKI-OPTION...: issues a certificate for the names of
# HOST and those in MORE_NAMES (",name,name"). Chain, key and root go to
# /etc/pki, readable by the server's user.
server_certificate() {
	local host=$1 pki=$LAB/$1/etc/pki made=$LAB/$1/issued
	shift
	"$TOP/tests/pki" "$@" "$made" "$host,$host-ipv6${MORE_NAMES:-}" ||
		die "no certificate for $host"
	install -o 0 -g 901 -m 640 "$made/rootca.crt" "$pki/rootca.crt"
	install -o 0 -g 901 -m 640 "$made/fullchain.crt" "$pki/new-$host.crt"
	install -o 901 -g 0 -m 600 "$made/server.key" "$pki/$host.key"
}

# The chrony.conf of a LAN whose server is set by hand, and below it what this
# lab needs: a local clock, and the command socket and all files in /run.
chrony_conf() {
	cat <<-EOF
		initstepslew 1
		manual
		allow 192.168.132.0/24
		allow fd15:4ba5:5a2b:1008:192:168::/64
		ntsserverkey /etc/pki/$1.key
		ntsservercert /etc/pki/new-$1.crt
		ntstrustedcerts /etc/pki/rootca.crt
		ntsprocesses 3
		ntsrotate 86400
		smoothtime 400 0.01

		local stratum 8
		cmdport 0
		bindcmdaddress /run/chronyd.sock
		pidfile /run/chronyd.pid
		ntsdumpdir /run
		${CHRONY_MORE:-}
	EOF
}

chrony_run() {
	chown 901:901 "$LAB/$1/run"
	chmod 750 "$LAB/$1/run"
}

start_chrony46() {
	chrony_run "$1"
	chrony_conf "$1" >"$LAB/$1/etc/chrony.conf"
	start "$1" on13 "$1" /opt/chrony/usr/sbin/chronyd -x -d -u chrony \
		-f /etc/chrony.conf
}

start_chrony43() {
	start_chrony43_with "$1" < <(chrony_conf "$1")
}

# start_chrony43_with HOST: its configuration is on standard input.
start_chrony43_with() {
	chrony_run "$1"
	cat >"$LAB/$1/etc/chrony.conf"
	start "$1" on "$1" "$CHRONY12/usr/sbin/chronyd" -x -d -u chrony \
		-f /etc/chrony.conf
}

# With `disable ntp`, a local clock never counts as synchronised; an orphan
# does.
ntpsec_conf() {
	cat <<-EOF
		disable ntp
		tos orphan 1 orphanwait 1 minclock 1 minsane 1
		nts enable
		nts cert /etc/pki/new-$1.crt
		nts key /etc/pki/$1.key
		nts cookie /run/nts-keys
		restrict default kod limited nomodify
	EOF
}

start_ntpsec12() {
	ntpsec_conf "$1" >"$LAB/$1/etc/ntp.conf"
	start "$1" on "$1" "$NTPSEC12/usr/sbin/ntpd" -n -c /etc/ntp.conf
}

start_ntpsec13() {
	ntpsec_conf "$1" >"$LAB/$1/etc/ntp.conf"
	start "$1" on13 "$1" /opt/ntpsec/usr/sbin/ntpd -n -c /etc/ntp.conf
}

start_ntpdrs() {
	cat >"$LAB/$1/etc/ntp.toml" <<-EOF
		[observability]
		log-level = "info"
		[synchronization]
		local-stratum = 1
		[[server]]
		listen = "[::]:123"
		[[nts-ke-server]]
		listen = "[::]:4460"
		certificate-chain-path = "/etc/pki/new-$1.crt"
		private-key-path = "/etc/pki/$1.key"
	EOF
	start "$1" on13 "$1" /opt/ntpd-rs/usr/bin/ntp-daemon -c /etc/ntp.toml
}

# Name and version of each server, from the program itself.
maker_chrony46() { in_tree13 /opt/chrony/usr/sbin/chronyd -v | awk '{print "chrony", $4}'; }
maker_chrony43() { "$CHRONY12/usr/sbin/chronyd" -v | awk '{print "chrony", $4}'; }
maker_ntpsec12() { "$NTPSEC12/usr/sbin/ntpd" -V | awk '{sub("ntpsec-", "", $2); print "NTPsec", $2}'; }
maker_ntpsec13() { in_tree13 /opt/ntpsec/usr/sbin/ntpd -V | awk '{sub("ntpsec-", "", $2); print "NTPsec", $2}'; }
maker_ntpdrs() { in_tree13 /opt/ntpd-rs/usr/bin/ntp-daemon -v 2>&1 | awk '{print "ntpd-rs", $NF}'; }

# listens HOST [PORT]: a program accepts TCP connections there.
listens() {
	ip netns exec "$(ns "$1")" ss -Hlnt "sport = :${2:-4460}" | grep -q .
}

chronyc46() {
	(on13 "$1" /opt/chrony/usr/bin/chronyc -h /run/chronyd.sock "${@:2}")
}

# serverstat HOST LABEL: one number of `chronyc serverstats`.
serverstat() {
	chronyc46 "$1" serverstats | awk -F: -v l="$2" '
		{gsub(/ +$/, "", $1)} $1 == l {print $2 + 0}'
}
