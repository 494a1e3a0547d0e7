# bash completion for ntsagent-cmdmon(8)
_ntsagent_cmdmon()
{
	local current=${COMP_WORDS[COMP_CWORD]}
	local previous=${COMP_WORDS[COMP_CWORD - 1]}
	local options='-p --port -u --unix -s --socket -U --user -h --help
		-V --version'

	COMPREPLY=()
	case $previous in
	-u | --unix | -s | --socket)
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
		;;
	-U | --user)
		mapfile -t COMPREPLY < <(compgen -u -- "$current")
		;;
	-p | --port) ;;
	*)
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
		;;
	esac
} && complete -F _ntsagent_cmdmon ntsagent-cmdmon
