# shellcheck shell=bash
# A pool, the SRV records of a domain, and dropped-in sources. To be sourced
# after dns.sh.

# Four servers with the names pool and time.example, known to DNS only. The
# first priority of the domain's SRV records is the fourth server.
pool_servers() {
	local number
	lan_host dns 53
	for number in 21 22 23 24; do
		lan_host "pool$number" "$number"
		MORE_NAMES=,pool,time.example \
			server_certificate "pool$number" --key-of "$CA"
		start_chrony43 "pool$number"
		printf '%s pool\n%s s%s.example\n' "$PREFIX4.$number" \
			"$PREFIX4.$number" "$number"
	done >"$LAB/names"
	for number in 21 22 23 24; do listens_soon "pool$number"; done
	DNS_MORE="--srv-host=_ntske._tcp.time.example,s24.example,4460,10,3
		--srv-host=_ntske._tcp.time.example,nowhere.example,4460,10,1
		--srv-host=_ntske._tcp.time.example,s21.example,4460,20,9" start_dns
}

pool_addresses() {
	status_value client '[.sources[] | select(.pool == "pool") | .address] |
		unique | join(" ")'
}

# The sources of the pool have samples of as many addresses.
pool_is_whole() {
	[ "$(pool_addresses | wc -w)" -eq 3 ] && all_sampled client
}

# How many addresses the good sources of the pool have in `ntsctl check`.
checked_addresses() {
	on client "$B/ntsctl" check --live --json 2>/dev/null | jq -r \
		'[.sources[] | select(.status == "OK") | .ke_address] | unique | length'
}

# replaced SOURCE ADDRESS: it has a sample from another address.
replaced() {
	[ "$(source_value client "$1" .address)" != "$2" ] &&
		above client "$1" .samples 0
}

scene_pool() {
	local dead conf=$LAB/client/etc/ntsagent answer
	echo "-- a pool of four servers, SRV records, and dropped-in sources"
	pool_servers
	lan_host client 12
	use_dns client
	agent_conf client ''
	printf '[pool pool]\nsources = 3\nminpoll = 0\nmaxpoll = 0\n' \
		>>"$conf/ntsagent.conf"
	start_agent12 client
	within 'three sources with an address each' 10 pool_is_whole
	same 'the check tries another address for each' 3 "$(checked_addresses)"
	dead=$(source_value client 'pool#2' .address)
	stop "pool${dead##*.}"
	within 'another address takes the place of a dead server' 20 \
		replaced 'pool#2' "$dead"
	same 'addresses in use' 3 "$(pool_addresses | wc -w)"
	mkdir "$conf/sources.d"
	printf '[source time.example]\nsrv = yes\n' >"$conf/sources.d/time.conf"
	printf '[source bad]\nfoo = 1\n' >"$conf/sources.d/bad.conf"
	answer=$(ctl client reload sources 2>&1)
	says 'the answer to the reload' 'time.example added' "$answer"
	says 'the answer to the reload' \
		'bad.conf:2: unknown key "foo"' "$answer"
	within 'a sample of the server that SRV records name' 10 \
		above client time.example .samples 0
	if [ "$dead" != "$PREFIX4.24" ]; then
		same 'the server of the first priority' "$PREFIX4.24" \
			"$(source_value client time.example .address)"
	else
		same 'the server of the next priority' "$PREFIX4.21" \
			"$(source_value client time.example .address)"
	fi
	stop_agent client
}

# Hosts that cannot exist, and what is wrong with them.
IMPOSSIBLE='192.0.2.300 (an IPv4 address has four numbers from 0 to 255)
a..example (a part of a host name has 1 to 63 characters)
fe80::g (this is no IPv6 address)'

# Writes the files bad1.conf to bad3.conf, each with such a host in line 2.
impossible_files() {
	local host number=1
	while read -r host _; do
		printf '# from DHCP\n[source %s]\n' "$host" \
			>"$1/sources.d/bad$number.conf"
		number=$((number + 1))
	done <<<"$IMPOSSIBLE"
}

# all_named WHAT TEXT: it has file, line and reason of each of them.
all_named() {
	local host reason number=1
	while read -r host reason; do
		check "$1 names $host" grep -qF "$(printf '%s %s' \
			"sources.d/bad$number.conf:2: [source $host]: no such" \
			"host can exist: $host $reason")" <<<"$2"
		number=$((number + 1))
	done <<<"$IMPOSSIBLE"
}

# not_used: how many files of sources.d are not used, by the status.
not_used() {
	status_value client .unused_file_count
}

scene_impossible() {
	local conf=$LAB/client/etc/ntsagent answer good
	echo "-- hosts that cannot exist, in files of sources.d"
	server ntpserver 11 chrony43
	server ntp-other 21 chrony43
	lan_host client 12
	agent_conf client $'minpoll = 0\nmaxpoll = 0' ntpserver
	mkdir "$conf/sources.d"
	impossible_files "$conf"
	printf '[source ntp-other]\n' >"$conf/sources.d/other.conf"
	start_agent12 client
	within 'the other sources have samples' 10 all_sampled client
	all_named 'the log of the start' "$(cat "$LAB/client.log")"
	# Long lines are wrapped.
	all_named 'ntsctl' "$(ctl client | tr -s ' \n' ' ')"
	says 'ntsctl says what to do' '^To do: .*ntsctl reload sources' \
		"$(ctl client)"
	same 'files that are not used' 3 "$(not_used)"
	says 'ntsctl events' 'start .*2 sources; 3 files of sources.d are not used' \
		"$(ctl client events)"
	log_mark client
	good=$(source_value client ntpserver .packets.good)
	answer=$(ctl client reload sources 2>&1)
	all_named 'the answer to the reload' "$answer"
	all_named 'the log of the reload' \
		"$(tail -n "+$((LOG_MARK + 1))" "$LAB/client.log")"
	within 'the sources go on' 5 above client ntpserver .packets.good \
		$((good + 1))
	same 'with their keys' 1 \
		"$(source_value client ntpserver .nts.exchanges)"
	rm "$conf"/sources.d/bad[12].conf
	ctl client reload sources >/dev/null
	same 'files that are not used after two are gone' 1 "$(not_used)"
	check 'ntsctl does not name them any more' \
		refute grep -q 'bad[12]' <<<"$(ctl client)"
	rm "$conf/sources.d/bad3.conf"
	ctl client reload >/dev/null
	same 'files that are not used at the end' 0 "$(not_used)"
	check 'ntsctl has no warning' refute grep -q Warning <<<"$(ctl client)"
	stop_agent client
}
