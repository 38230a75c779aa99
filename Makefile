# The entry point for every task. `make` without a target lists the commands.

MAKEFLAGS += --no-print-directory --no-builtin-rules
TIMEOUT ?= 60
MEMORY ?= 16

# `machine` boots kernels and has little to compile. `course` works even if a chapter does not compile. `tools` does
# everything else.
machine = @tools/setup.sh $(with) cargo run --quiet --package machine --
course = @tools/setup.sh $(with) cargo run --quiet --package course --
tools = @tools/setup.sh $(with) cargo run --quiet --package tools --
chapter = $(if $(CHAPTER),--chapter='$(CHAPTER)')
exercise = $(if $(EXERCISE),--exercise='$(EXERCISE)')
# The name of a folder reaches the command through the environment, whatever is in it. A shell, and make itself, would take
# some names for commands.
folder = $(if $(value $1),--$2="$$$1")
private = $(call folder,EXERCISES,exercises)

PORT ?= 3000

.PHONY: help run exercises start check hint solution submission apply hunt question starter fix grade course-export warm slurm k8s actions gradescope wrong test-course test stress bench figures book serve book-pdf test-book bench-book mutants break mend mutants-of-logic mutants-of-kernel miri valgrind debug iso fmt lint words doctor setup clean

help:
	@echo 'To read:'
	@echo '  make serve              serve the book at http://localhost:3000, and reload it after each change'
	@echo '       PORT=3000          use another port'
	@echo '  make book               build and check the book, and print where its first page is'
	@echo '       DRAFT=1            list missing parts, such as pictures, instead of failing'
	@echo '  make book-pdf           print the book to target/book.pdf'
	@echo '       FILES=0            leave out the appendix of all source files'
	@echo
	@echo 'To learn:'
	@echo '  make run CHAPTER=9      boot a chapter'\''s kernel; without CHAPTER, the last one'
	@echo '       TIMEOUT=60         treat the kernel as hung after this many seconds'
	@echo '       MEMORY=16          give the machine this much memory, in MiB'
	@echo '       QEMU_FLAGS=        pass more options to QEMU'
	@echo '  make test CHAPTER=9     test a chapter; without CHAPTER, everything'
	@echo '       TEST=name          run only the tests whose names contain this'
	@echo '       JUNIT=report.xml   also write the results to a file, for graders'
	@echo '  make break              put a known mistake into your files; without MISTAKE, list them'
	@echo '       MISTAKE=09/no-exit choose the mistake'
	@echo '  make mend               take it out again, and keep your own changes'
	@echo '       KEEP=1             forget it, and leave your files as they are'
	@echo '  make debug CHAPTER=9    boot the kernel under gdb, with a breakpoint at its entry'
	@echo '       GDB_FLAGS=         pass more options to gdb'
	@echo '       TEST=NAME          boot this test instead of the demonstration'
	@echo '       REPLAY=1           record the run to its end first; gdb can then go backwards'
	@echo '  make iso CHAPTER=9      make a bootable CD image, and print its path'
	@echo '  make doctor             list the installed and missing programs; change nothing'
	@echo '  make setup              install the missing programs; make run does that too'
	@echo
	@echo 'To do exercises:'
	@echo '  make exercises          list them, with your points'
	@echo '  make start EXERCISE=5.2 begin one: blank the functions that you write, and print the task'
	@echo '  make check EXERCISE=5.2 check your answer'
	@echo '       WATCH=1            check again whenever your file changes'
	@echo '       SEED=1             use other random inputs'
	@echo '  make hint EXERCISE=5.2  print the next hint'
	@echo '  make solution EXERCISE=5.2  print the right answer'
	@echo '       PUT=1              put it into your files, and keep your work'
	@echo '  make mend EXERCISE=5.2  put an exercise away, and keep your work'
	@echo '  make hunt CHAPTER=6     put in a mistake without naming it; make check reports whether you have fixed it'
	@echo '       SEED=7             choose the mistake'
	@echo '  make question CHAPTER=6 print a question: what will a kernel do? With ANSWER=..., check the answer'
	@echo '       SEED=7             choose another question of the kind'
	@echo '  make submission EXERCISE=5.2  write the one file to hand in, and print its path'
	@echo '  make apply FIX=fix.patch  put a fix from your instructor into your files, and keep your work'
	@echo
	@echo 'To teach:'
	@echo '  make starter EXERCISE="5.2 9.2"  make a repository to hand out, with these exercises and no answers'
	@echo '       EXERCISES=folder   add exercises and hidden tests of your own'
	@echo '       OUT=folder         put it there; without it, into target/course/starter'
	@echo '  make fix FROM=edition-2026.1 EXERCISE="5.2 9.2"  make a patch for students who have that edition'
	@echo '  make grade EXERCISE=5.2 SUBMISSIONS=handed-in SEED=4711  grade what students have handed in'
	@echo '       RESULTS=folder     put the results there; without it, in grades/05-frames'
	@echo '       WORKERS=2          grade several at the same time; each needs 2 GB of memory and 2 GB of disk'
	@echo '       SHARD=1/20         grade only this part of them, on one of twenty machines'
	@echo '       EXERCISES=folder   add exercises and hidden tests of your own'
	@echo '  make wrong EXERCISE=5.9 EXERCISES=folder  write the text from which you make wrong answers of your own exercise'
	@echo '  make course-export RESULTS=grades/05-frames FORMAT=csv  write the results of a class for another program'
	@echo '       FORMAT=csv         or gradescope, classroom50, actions, junit'
	@echo '  make slurm EXERCISE=5.2 SUBMISSIONS=handed-in SEED=4711  write a script that grades with SLURM'
	@echo '  make k8s EXERCISE=5.2 SEED=4711 IMAGE=grader  write a Job that grades with Kubernetes'
	@echo '       CLAIM=grading      the name of the volume claim with the submissions'
	@echo '  make actions EXERCISE=5.2 SEED=4711  write a workflow that grades with GitHub Actions'
	@echo '       BRANCH=grading     the branch with the submissions'
	@echo '       SHARDS=20          with slurm, k8s and actions: divide the submissions into so many parts'
	@echo '  make gradescope EXERCISE=5.2 SEED=4711  write a package that judges at Gradescope'
	@echo '       OUT=file           write it there; without it, into target/course'
	@echo '  make warm EXERCISE=5.2  build what grading needs, and judge the right answer; without EXERCISE, all of them'
	@echo
	@echo 'To change (with CHAPTER=9, most commands take one chapter):'
	@echo '  make fmt                format the source'
	@echo '  make lint               check format and style'
	@echo '  make words              count the words of each page, and the words that name no actor'
	@echo '  make test-book          test every page of the book in a browser, and keep screenshots'
	@echo '  make bench-book         measure how quickly the kernels run in the pages'
	@echo '  make figures            take the pictures of the book from running kernels'
	@echo '  make test-course        test the exercises: their right, blank and wrong answers'
	@echo '       EXERCISE=5.2       test only this one'
	@echo '       FRESH=1            repeat what passed in an earlier run'
	@echo '  make bench              count the kernels'\'' instructions; fail if a count got worse'
	@echo '  make stress             run random tests for minutes; SEED=17 repeats a run'
	@echo '  make mutants            put in each known mistake, and report which test catches it'
	@echo '       MUTANT=27          try only this one, by number or name'
	@echo '  make mutants-of-logic   mutate the code that the host tests; takes an hour'
	@echo '  make mutants-of-kernel  mutate code that only a kernel runs, at random'
	@echo '       SAMPLE=100 SEED=1  choose how many mutants to try, and which'
	@echo '       LIST=1             only list the mutants'
	@echo '  make miri               check trap frames and heap for undefined behavior, with Miri'
	@echo '  make valgrind           check the heap'\''s memory accesses on the host, with Valgrind'
	@echo '  make clean              remove everything that was built'
	@echo
	@echo 'The chapters, by number or by name:'
	@for folder in chapters/*/; do \
	    description=$$(sed -n 's/^description = "\(.*\)"/\1/p' $${folder}Cargo.toml); \
	    printf '  %-18s %s\n' "$$(basename $$folder)" "$$description"; \
	done

# What a command needs besides Rust and QEMU, by the names that tools/setup.sh uses.
with = with
test: with = with-tests
debug: with = with-gdb
stress: with = with-bochs
start check starter fix grade warm slurm k8s actions gradescope test-course: with = with-course
book serve: with = with-book
book-pdf: with = with-pdf

run iso: target/debug/machine
test debug stress bench figures book serve book-pdf mutants mutants-of-kernel lint words: target/debug/tools
break mend exercises start check hint solution submission apply hunt question starter fix grade course-export warm slurm k8s actions gradescope wrong test-course: target/debug/course
# It grades a class with the program for instructors.
test: target/debug/course

# `cargo run --quiet` would compile them too, but silently. Here Cargo shows its progress.
target/debug/%: Cargo.toml Cargo.lock rust-toolchain.toml $(shell find tools -name '*.rs' -o -name Cargo.toml)
	@tools/setup.sh $(with) echo 'First, Cargo compiles the tools of this project ($*):'
	@tools/setup.sh $(with) cargo build --package $*
	@touch -c $@

run:
	$(machine) run $(chapter) --timeout='$(TIMEOUT)' --memory='$(MEMORY)' -- $(QEMU_FLAGS)

test:
	$(tools) test $(chapter) $(if $(TEST),--test='$(TEST)') $(if $(JUNIT),--junit='$(JUNIT)') --timeout='$(TIMEOUT)'

exercises:
	$(course) exercises

start:
	$(course) start $(exercise)

check:
	$(course) check $(exercise) $(if $(SEED),--seed='$(SEED)') $(if $(WATCH),--watch)

hunt:
	$(course) hunt $(chapter) $(if $(SEED),--seed='$(SEED)')

question:
	$(course) question $(chapter) $(if $(QUESTION),--question='$(QUESTION)') $(if $(SEED),--seed='$(SEED)') $(if $(ANSWER),--answer='$(ANSWER)')

hint:
	$(course) hint $(exercise)

solution:
	$(course) solution $(exercise) $(if $(PUT),--put)

submission:
	$(course) submission $(exercise)

apply:
	$(course) apply $(call folder,FIX,fix)

starter:
	$(course) starter $(exercise) $(private) $(call folder,OUT,out)

fix:
	$(course) fix $(exercise) $(private) $(call folder,FROM,from)

grade:
	$(course) grade $(exercise) $(call folder,SUBMISSIONS,submissions) $(if $(SEED),--seed='$(SEED)') \
	    $(call folder,RESULTS,results) $(if $(WORKERS),--workers='$(WORKERS)') $(if $(SHARD),--shard='$(SHARD)') $(private)

warm:
	$(course) warm $(exercise) $(if $(SEED),--seed='$(SEED)') $(private)

job = $(exercise) $(if $(SEED),--seed='$(SEED)') $(private) $(call folder,OUT,out)
shards = $(if $(SHARDS),--shards='$(SHARDS)')

slurm:
	$(course) slurm $(job) $(shards) $(call folder,SUBMISSIONS,submissions) $(call folder,RESULTS,results)

k8s:
	$(course) k8s $(job) $(shards) $(if $(IMAGE),--image='$(IMAGE)') $(if $(CLAIM),--claim='$(CLAIM)')

actions:
	$(course) actions $(job) $(shards) $(if $(BRANCH),--branch='$(BRANCH)')

gradescope:
	$(course) gradescope $(job)

course-export:
	$(course) course-export $(if $(FORMAT),--format='$(FORMAT)') $(call folder,RESULTS,results)

wrong:
	$(course) wrong $(exercise) $(private)

test-course:
	$(course) test-course $(exercise) $(private) $(if $(SEED),--seed='$(SEED)') $(if $(FRESH),--fresh)

stress:
	$(tools) stress $(chapter) $(if $(SEED),--seed='$(SEED)')

bench:
	$(tools) bench $(chapter)

figures:
	$(tools) figures $(chapter)

book:
	$(tools) book $(if $(DRAFT),--draft)

serve:
	$(tools) serve --port='$(PORT)'

book-pdf:
	$(tools) book-pdf $(if $(DRAFT),--draft) $(if $(filter 0,$(FILES)),--without-files)

# --silent hides npm's own output; the tests print their results themselves.
test-book: book
	@tools/setup.sh with-browser npm test --silent --prefix book/live
	@tools/setup.sh with-browser npm test --silent --prefix book/browser

bench-book: book
	@tools/setup.sh with-browser node book/browser/live-bench.mjs

mutants:
	$(tools) mutants $(chapter) $(if $(MUTANT),--mutant='$(MUTANT)')

break:
	$(course) break $(chapter) $(if $(MISTAKE),--mistake='$(MISTAKE)')

mend:
	$(course) mend $(exercise) $(if $(KEEP),--keep)

# .cargo/mutants.toml lists the files to mutate, and the mutants to skip with the reasons. Status 3 is a success too:
# the tests noticed every change, in some cases only because a test timed out.
mutants-of-logic:
	@tools/setup.sh with-mutants cargo mutants --output=target || [ $$? = 3 ]

# tools/kernel-mutants.toml lists the mistakes that no test can notice, with the reasons.
mutants-of-kernel:
	$(tools) mutants-of-kernel $(chapter) $(if $(SEED),--seed='$(SEED)') $(if $(SAMPLE),--sample='$(SAMPLE)') \
	    $(if $(LIST),--list)

# The heap turns addresses into pointers, as a kernel has to: hence permissive provenance. Under Miri a test takes
# hundreds of times as long, so each property gets fewer cases. proptest reads earlier failures from files, which Miri
# hides from tests unless its isolation is disabled.
miri:
	@PROPTEST_CASES=2 MIRIFLAGS='-Zmiri-permissive-provenance -Zmiri-disable-isolation' tools/setup.sh with-miri \
	    rustup run nightly cargo miri test --target-dir=target/miri --package=ch04-interrupts --package=ch06-heap --lib -- --skip long_sequences

# cfg(all()) matches every target. Under Valgrind a test takes fifty times as long, so each property gets fewer cases.
watched = target."cfg(all())".runner = ["valgrind", "--quiet", "--error-exitcode=99"]
valgrind:
	@PROPTEST_CASES=20 tools/setup.sh with-valgrind cargo test --config='$(watched)' \
	    --package=ch06-heap --lib -- --skip long_sequences

debug:
	$(tools) debug $(chapter) $(if $(TEST),--test='$(TEST)') $(if $(REPLAY),--replay) --timeout='$(TIMEOUT)' \
	    $(if $(SEED),--seed='$(SEED)') $(if $(ROUNDS),--rounds='$(ROUNDS)') \
	    --memory='$(MEMORY)' --qemu-flags='$(QEMU_FLAGS)' -- $(GDB_FLAGS)

iso:
	$(machine) iso $(chapter)

lint:
	$(tools) lint

words:
	$(tools) words

fmt:
	@tools/setup.sh with cargo fmt --all

doctor:
	@tools/setup.sh doctor

setup:
	@tools/setup.sh install

clean:
	@rm -rf target book/browser/node_modules book/live/node_modules book/src/live
