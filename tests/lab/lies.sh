# shellcheck shell=bash
# Scenes with false answers: from a server, and in the name of one. To be
# sourced after scenes.sh.

# The test server: half a second ahead, with correct NTS.
start_liar() {
	start "$1" on "$1" "$B/tests/server/ntsserver" --offset 0.5 \
		--cert "/etc/pki/new-$1.crt" --key "/etc/pki/$1.key" \
		--listen 0.0.0.0 --ke-port 4460 --ntp-port 123
}

right_clock() {
	[ "$(status_value client '.clock.synchronised and .clock.combined == 2 and
		(.clock.offset_ns | fabs) < 1e6')" = true ]
}

scene_liar() {
	echo "-- one of three servers has a wrong time"
	server ntpserver 11 chrony43
	server ntp-other 21 chrony43
	server ntp-liar 22 liar
	lan_host client 12
	agent_conf client '' ntp-liar ntpserver ntp-other
	start_agent12 client
	within 'the clock is right within 1 ms, by two servers' 15 right_clock
	same 'the liar' 'x falseticker' \
		"$(source_value client ntp-liar '"\(.mark) \(.state)"')"
	says 'ntsctl' 'disagrees with the majority' "$(reason client ntp-liar)"
	says 'log' 'ntp-liar: its time is [45]..\...* ms ahead of that of the majority' "$(cat "$LAB/client.log")"
	stop_agent client
}

scene_forgery() {
	local lost exchanges attack_s=25
	echo "-- a thousand forged packets for each request"
	server ntpserver 11 chrony46
	lan_host client 12
	start_sampling client $'ipv4 = yes\nminpoll = 2\nmaxpoll = 2' ntpserver
	log_mark client
	lost=$(source_value client ntpserver .packets.lost)
	exchanges=$(source_value client ntpserver .nts.exchanges)
	count_good client ntpserver
	start forge on ntpserver "$TOP/tests/lab/forge.py" eth0 250
	trouble_lasts "$attack_s"
	stop forge
	says 'forged packets' 'sent [0-9]{4,}' "$(tail -n 1 "$LAB/forge.log")"
	check "five samples or more in $attack_s s at poll 2" \
		sampled_times client ntpserver 5
	check 'at most one is lost' [ \
		"$(source_value client ntpserver .packets.lost)" -le $((lost + 1)) ]
	check 'at most one key exchange' [ \
		"$(source_value client ntpserver .nts.exchanges)" -le $((exchanges + 1)) ]
	log_lines client 3 'the attack'
	stop_agent client
}
