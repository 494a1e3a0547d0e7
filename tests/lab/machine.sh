# shellcheck shell=bash
# What the root tests need on the machine: packages, servers that are unpacked
# but not installed (an installed time server would start), and a Debian 13
# tree. To be sourced after tests/report.sh.

CACHE=${NTSAGENT_CACHE:-/var/cache/ntsagent-ci}
TREE13=$CACHE/debian13
# DEBIAN_MIRROR in the environment: a package mirror for debootstrap.

export DEBIAN_FRONTEND=noninteractive LC_ALL=C

die() {
	echo "$0: $*" >&2
	exit 2
}

must_be_root_on_debian12() {
	[ "$(id -u)" -eq 0 ] || die "must run as root: it makes network namespaces"
	grep -q '^VERSION_ID="12"' /etc/os-release ||
		die "must run on Debian 12: it uses the servers of that release"
}

# quiet COMMAND...: shows the output only if the command fails.
quiet() {
	local log
	log=$(mktemp)
	if ! "$@" >"$log" 2>&1 </dev/null; then
		cat "$log"
		rm -f "$log"
		die "failed: $*"
	fi
	rm -f "$log"
}

apt_update_once() {
	[ -n "${APT_UPDATED:-}" ] || quiet apt-get update
	APT_UPDATED=1
}

installed() {
	[ "$(dpkg-query -W -f '${Status}' "$1" 2>/dev/null)" = 'install ok installed' ]
}

# need PACKAGE...: installs the packages that are missing.
need() {
	local package missing=()
	for package in "$@"; do
		installed "$package" || missing+=("$package")
	done
	[ ${#missing[@]} -eq 0 ] && return
	echo "installing ${missing[*]}"
	apt_update_once
	quiet apt-get install -y --no-install-recommends "${missing[@]}"
}

# unpack12 PACKAGE: unpacks it without an installation, and prints the folder.
unpack12() {
	local at=$CACHE/unpacked12/$1 debs
	if [ ! -e "$at/.complete" ]; then
		apt_update_once >&2
		debs=$(mktemp -d)
		chmod 755 "$debs"
		(cd "$debs" && quiet apt-get download "$1") >&2
		rm -rf "$at"
		mkdir -p "$at"
		quiet dpkg -x "$debs"/*.deb "$at" >&2
		rm -rf "$debs"
		touch "$at/.complete"
	fi
	echo "$at"
}

# What `make check` needs on Debian 12 and 13.
BUILD_PACKAGES="gcc libc6-dev make pkg-config libssl-dev openssl libcap-ng-dev
	libinih-dev libjansson-dev libseccomp-dev libcmocka-dev libgnutls28-dev mandoc python3
	ca-certificates procps iproute2"
# The libraries of the unpacked servers.
# shellcheck disable=SC2034 # used by scripts that source this
SERVER_LIBRARIES12="libbsd0 libcap2 libgnutls30 libseccomp2 libssl3"
# shellcheck disable=SC2034
DNS_LIBRARIES12="libdbus-1-3 libidn2-0 libnetfilter-conntrack3 libnettle8
	libhogweed6 libnftables1"
SERVER_LIBRARIES13="libgnutls30t64 libedit2 libnettle8t64 libcap2 libseccomp2"

in_tree13() {
	# shellcheck disable=SC2016 # $1 and $@ are the inner shell's
	unshare --mount sh -c 'mount --make-rprivate / &&
		mount -t proc proc "$1/proc" && exec chroot "$@"' sh "$TREE13" "$@"
}

make_tree13() {
	local tree=$TREE13.new
	rm -rf "$tree" "$TREE13"
	mkdir -p "$CACHE"
	quiet debootstrap --variant=minbase trixie "$tree" ${DEBIAN_MIRROR:+"$DEBIAN_MIRROR"}
	printf '#!/bin/sh\nexit 101\n' >"$tree/usr/sbin/policy-rc.d"
	chmod 755 "$tree/usr/sbin/policy-rc.d"
	printf '127.0.0.1 localhost\n::1 localhost\n' >"$tree/etc/hosts"
	mv "$tree" "$TREE13"
	quiet in_tree13 apt-get update
	# shellcheck disable=SC2086 # lists of words
	quiet in_tree13 apt-get install -y --no-install-recommends \
		$BUILD_PACKAGES $SERVER_LIBRARIES13
	# shellcheck disable=SC2016 # $p is the inner shell's
	quiet in_tree13 sh -ec 'mkdir -p /opt/debs && cd /opt/debs
		apt-get download chrony ntpsec ntpd-rs
		for p in chrony ntpsec ntpd-rs; do dpkg -x ${p}_*.deb /opt/$p; done
		mkdir -p /source'
	touch "$TREE13/.complete"
}

# The FIPS provider of OpenSSL, unpacked: a package that is installed would be
# used by nothing, but it belongs to no other test.
need_fips13() {
	[ ! -e "$TREE13/opt/openssl-provider-fips" ] || return 0
	quiet in_tree13 apt-get update
	# shellcheck disable=SC2016 # $ of the inner shell
	quiet in_tree13 sh -ec 'p=openssl-provider-fips; cd /opt/debs
		apt-get download $p; dpkg -x ${p}_*.deb /opt/$p'
}

# Makes a Debian 13 tree with compilers, and with its servers unpacked in /opt.
need_tree13() {
	need debootstrap
	[ -e "$TREE13/.complete" ] || {
		echo "making a Debian 13 tree in $TREE13"
		make_tree13
	}
}

# The chrony of Debian sid, which has no number: the newest one. A tree of its
# own, because its libraries are newer than those of any release.
TREE_NEWEST=$CACHE/chrony-sid

make_newest() {
	local tree=$TREE_NEWEST
	rm -rf "$tree"
	mkdir -p "$CACHE"
	debootstrap --variant=minbase sid "$tree" \
		${DEBIAN_MIRROR:+"$DEBIAN_MIRROR"} || return 1
	printf '#!/bin/sh\nexit 101\n' >"$tree/usr/sbin/policy-rc.d"
	chmod 755 "$tree/usr/sbin/policy-rc.d"
	# A mirror may be behind. Nothing of it is installed: chrony would start.
	# shellcheck disable=SC2016 # $ of the inner shell
	TREE13=$tree in_tree13 sh -ec 'cd /var/cache/apt/archives
		apt-get -o Acquire::Check-Valid-Until=false update
		apt-get install -y --no-install-recommends --download-only chrony
		for d in *.deb; do dpkg -x "$d" /opt/chrony; done' || return 1
	touch "$tree/.complete"
}

# need_newest_chrony: false if it cannot be had here.
need_newest_chrony() {
	[ ! -e "$TREE_NEWEST/.complete" ] || return 0
	need debootstrap
	echo "making a tree with the newest chrony in $TREE_NEWEST"
	make_newest >"$CACHE/chrony-sid.log" 2>&1 </dev/null
}
