# shellcheck shell=bash
# The two commands of etc/fleet/lan-ca that set up a LAN, word for word, with
# two chronyds. To be sourced after scenes.sh.

# chrony.conf as a distribution ships it, and what this lab needs.
shipped_chrony_conf() {
	cat <<-'EOF'
		pool 2.centos.pool.ntp.org iburst
		sourcedir /run/chrony-dhcp
		driftfile /var/lib/chrony/drift
		makestep 1.0 3
		cmdport 0
		bindcmdaddress /run/chronyd.sock
		pidfile /run/chronyd.pid
		ntsdumpdir /run
	EOF
}

# A host has no systemd: this systemctl writes down what it is asked for. The
# scene does it.
fake_systemctl() {
	mkdir -p "$LAB/bin"
	cat >"$LAB/bin/systemctl" <<-'EOF'
		#!/bin/sh
		echo "$*" >>/run/systemctl
		[ "$1 $3" != "is-active chronyd" ] && [ "$1" = is-active ] && exit 1
		exit 0
	EOF
	chmod 755 "$LAB/bin/systemctl"
	ln -sf "$B/ntsagentd" "$B/ntsctl" "$TOP/etc/fleet/lan-ca" "$LAB/bin/"
}

# lan_ca HOST WORD...: the command on that host, in the background.
lan_ca() {
	start "$1-lan-ca" on "$1" env PATH="$LAB/bin:$PATH" HOME=/run \
		lan-ca "${@:2}"
}

# lan_ca_ends HOST WHAT: waits for the command; it must succeed.
lan_ca_ends() {
	local status=0
	wait "${PIDS[$1-lan-ca]}" || status=$?
	unset "PIDS[$1-lan-ca]"
	same "$2" 0 "$status"
	[ "$status" -eq 0 ] || cat "$LAB/$1-lan-ca.log"
}

asked_for() {
	grep -qx "$2" "$LAB/$1/run/systemctl" 2>/dev/null
}

# set_up_server HOST NUMBER KIND
set_up_server() {
	lan_host "$1" "$2"
	chrony_run "$1"
	shipped_chrony_conf >"$LAB/$1/etc/chrony.conf"
	lan_ca "$1" server --no-upstream --allow 192.168.132.0/24 \
		--allow fd15:4ba5:5a2b:1008:192:168::/64 \
		"$1=$PREFIX4.$2" "$1-ipv6=$PREFIX6:$2"
	within "$1: chronyd is to be restarted" 10 asked_for "$1" 'restart chronyd'
	"$3" "$1"
	lan_ca_ends "$1" "$1: one command sets it up"
}

# Both read the chrony.conf that is there.
chrony46_again() {
	start "$1" on13 "$1" /opt/chrony/usr/sbin/chronyd -x -d -u chrony \
		-f /etc/chrony.conf
}

chrony43_again() {
	start "$1" on "$1" "$CHRONY12/usr/sbin/chronyd" -x -d -u chrony \
		-f /etc/chrony.conf
}

# $CHRONYD: one of your own, for example a newer one. It may be built without
# the change of its user.
your_chronyd_again() {
	start "$1" on "$1" "$CHRONYD" -x -d -f /etc/chrony.conf
}

# set_up_client HOST NUMBER SERVER: with the words that the server printed.
set_up_client() {
	local words
	lan_host "$1" "$2"
	cp "$TOP/etc/ntsagent.conf" "$LAB/$1/etc/ntsagent/"
	cp "$LAB/$3/lib/lan-ca/issued/$3/lan-time.pem" "$LAB/$1/run/"
	words=$(sed -n 's,^  .*/lan-ca client ,client /run/,p' "$LAB/$3-lan-ca.log")
	# shellcheck disable=SC2086 # words
	lan_ca "$1" $words
	within "$1: the agent is to be started" 15 asked_for "$1" 'restart ntsagent'
	start_agent12 "$1"
	within "$1: both names give the time" 15 all_sampled "$1"
	lan_ca_ends "$1" "$1: one command sets it up"
	check "$1: chronyd is stopped before" asked_for "$1" 'disable --now chronyd'
	says "$1: it ends with the status" 'stratum 8; 2 of 2' \
		"$(<"$LAB/$1-lan-ca.log")"
	stop_agent "$1"
}

# renewal HOST: another certificate is in use afterwards.
renewal() {
	local before
	before=$(<"$LAB/$1/etc/pki/lan-ca/server.crt")
	lan_ca "$1" --days 400 renew
	lan_ca_ends "$1" 'the certificate is renewed before its end'
	check 'chronyd gets another' \
		[ "$before" != "$(<"$LAB/$1/etc/pki/lan-ca/server.crt")" ]
}

scene_lanca() {
	echo "-- one command on the server, one on the client"
	fake_systemctl
	set_up_server ntpserver 11 chrony46_again
	set_up_client client 12 ntpserver
	set_up_server older 21 chrony43_again
	set_up_client other 22 older
	renewal older
	[ -n "${CHRONYD:-}" ] || return 0
	echo "-- $("$CHRONYD" -v)"
	set_up_server yours 31 your_chronyd_again
	set_up_client third 32 yours
}
