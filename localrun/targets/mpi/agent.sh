#!/bin/sh
# What mpirun takes for rsh: has another node's container run a command.
#
#     sh agent.sh HOST COMMAND...

folder=${0%/*}
while [ "${1#-}" != "$1" ]; do shift; done # options that an rsh would have
host=$1
shift
[ -p "$folder/$host.ask" ] || {
    echo "localrun: there is no node $host" >&2
    exit 255
}
echo $$ >"$folder/$host.agent"
printf '%s\n' "$*" >"$folder/$host.ask"
read -r code <"$folder/$host.done"
exit "${code:-255}"
