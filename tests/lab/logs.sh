# shellcheck shell=bash
# The agent and chronyd 4.3 side by side, both with files of measurements. The
# columns of the agent's files must be those of chronyd's, and so must the offset.
# All clocks are one, so the server has to be ahead by more than any error: else
# a wrong sign would not show. To be sourced after check.sh.

LOGS='measurements statistics tracking'

# log_agent HOST: adds the files to the agent's configuration.
log_agent() {
	printf '[log]\nlog-dir = /run/ntsagent/log\nlogbanner = 8\n' \
		>>"$LAB/$1/etc/ntsagent/ntsagent.conf"
	# shellcheck disable=SC2086 # a list of words
	printf '%s = yes\n' $LOGS >>"$LAB/$1/etc/ntsagent/ntsagent.conf"
}

# log_chronyd HOST NAME: a client of the server NAME that writes the files, too.
log_chronyd() {
	install -m 644 "$CA/rootca.crt" "$LAB/$1/etc/pki/"
	start_chrony43_with "$1" <<-EOF
		server $2 nts iburst minpoll 0 maxpoll 0
		ntstrustedcerts /etc/pki/rootca.crt
		log $LOGS
		logdir /run/log
		logbanner 8
		cmdport 0
		bindcmdaddress /run/chronyd.sock
		pidfile /run/chronyd.pid
	EOF
}

# log_lines FOLDER NUMBER: each file there has so many lines of data.
log_lines() {
	local log lines
	for log in $LOGS; do
		lines=$(grep -c '^2' "$1/$log.log" 2>/dev/null)
		[ "${lines:-0}" -ge "$2" ] || return 1
	done
}

# rotate HOST FOLDER: the real logrotate, as it is called once a day, with the
# installed file; that one has the usual folder and the usual sockets.
rotate() {
	local at=$LAB/$1/rotation
	{
		printf 'weekly\nrotate 4\n'
		sed -e "s|/var/log/ntsagent|$2|" -e "s|/dev/null|$LAB/$1/cyclelogs|" \
			-e "s|ntsctl|$B/ntsctl -s $LAB/$1/run/ntsagent/status.sock|" \
			"$TOP/etc/logrotate.d/ntsagent"
	} >"$at"
	chmod 644 "$at"
	check 'logrotate takes the file' "$LOGROTATE12/usr/sbin/logrotate" --force \
		--state "$at.state" "$at"
}

scene_logs() {
	local ours=$LAB/client/run/ntsagent/log theirs=$LAB/rival/run/log log
	echo "-- files of measurements next to those of chronyd"
	lan_host ntpserver 11
	lan_name ntpserver 11
	server_certificate ntpserver --key-of "$CA"
	test_server ntpserver --offset 0.3
	within 'the server listens' 5 listens ntpserver
	lan_host client 12
	lan_host rival 13
	agent_conf client $'minpoll = 0\nmaxpoll = 0' ntpserver
	log_agent client
	start_agent12 client
	log_chronyd rival ntpserver
	within 'chronyd writes its files' 40 log_lines "$theirs" 10
	within 'the agent writes its files' 40 log_lines "$ours" 10
	for log in $LOGS; do
		check "the columns of $log.log" "$TOP/tests/lab/log_columns" \
			"$log" "$theirs/$log.log" "$ours/$log.log"
	done
	rotate client "$ours"
	says 'cyclelogs' 'opened again' "$(cat "$LAB/client/cyclelogs")"
	same 'logrotate keeps the old files' 3 "$(find "$ours" -name '*.log.1' | wc -l)"
	within 'new files after the rotation' 10 log_lines "$ours" 1
	stop_agent client
}
