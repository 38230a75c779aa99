# The only place a person types at: `make` says what there is.

MAKEFLAGS += --no-print-directory --no-builtin-rules
TIMEOUT ?= 60
MEMORY ?= 16

# The first build of the tools is long enough to wonder about.
first = @[ -x target/debug/tools ] || echo "The tools of this project are built first, once; that takes a minute or two."
tools = @tools/setup.sh with cargo run --quiet --package tools --
machine = @tools/setup.sh with cargo run --quiet --package machine --
chapter = $(if $(CHAPTER),--chapter='$(CHAPTER)')

PORT ?= 3000

.PHONY: help run test stress bench figures book serve book-pdf test-book mutants break mend mutants-of-logic mutants-of-kernel miri valgrind debug iso fmt lint doctor setup clean

help:
	@echo 'make run CHAPTER=9     boots the kernel of a chapter (without CHAPTER: of the last one)'
	@echo '         TIMEOUT=60    seconds after which a kernel that has not ended is said to hang'
	@echo '         MEMORY=16     the memory of the machine, in MiB'
	@echo '         QEMU_FLAGS=   more options for QEMU'
	@echo 'make test              tests everything; with CHAPTER=5, one chapter'
	@echo '         TEST=name     with CHAPTER=5, only the tests whose names contain this'
	@echo 'make stress            does for minutes what tests do for moments; with CHAPTER=9, one chapter'
	@echo '         SEED=17       what all random numbers come from; another one each time if not given'
	@echo 'make bench             measures the kernels in instructions, and fails if one got worse; CHAPTER=6'
	@echo 'make figures           takes the pictures of the book from running kernels; CHAPTER=5'
	@echo 'make mutants           puts known defects back, one by one, and says which test catches each;'
	@echo '                       with CHAPTER=6 those of one chapter, with MUTANT=27 those of one number or name'
	@echo 'make break             puts one of them into your files, MISTAKE=09/no-exit; without MISTAKE, lists them'
	@echo 'make mend              takes it out again, and leaves your own changes; KEEP=1 leaves all as it is'
	@echo 'make mutants-of-logic  breaks what the host tests in every way, one by one: does a test notice? Takes an hour'
	@echo 'make mutants-of-kernel breaks what only a kernel can run at random, SAMPLE=100 times: does a test notice?'
	@echo '                       the same SEED=1 the same way; with CHAPTER=4, one chapter; stopped, it goes on when'
	@echo '                       started again; LIST=1 only shows what it would break'
	@echo 'make miri              interprets the tests of the heap on the host: does a memory access break a rule of Rust?'
	@echo 'make valgrind          tests the heap on the host where every access to memory is watched'
	@echo 'make book              builds the book in target/book, checks it, and says where it begins'
	@echo '         DRAFT=1       only tells what the book does not show yet, such as pictures that are not taken'
	@echo 'make serve             shows the book at http://localhost:3000, and anew whenever a page or a source changes'
	@echo '         PORT=3000     another port'
	@echo 'make book-pdf          prints the book into target/book.pdf'
	@echo 'make test-book         opens every page of the book in a browser and tests what it shows; screenshots'
	@echo '                       lie in target/book-screenshots afterwards'
	@echo 'make debug CHAPTER=9   boots it under gdb, with a breakpoint at its entry; GDB_FLAGS= for gdb'
	@echo 'make iso CHAPTER=9     makes the bootable CD image and says where it is'
	@echo 'make fmt               formats the source'
	@echo 'make lint              checks format and style'
	@echo 'make doctor            tells what this machine has and lacks; changes nothing'
	@echo 'make setup             installs what it lacks; make run does that too'
	@echo 'make clean             removes everything that was built'
	@echo
	@echo 'The chapters, by number or by name:'
	@for folder in chapters/*/; do \
	    description=$$(sed -n 's/^description = "\(.*\)"/\1/p' $${folder}Cargo.toml); \
	    printf '  %-18s %s\n' "$$(basename $$folder)" "$$description"; \
	done

run:
	$(first)
	$(machine) run $(chapter) --timeout='$(TIMEOUT)' --memory='$(MEMORY)' -- $(QEMU_FLAGS)

test:
	$(first)
	$(subst with,with-gdb,$(tools)) test $(chapter) $(if $(TEST),--test='$(TEST)') --timeout='$(TIMEOUT)'

stress:
	$(first)
	$(subst with,with-bochs,$(tools)) stress $(chapter) $(if $(SEED),--seed='$(SEED)')

bench:
	$(first)
	$(tools) bench $(chapter)

figures:
	$(first)
	$(tools) figures $(chapter)

book:
	$(first)
	$(subst with,with-book,$(tools)) book $(if $(DRAFT),--draft)

serve:
	$(first)
	$(subst with,with-book,$(tools)) serve --port='$(PORT)'

book-pdf:
	$(first)
	$(subst with,with-pdf,$(tools)) book-pdf $(if $(DRAFT),--draft)

# --silent: npm has nothing to add to what the tests say.
test-book: book
	@tools/setup.sh with-browser npm test --silent --prefix book/browser

mutants:
	$(first)
	$(tools) mutants $(chapter) $(if $(MUTANT),--mutant='$(MUTANT)')

break:
	$(first)
	$(tools) break $(chapter) $(if $(MISTAKE),--mistake='$(MISTAKE)')

mend:
	$(first)
	$(tools) mend $(if $(KEEP),--keep)

# What is broken, and what is not and why, stands in .cargo/mutants.toml. Status 3 is good: every change was
# noticed, if only because a test never ended.
mutants-of-logic:
	@tools/setup.sh with-mutants cargo mutants --output=target || [ $$? = 3 ]

# What cannot be noticed, and why, stands in tools/kernel-mutants.toml.
mutants-of-kernel:
	$(first)
	$(tools) mutants-of-kernel $(chapter) $(if $(SEED),--seed='$(SEED)') $(if $(SAMPLE),--sample='$(SAMPLE)') \
	    $(if $(LIST),--list)

# Addresses become pointers in the heap, as a kernel needs it. A test takes hundreds of times as long, so there is less
# of it. proptest looks for earlier failures in files, which Miri hides from tests unless told otherwise.
miri:
	@PROPTEST_CASES=2 MIRIFLAGS='-Zmiri-permissive-provenance -Zmiri-disable-isolation' tools/setup.sh with-miri \
	    rustup run nightly cargo miri test --target-dir=target/miri --package=ch06-heap --lib -- --skip long_sequences

# cfg(all()) is every machine. A test that is watched takes fifty times as long, so there is less of it.
watched = target."cfg(all())".runner = ["valgrind", "--quiet", "--error-exitcode=99"]
valgrind:
	@PROPTEST_CASES=20 tools/setup.sh with-valgrind cargo test --config='$(watched)' \
	    --package=ch06-heap --lib -- --skip long_sequences

debug:
	$(first)
	$(subst with,with-gdb,$(tools)) debug $(chapter) --memory='$(MEMORY)' --qemu-flags='$(QEMU_FLAGS)' -- $(GDB_FLAGS)

iso:
	$(first)
	$(machine) iso $(chapter)

lint:
	$(first)
	$(tools) lint

fmt:
	@tools/setup.sh with cargo fmt --all

doctor:
	@tools/setup.sh doctor

setup:
	@tools/setup.sh install

clean:
	@rm -rf target book/browser/node_modules
