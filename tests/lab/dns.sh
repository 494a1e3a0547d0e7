# shellcheck shell=bash
# Scenes of names that change, or are not there. To be sourced after scenes.sh.

# resolves HOST: its names come from the LAN's DNS server.
resolves() {
	printf 'nameserver %s.53\n' "$PREFIX4" >"$LAB/$1/etc/resolv.conf"
	sed -i 's/^hosts:.*/hosts: files dns/' "$LAB/$1/etc/nsswitch.conf"
}

# dns_name NAME ADDRESS...: all that the DNS server knows.
dns_name() {
	local address
	for address in "${@:2}"; do echo "$address $1"; done >"$LAB/names"
	[ -z "${PIDS[dns]:-}" ] || kill -HUP "${PIDS[dns]}"
}

start_dns() {
	start dns on dns "$DNSMASQ12/usr/sbin/dnsmasq" --keep-in-foreground \
		--conf-file=/dev/null --user=root --pid-file --no-resolv \
		--no-hosts --addn-hosts="$LAB/names" --log-facility=-
	wait_for 5 answers_dns || fail 'dnsmasq does not listen'
}

answers_dns() {
	in_ns dns ss -Hlnu 'sport = :53' | grep -q .
}

# A server that is known to DNS only.
dns_server() {
	lan_host dns 53
	lan_host ntpserver 11
	server_certificate ntpserver --key-of "$CA"
	start_chrony43 ntpserver
	wait_for 5 listens ntpserver
	dns_name ntpserver "$PREFIX4.11" "$PREFIX6:11"
}

scene_address() {
	local sent
	echo "-- the server moves to another address"
	dns_server
	start_dns
	lan_host client 12
	resolves client
	agent_conf client $'minpoll = 4\nmaxpoll = 4' ntpserver
	start_agent12 client
	within 'a burst of samples' 10 more client ntpserver .packets.good 3
	log_mark client
	in_ns ntpserver ip addr flush dev eth0 scope global
	in_ns ntpserver ip addr add "$PREFIX4.61/24" dev eth0
	in_ns ntpserver ip addr add "$PREFIX6:61/64" dev eth0 nodad
	dns_name ntpserver "$PREFIX4.61" "$PREFIX6:61"
	count_good client ntpserver
	sent=$(fact client ntpserver .packets.sent)
	wait_for 40 more client ntpserver .packets.sent "$sent"
	recovers 'asked in vain, and a sample' "$(now_us)" 5000 \
		sampled_again client ntpserver
	same 'the address' "$PREFIX6:61" "$(fact client ntpserver .address)"
	logged client 4 'all of it'
	stop_agent client
}

# dns_returns WHAT COMMAND...: which brings DNS back.
dns_returns() {
	agent_conf client '' ntpserver
	forget client
	start_agent12 client
	told client ntpserver 'no DNS server answered for ntpserver .*resolv.conf'
	sleep 10
	"${@:2}"
	recovers "$1, and a sample" "$(now_us)" 2000 all_sampled client
	logged client 8 "$1"
	stop_agent client
}

scene_dns() {
	echo "-- no DNS at the start, and then there is"
	dns_server
	lan_host client 12
	resolves client
	dns_returns 'DNS started' start_dns
	block dns 'meta l4proto { tcp, udp } th dport 53 drop'
	dns_returns 'DNS not blocked any more' unblock dns
}
