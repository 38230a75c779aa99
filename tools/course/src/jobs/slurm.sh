# The lines above are those that `make slurm` writes; the rest is the same for every exercise.
#
# Three jobs, each after the one before: one builds and judges the right answer, an array judges the submissions, and one
# makes the tables. Run this again after a failure: what was judged stays, and only the rest is judged. ARRAY=1,3,7 before
# the command starts only these tasks of the array again.
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
# SLURM numbers the tasks of an array, and SHARDS says how many shards there are: `make grade` judges the shard of its task.
shards=$(submit shard 'make grade' --array="${ARRAY:-1-$SHARDS}" \
    --output='target/course/slurm/%x-%a.log' --dependency="afterok:$build" "$@")
# After all of them, whether they succeeded or not.
tables=$(submit tables 'make grade' --dependency="afterany:$shards" "$@")

echo "Job $build builds, the array $shards judges, and job $tables makes the tables."
echo "squeue --me shows them, and they write to $PROJECT/target/course/slurm."
