# bash completion for ntsagentd(8)
_ntsagentd()
{
	local current=${COMP_WORDS[COMP_CWORD]}
	local previous=${COMP_WORDS[COMP_CWORD - 1]}
	local options='-f --config --check-config --check --live --json
		-n --foreground -x --no-clock
		-q --once --max-bound -Q -t -d --single-process -V --version
		-h --help'

	COMPREPLY=()
	case $previous in
	-f | --config)
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
		;;
	-t | --max-bound) ;;
	*)
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
		;;
	esac
} && complete -o filenames -F _ntsagentd ntsagentd
