# The lines above are those that `make slurm` writes; the rest is the same for every exercise.
#
# Three jobs, each after the one before: one builds and judges the right answer, an array judges the submissions, and one
# makes the tables. Run this again after a failure: what was judged stays, and only the rest is judged.
cd "$PROJECT"
mkdir -p target/course/slurm

# submit NAME COMMAND [OPTION...]: prints the job's number. Options come last, so that those of a person count.
submit() {
    name=$1 command=$2
    shift 2
    number=$(sbatch --parsable --export=ALL --job-name="$name" --output='target/course/slurm/%x.log' \
        --cpus-per-task=2 --mem=4G --kill-on-invalid-dep=yes --wrap="$command" "$@")
    echo "${number%%;*}"
}

build=$(submit build 'make warm' "$@")
# SLURM sets these two in every job of the array, so they are for its shell and not for this one.
# shellcheck disable=SC2016
shards=$(submit shard 'make grade SHARD=$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT' \
    --array="1-$SHARDS" --output='target/course/slurm/%x-%a.log' --dependency="afterok:$build" "$@")
# After all of them, whether they succeeded or not.
tables=$(submit tables 'make grade' --dependency="afterany:$shards" "$@")

echo "Job $build builds, the array $shards judges, and job $tables makes the tables."
echo "squeue --me shows them, and they write to $PROJECT/target/course/slurm."
