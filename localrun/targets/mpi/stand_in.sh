#!/bin/sh
# What mpirun starts in place of a rank: passes on what mpirun tells it, and is there for as long as the rank is.
#
#     sh stand_in.sh FOLDER

rank=${OMPI_COMM_WORLD_RANK:-${PMI_RANK:-${PMI_ID:-$PMIX_RANK}}}
exec 8<>"$1/$rank.alive" # localrun notices when this process is killed
printf b >&8
export -p | while IFS= read -r line; do
    case $line in
        'export OMPI_'* | 'export PMIX_'* | 'export PMI_'* | 'export PRTE_'* | 'export MPI_LOCAL'* | 'export MPIR_'*) ;;
        'export UCX_'* | 'export HYDRA_'* | 'export I_MPI_'* | 'export IPATH_'* | 'export HFI_'* | 'export GFORTRAN_UNBUFFERED_'*) ;;
        *) continue ;;
    esac
    printf '%s\n' "$line"
done >"$1/$rank.told"
[ -z "$PMI_FD" ] || [ -n "$PMI_PORT" ] || exec python3 -I -S "$1/hand_over.py" give "$1" "$rank"
read -r _ <"$1/$rank.end" # nobody writes there: it ends with the rank
printf e >&8
exit 0
