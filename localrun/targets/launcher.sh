#!/bin/sh
# The main process of a node's container: starts the node's ranks, tells localrun who has ended, passes signals on.
#
#     sh launcher.sh FOLDER BOOTSTRAP RANK...
#
# FOLDER was made by localrun and holds two pipes, control (lines that come in) and status (lines that go out), and for
# each rank out-RANK, the pipe (or terminal) that takes what it prints, and start-RANK, a piece of shell that is read
# once: variables, directory and command; for a rank that reads something there is in-RANK, the pipe where it comes from.
# BOOTSTRAP is the rank that start-bootstrap belongs to, or - for none.
#
#     control   signal NUMBER PID...   send a signal (a group: -PID)
#               go                     the bootstrap script has ended well: start the ranks
#               look                   say what the ranks have left running
#               sweep                  end that with SIGTERM
#               end                    end this node
#     status    ready
#               started RANK PID       -PID when it leads a group of its own
#               ended RANK CODE OOM_KILLS TICKS
#               asked                  somebody stops the container
#               left PID WORDS...      and `looked` or `swept` when that is all
#
# Ranks are parts of a pipeline, because what a shell starts with & ignores SIGINT, for good: nobody below could change
# that. Nothing but a shell is needed, with setsid (a group for each rank), env (variables that a shell cannot hold) and
# sleep where they are.

folder=$1 bootstrap=$2
shift 2
exec 3<"$folder/control" 4>"$folder/status" </dev/null
program='' directory='' variables=0 # what a start-RANK sets
setsid=$(command -v setsid)
trap : TERM
unset TINI_KILL_PROCESS_GROUP

# fail CODE REASON: as localrun says it of a rank on its own machine
fail() {
    printf 'localrun: cannot start %s in %s: %s\n' "$program" "$directory" "$2" >&2
    exit "$1"
}

# give a piece of shell its own place, and become what it names
start() {
    rank=$1
    read -r self rest </proc/self/stat
    # shellcheck disable=SC1090 # made by localrun
    . "$folder/start-$1" 2>/dev/null
    printf 'started %s %s\n' "$rank" "${setsid:+-}$self" >&4
    exec 3<&- 4>&-
    [ -d "$directory" ] || fail 127 'No such file or directory'
    cd "$directory" || fail 126 'Permission denied'
    unset OLDPWD
    [ "$variables" = 0 ] || command -v env >/dev/null || fail 126 "the image has no program env, which some variables need"
    case $program in
        */*)
            [ -e "$program" ] || fail 127 'No such file or directory'
            { [ -x "$program" ] && [ ! -d "$program" ]; } || fail 126 'Permission denied'
            ;;
        *) command -v "$program" >/dev/null || fail 127 "there is no program $program on PATH" ;;
    esac
    if [ -c "$folder/out-$rank" ]; then # the user's terminal: who leads a session and opens it is controlled by it
        [ -n "$setsid" ] || echo 'localrun: the image has no setsid: Ctrl-C does not reach the script' >&2
        # shellcheck disable=SC2016 # of the inner shell
        set -- /bin/sh -c 'exec <>"$0" >&0 2>&0 && exec "$@"' "$folder/out-$rank" "$@"
    fi
    exec $setsid "$@"
}

# run one rank, or the bootstrap script, and tell how it ended
run() {
    trap : TERM
    (
        trap - TERM
        exec </dev/null >"$folder/out-$2" 2>&1
        [ ! -p "$folder/in-$1" ] || exec <"$folder/in-$1"
        start "$1"
    )
    code=$? kills=0
    [ $code = 137 ] && count_kills
    read -r stat </proc/self/stat
    rank=$1
    # shellcheck disable=SC2086 # words: from the third field of proc(5) on; 16 and 17 are the children's time
    set -- ${stat##*) }
    shift 13
    printf 'ended %s %s %s %s\n' "$rank" "$code" "$kills" "$(($1 + $2))" >&4
}

# how often the kernel has killed for want of memory here: control groups of version 2, or 1
count_kills() {
    for file in /sys/fs/cgroup/memory.events /sys/fs/cgroup/memory/memory.oom_control; do
        [ -r "$file" ] || continue
        while read -r name number; do
            [ "$name" = oom_kill ] && kills=$number
        done <"$file"
    done
}

send() {
    # shellcheck disable=SC2086 # words
    kill -"$1" $2 2>/dev/null
}

# what is neither the init process, nor of this shell, nor entered from outside
find_left() {
    left=
    [ "$PPID" -le 1 ] || return 0 # not below the first process of a container: what is seen here is others'
    for path in /proc/[0-9]*; do
        { read -r stat <"$path/stat"; } 2>/dev/null || continue
        pid=${stat%% *}
        # shellcheck disable=SC2086 # words: state and parent
        set -- ${stat##*) }
        case $pid,$1,$2 in
            1,* | "$$",* | *,Z,* | *,X,* | *,0 | *,"$$") ;;
            *) left="$left $pid" ;;
        esac
    done
}

tell_left() {
    find_left
    for pid in $left; do
        { read -r stat <"/proc/$pid/stat"; } 2>/dev/null || continue
        stat=${stat#*(}
        printf 'left %s %s\n' "$pid" "${stat%)*}" >&4
    done
    echo looked >&4
}

sweep() {
    find_left
    send 15 "$left"
    tries=0
    while [ -n "$left" ] && [ $tries -lt 100 ] && sleep 0.02 2>/dev/null; do
        tries=$((tries + 1))
        find_left
    done
    echo swept >&4
}

# do what localrun says until it has no more to say
obey() {
    asked=
    trap 'asked=yes; echo asked >&4' TERM
    while :; do
        if read -r word number targets <&3; then
            case $word in
                signal) send "$number" "$targets" ;;
                go) return 0 ;;
                look) tell_left ;;
                sweep) sweep ;;
                end) return 1 ;;
            esac
        elif [ -n "$asked" ]; then # read was interrupted
            asked=
        else # localrun is gone: so is everything here
            kill -9 $$ 2>/dev/null
            return 1
        fi
    done
}

echo ready >&4
if [ "$bootstrap" != - ]; then
    run bootstrap "$bootstrap" | obey || exit 0
fi
line=
for rank in "$@"; do
    line="$line run $rank $rank |"
done
eval "$line obey"
