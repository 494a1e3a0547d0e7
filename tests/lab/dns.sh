# shellcheck shell=bash
# Scenes in which names change or are missing. To be sourced after scenes.sh.

DNS_MORE=

# use_dns HOST: its names come from the LAN's DNS server.
use_dns() {
	printf 'nameserver %s.53\n' "$PREFIX4" >"$LAB/$1/etc/resolv.conf"
	sed -i 's/^hosts:.*/hosts: files dns/' "$LAB/$1/etc/nsswitch.conf"
}

# dns_name NAME ADDRESS...: from now on the only name of the DNS server.
dns_name() {
	local address
	for address in "${@:2}"; do echo "$address $1"; done >"$LAB/names"
	[ -z "${PIDS[dns]:-}" ] || kill -HUP "${PIDS[dns]}"
}

# DNS_MORE: more options of dnsmasq.
start_dns() {
	# shellcheck disable=SC2086 # a list of words
	start dns on dns "$DNSMASQ12/usr/sbin/dnsmasq" --keep-in-foreground \
		--conf-file=/dev/null --user=root --pid-file --no-resolv \
		--no-hosts --addn-hosts="$LAB/names" --log-facility=- \
		$DNS_MORE
	wait_for 5 answers_dns || fail 'dnsmasq does not listen'
}

answers_dns() {
	in_ns dns ss -Hlnu 'sport = :53' | grep -q .
}

# A time server whose name only DNS knows.
dns_only_server() {
	lan_host dns 53
	lan_host ntpserver 11
	server_certificate ntpserver --key-of "$CA"
	start_chrony43 ntpserver
	listens_soon ntpserver
	dns_name ntpserver "$PREFIX4.11" "$PREFIX6:11"
}

scene_address() {
	local sent
	echo "-- the server moves to another address"
	dns_only_server
	start_dns
	lan_host client 12
	use_dns client
	start_sampling client $'minpoll = 4\nmaxpoll = 4' ntpserver
	# Key exchanges begin at least eight seconds apart.
	sleep 10
	log_mark client
	in_ns ntpserver ip addr flush dev eth0 scope global
	in_ns ntpserver ip addr add "$PREFIX4.61/24" dev eth0
	in_ns ntpserver ip addr add "$PREFIX6:61/64" dev eth0 nodad
	dns_name ntpserver "$PREFIX4.61" "$PREFIX6:61"
	count_good client ntpserver
	sent=$(source_value client ntpserver .packets.sent)
	wait_for 40 above client ntpserver .packets.sent "$sent"
	recovers 'from a lost request to a sample' "$(now_us)" 5000 \
		sampled_again client ntpserver
	same 'the address' "$PREFIX6:61" "$(source_value client ntpserver .address)"
	log_lines client 4 'the new address'
	stop_agent client
}

# dns_returns WHAT COMMAND...: the command makes DNS work again.
dns_returns() {
	agent_conf client '' ntpserver
	delete_saved_keys client
	start_agent12 client
	explained client ntpserver 'no DNS server answered for ntpserver.*resolv.conf'
	trouble_lasts 10
	"${@:2}"
	recovers "a sample after this: $1" "$(now_us)" 2000 all_sampled client
	log_lines client 8 "$1"
	stop_agent client
}

scene_dns() {
	echo "-- DNS works only some time after the start"
	dns_only_server
	lan_host client 12
	use_dns client
	dns_returns 'the DNS server starts' start_dns
	block dns 'meta l4proto { tcp, udp } th dport 53 drop'
	dns_returns 'DNS is not blocked any more' unblock dns
}
