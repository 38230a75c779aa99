# Commands for gdb that know this kernel. `help user-defined` lists them.
#
# They read memory by the names and types in the kernel's debug information, and page tables by physical address
# through the identity window, where both are the same number (chapter 5). In the language C, because gdb finds a
# Rust path in quotes there whatever is being debugged, assembly included.

set print asm-demangle on

define tables
  pipe monitor info registers | grep -E "^(CS |DS |TR |GDT|IDT|CR0)"
end
document tables
The segments, tables and control registers that the CPU has loaded, as QEMU knows them.
end

define walk
  set language c
  set $address = (unsigned int) ($arg0)
  set $at = ($cr3 & ~0xfff) + 4 * ($address >> 22)
  set $entry = *(unsigned int *) $at
  printf "directory 0x%08x, entry %4d: 0x%08x", $cr3 & ~0xfff, $address >> 22, $entry
  if ($entry & 1) == 0
    printf "  not present\n"
  else
    if ($entry & 0x80) != 0
      printf "  a large page\n0x%08x is 0x%08x in physical memory\n", $address, ($entry & 0xffc00000) + ($address & 0x3fffff)
    else
      printf "  a page table\n"
      set $at = ($entry & ~0xfff) + 4 * ($address >> 12 & 0x3ff)
      set $table = $entry & ~0xfff
      set $entry = *(unsigned int *) $at
      printf "table     0x%08x, entry %4d: 0x%08x", $table, $address >> 12 & 0x3ff, $entry
      if ($entry & 1) == 0
        printf "  not present\n"
      else
        printf "  a page\n0x%08x is 0x%08x in physical memory\n", $address, ($entry & ~0xfff) + ($address & 0xfff)
      end
    end
  end
  set language auto
end
document walk
walk ADDRESS: the way from CR3 to the memory that ADDRESS means, entry by entry.
end

define threads
  set language c
  set $i = 0
  while $i < 'threads::table::SCHEDULER'.inner.inner.data.value.touched
    set $record = 'threads::table::SCHEDULER'.inner.inner.data.value.threads[$i]
    printf "%2d  saved ESP 0x%08x  ", $i, $record.stack_pointer
    output $record.state
    echo \n
    set $i = $i + 1
  end
  printf "thread %d is running, %d in the run queue\n", 'threads::table::CURRENT'.v.value.__0, 'threads::table::SCHEDULER'.inner.inner.data.value.ready.length
  set language auto
end
document threads
The scheduler's table (chapter 8): where each thread's registers lie, and what it is doing.
end

define saved
  set language c
  set $saved = 'threads::table::SCHEDULER'.inner.inner.data.value.threads[$arg0].stack_pointer
  printf "EDI 0x%08x  ESI 0x%08x  EBX 0x%08x  EBP 0x%08x  returns to ", ((unsigned int *) $saved)[0], ((unsigned int *) $saved)[1], ((unsigned int *) $saved)[2], ((unsigned int *) $saved)[3]
  info symbol ((unsigned int *) $saved)[4]
  set language auto
end
document saved
saved THREAD: what `switch` left on the stack of a thread that does not run.
end
