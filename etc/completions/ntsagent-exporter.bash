# bash completion for ntsagent-exporter(8)
_ntsagent_exporter()
{
	local current=${COMP_WORDS[COMP_CWORD]}
	local previous=${COMP_WORDS[COMP_CWORD - 1]}
	local options='-l --listen -s --socket -h --help -V --version'

	COMPREPLY=()
	case $previous in
	-s | --socket)
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
		;;
	-l | --listen) ;;
	*)
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
		;;
	esac
} && complete -F _ntsagent_exporter ntsagent-exporter
