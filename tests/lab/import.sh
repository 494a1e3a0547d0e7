# shellcheck shell=bash
# A chrony.conf of a client becomes the agent's configuration, and works. To be
# sourced after scenes.sh.

# The lines that a guide for a LAN adds to the chrony.conf of a client.
chrony_client_conf() {
	cat <<-'EOF'
		# server最后的nts表示服务端启用nts。且使用域名(不用使用IP地址)
		server ntpserver iburst nts
		server ntpserver-ipv6 iburst nts
		# 根据情况决定是否在客户端设置此选项
		allow 192.168.132.0/24
		allow fd15:4ba5:5a2b:1008:192:168::/64
		# 指定NTS的信任证书
		ntstrustedcerts /etc/pki/rootca.crt
		# server ntp1.aliyun.com iburst
		# pool 2.centos.pool.ntp.org iburst
		# sourcedir /run/chrony-dhcp
	EOF
}

scene_import() {
	local etc=$LAB/client/etc status=0
	echo "-- the chrony.conf of a client"
	server ntpserver 11 chrony43
	lan_host client 12
	install -m 644 "$CA/rootca.crt" "$etc/pki/"
	chrony_client_conf >"$etc/chrony.conf"
	"$B/ntsctl" import -o "$etc/ntsagent/ntsagent.conf" "$etc/chrony.conf" \
		2>"$LAB/import.txt" || status=$?
	same 'status: the agent serves no time' 1 "$status"
	says 'the report' 'chrony.conf:5: no equivalent: allow' \
		"$(<"$LAB/import.txt")"
	says 'the check accepts the file' 'no errors' "$(on client \
		"$B/ntsagentd" --check-config -f /etc/ntsagent/ntsagent.conf 2>&1)"
	start_agent12 client
	within 'both names give the time' 15 all_sampled client
	stop_agent client
}
