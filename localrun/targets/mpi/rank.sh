#!/bin/sh
# A rank on its way to the user's command: waits for what mpirun tells it.
#
#     sh rank.sh FOLDER RANK RANKS LOCAL_RANK LOCAL_RANKS COMMAND...
#
# mpirun may see all nodes as one machine, so what it says of the node is put right.

folder=$1 rank=$2 ranks=$3 local_rank=$4 local_ranks=$5
shift 5
while IFS= read -r line; do
    eval "$line"
done <"$folder/$rank.told"
if [ -n "$OMPI_COMM_WORLD_RANK" ]; then
    export OMPI_COMM_WORLD_LOCAL_RANK="$local_rank" OMPI_COMM_WORLD_LOCAL_SIZE="$local_ranks"
    export OMPI_COMM_WORLD_NODE_RANK="$local_rank"
else
    export PMI_RANK="$rank" PMI_SIZE="$ranks" MPI_LOCALRANKID="$local_rank" MPI_LOCALNRANKS="$local_ranks"
fi
# a Python that is laid over another one would not look beside that one's mpirun for the library that fits
program=$(command -v mpirun)
for file in "${program%/bin/*}"/lib/libmpi.so.[14]*; do
    case $file in /usr/* | *[0-9].[0-9]*) continue ;; esac
    [ ! -e "$file" ] || export MPI4PY_LIBMPI="${MPI4PY_LIBMPI:-$file}"
done
[ "$1" != python ] || command -v python >/dev/null || {
    shift
    set -- python3 "$@"
}
[ -z "$PMI_FD" ] || [ -n "$PMI_PORT" ] || set -- python3 -S "$folder/hand_over.py" take "$folder" "$rank" "$@"
exec 9>"$folder/$rank.end" # its stand-in waits for the end of this pipe, which the command keeps open
exec "$@"
