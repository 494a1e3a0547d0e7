# shellcheck shell=bash
# A LAN of network namespaces on one bridge. Each host has its own name, an IPv4
# and an IPv6 address, /etc, /run and /var/lib. These are folders below LAB, the
# folder of this run. They are mounted where only the processes of the host see
# them: the machine itself stays unchanged. To be sourced.

PREFIX4=192.168.132
PREFIX6=fd15:4ba5:5a2b:1008:192:168:132

# The name of a LAN stands in front of the names of its hosts; one has none.
LAN=

ns() {
	echo "ntslab$$-$LAN$1"
}

lan_up() {
	local lan
	lan=$(ns lan)
	ip netns add "$lan"
	ip -n "$lan" link add br0 type bridge
	ip -n "$lan" link set br0 up
	ETCHOSTS=$LAB/hosts
	printf '127.0.0.1 localhost\n::1 localhost\n' >"$ETCHOSTS"
}

# in_ns HOST COMMAND...: runs a tool in the network of the host.
in_ns() {
	ip netns exec "$(ns "$1")" "${@:2}"
}

# lan_host NAME NUMBER: joins the LAN as PREFIX.NUMBER.
lan_host() {
	local host
	host=$(ns "$1")
	ip netns add "$host"
	ip link add eth0 netns "$host" type veth \
		peer name "p$2" netns "$(ns lan)"
	ip -n "$(ns lan)" link set "p$2" master br0 up
	ip -n "$host" link set lo up
	ip -n "$host" addr add "$PREFIX4.$2/24" dev eth0
	# No duplicate address detection: the address works at once.
	ip -n "$host" addr add "$PREFIX6:$2/64" dev eth0 nodad
	ip -n "$host" link set eth0 up
	mkdir -p "$LAB/$1/run" "$LAB/$1/lib"
	make_etc "$1"
}

# lan_name NAME NUMBER: NAME is for IPv4, NAME-ipv6 for IPv6.
lan_name() {
	printf '%s.%s %s\n%s:%s %s-ipv6\n' "$PREFIX4" "$2" "$1" \
		"$PREFIX6" "$2" "$1" >>"$ETCHOSTS"
}

lan_down() {
	local name
	for name in $(ip netns list | awk -v p="$(ns '')" 'index($1, p) == 1 {print $1}'); do
		ip netns del "$name"
	done
}

# make_etc HOST: makes a small /etc with users, the hosts file and an empty
# /etc/pki.
make_etc() {
	local etc=$LAB/$1/etc
	mkdir -p "$etc/pki" "$etc/ntsagent"
	cp -a /etc/ld.so.cache /etc/ssl "$etc/"
	printf 'hosts: files\npasswd: files\ngroup: files\n' >"$etc/nsswitch.conf"
	printf '%s\n' root:x:0:0::/:/bin/sh chrony:x:901:901::/:/bin/false \
		ntsagent:x:902:902::/:/bin/false >"$etc/passwd"
	printf '%s\n' root:x:0: chrony:x:901: ntsagent:x:902: >"$etc/group"
	# As on Debian: a name may have several lines.
	echo 'multi on' >"$etc/host.conf"
	touch "$etc/hosts"
	# All hosts share one file, which lan_name fills later.
	ln -f "$ETCHOSTS" "$etc/hosts"
}

# A program that starts like this cannot set the machine's clock.
NO_SYS_TIME="setpriv --bounding-set=-sys_time --inh-caps=-sys_time"

# on HOST COMMAND...: runs a command on a host with Debian 12. Does not return.
on() {
	# shellcheck disable=SC2016,SC2086 # $ of the inner shell; a list of words
	exec ip netns exec "$(ns "$1")" sh -c 'mount --bind "$1/etc" /etc &&
		mount --bind "$1/run" /run &&
		mount --bind "$1/lib" /var/lib && shift && exec "$@"' sh "$LAB/$1" $NO_SYS_TIME "${@:2}"
}

# on13 HOST COMMAND...: runs a command in the Debian 13 tree, which has the
# source tree as /source. Does not return.
on13() {
	# shellcheck disable=SC2016,SC2086 # $ of the inner shell; a list of words
	exec ip netns exec "$(ns "$1")" sh -c 'T=$1
		cp "$T/etc/ld.so.cache" "$2/etc/" &&
		rm -rf "$2/etc/ssl" && cp -a "$T/etc/ssl" "$2/etc/" &&
		mount --bind "$2/etc" "$T/etc" && mount --bind "$2/run" "$T/run" &&
		mount --bind "$2/lib" "$T/var/lib" &&
		mount --bind "$3" "$T/source" && mount --rbind /dev "$T/dev" &&
		mount -t proc proc "$T/proc" && shift 3 && exec chroot "$T" "$@"' \
		sh "$TREE13" "$LAB/$1" "$TOP" $NO_SYS_TIME "${@:2}"
}

# start NAME COMMAND...: runs a command in the background. Its output goes to
# LAB/NAME.log.
declare -A PIDS=()
start() {
	local name=$1
	shift
	: >"$LAB/$name.log"
	("$@") >>"$LAB/$name.log" 2>&1 </dev/null &
	PIDS[$name]=$!
}

stop() {
	local pid=${PIDS[$1]:-}
	[ -n "$pid" ] || return 0
	unset "PIDS[$1]"
	kill "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
}

stop_all() {
	local name
	for name in "${!PIDS[@]}"; do stop "$name"; done
}
