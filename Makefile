# The entry point for every task. `make` without a target lists the commands.

MAKEFLAGS += --no-print-directory --no-builtin-rules
TIMEOUT ?= 60
MEMORY ?= 16

# `machine` boots kernels and has little to compile; `tools` does everything else.
machine = @tools/setup.sh $(with) cargo run --quiet --package machine --
tools = @tools/setup.sh $(with) cargo run --quiet --package tools --
chapter = $(if $(CHAPTER),--chapter='$(CHAPTER)')
exercise = $(if $(EXERCISE),--exercise='$(EXERCISE)')

PORT ?= 3000

.PHONY: help run exercises start check hint solution submission hunt question test-course test stress bench figures book serve book-pdf test-book mutants break mend mutants-of-logic mutants-of-kernel miri valgrind debug iso fmt lint words doctor setup clean

help:
	@echo 'To read:'
	@echo '  make serve              shows the book at http://localhost:3000, and anew after each change'
	@echo '       PORT=3000          another port'
	@echo '  make book               builds the book, checks it, and says where it begins'
	@echo '       DRAFT=1            only tells what the book lacks, such as pictures'
	@echo '  make book-pdf           prints the book into target/book.pdf'
	@echo '       FILES=0            without the appendix, which has all files'
	@echo
	@echo 'To learn:'
	@echo '  make run CHAPTER=9      boots the kernel of a chapter; without CHAPTER, the last one'
	@echo '       TIMEOUT=60         after how many seconds a kernel counts as hung'
	@echo '       MEMORY=16          the memory of the machine, in MiB'
	@echo '       QEMU_FLAGS=        more options for QEMU'
	@echo '  make test CHAPTER=9     tests a chapter; without CHAPTER, everything'
	@echo '       TEST=name          only the tests whose names contain this'
	@echo '       JUNIT=report.xml   writes the outcome into a file as well, for graders'
	@echo '  make break              puts a known mistake into your files; without MISTAKE, lists them'
	@echo '       MISTAKE=09/no-exit which one'
	@echo '  make mend               takes it out again, and leaves your own changes'
	@echo '       KEEP=1             forgets it, and leaves your files as they are'
	@echo '  make debug CHAPTER=9    boots the kernel under gdb, with a breakpoint at its entry'
	@echo '       GDB_FLAGS=         more options for gdb'
	@echo '       TEST=NAME          boots this test instead of the demonstration'
	@echo '       REPLAY=1           records the run to its end first; then gdb can go backwards from there'
	@echo '  make iso CHAPTER=9      makes a bootable CD image, and says where it is'
	@echo '  make doctor             tells what this machine has and lacks; changes nothing'
	@echo '  make setup              installs what this machine lacks; make run does that too'
	@echo
	@echo 'To do exercises:'
	@echo '  make exercises          lists them, with your points'
	@echo '  make start EXERCISE=5.2 begins one: blanks what you are to write, and prints the task'
	@echo '  make check EXERCISE=5.2 checks your answer'
	@echo '       WATCH=1            and again whenever your file changes'
	@echo '       SEED=1             with other random inputs'
	@echo '  make hint EXERCISE=5.2  prints the next hint'
	@echo '  make solution EXERCISE=5.2  prints the right answer'
	@echo '       PUT=1              puts it into your files, and keeps your work'
	@echo '  make mend EXERCISE=5.2  puts an exercise away, and keeps your work'
	@echo '  make hunt CHAPTER=6     puts a mistake into your files without its name; make check says if it is gone'
	@echo '       SEED=7             which one'
	@echo '  make question CHAPTER=6 asks you to predict what a kernel does; with ANSWER=..., says whether you are right'
	@echo '       SEED=7             another question of the kind'
	@echo '  make submission EXERCISE=5.2  writes the one file to hand in, and says where it is'
	@echo
	@echo 'To change (with CHAPTER=9, most commands take one chapter):'
	@echo '  make fmt                formats the source'
	@echo '  make lint               checks format and style'
	@echo '  make words              counts the words of each page, and those that name no actor'
	@echo '  make test-book          tests every page of the book in a browser, and keeps screenshots'
	@echo '  make figures            takes the pictures of the book from running kernels'
	@echo '  make test-course        tests the exercises: answers, blank ones and wrong ones'
	@echo '       EXERCISE=5.2       only this one'
	@echo '       FRESH=1            checks again what passed before'
	@echo '  make bench              counts the kernels'\'' instructions; fails if a count got worse'
	@echo '  make stress             runs random tests for minutes; SEED=17 repeats a run'
	@echo '  make mutants            puts in known mistakes, one by one: which test catches each?'
	@echo '       MUTANT=27          only this one, by number or name'
	@echo '  make mutants-of-logic   breaks what the host tests, one by one; takes an hour'
	@echo '  make mutants-of-kernel  breaks what only a kernel runs, at random'
	@echo '       SAMPLE=100 SEED=1  how many mistakes, and which'
	@echo '       LIST=1             only shows the mistakes'
	@echo '  make miri               checks memory accesses of trap frames and heap by the rules of Rust'
	@echo '  make valgrind           watches the heap'\''s memory accesses on the host'
	@echo '  make clean              removes everything that was built'
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
start check test-course: with = with-course
book serve: with = with-book
book-pdf: with = with-pdf

run iso: target/debug/machine
test debug stress bench figures book serve book-pdf mutants break mend mutants-of-kernel lint words: target/debug/tools
exercises start check hint solution submission hunt question test-course: target/debug/tools

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
	$(tools) exercises

start:
	$(tools) start $(exercise)

check:
	$(tools) check $(exercise) $(if $(SEED),--seed='$(SEED)') $(if $(WATCH),--watch)

hunt:
	$(tools) hunt $(chapter) $(if $(SEED),--seed='$(SEED)')

question:
	$(tools) question $(chapter) $(if $(QUESTION),--question='$(QUESTION)') $(if $(SEED),--seed='$(SEED)') $(if $(ANSWER),--answer='$(ANSWER)')

hint:
	$(tools) hint $(exercise)

solution:
	$(tools) solution $(exercise) $(if $(PUT),--put)

submission:
	$(tools) submission $(exercise)

test-course:
	$(tools) test-course $(exercise) $(if $(SEED),--seed='$(SEED)') $(if $(FRESH),--fresh)

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
	@tools/setup.sh with-browser npm test --silent --prefix book/browser

mutants:
	$(tools) mutants $(chapter) $(if $(MUTANT),--mutant='$(MUTANT)')

break:
	$(tools) break $(chapter) $(if $(MISTAKE),--mistake='$(MISTAKE)')

mend:
	$(tools) mend $(exercise) $(if $(KEEP),--keep)

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
	@rm -rf target book/browser/node_modules
