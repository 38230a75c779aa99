# Commands for gdb that know this kernel. `help user-defined` lists them.
#
# They read memory by the names and types in the kernel's debug information, and page tables by physical address
# through the identity map, where virtual and physical address are equal (chapter 5). They use the language C, in
# which gdb accepts a Rust path in quotes everywhere, assembly included.

set print asm-demangle on

define tables
  pipe monitor info registers | grep -E "^(CS |DS |TR |GDT|IDT|CR0)"
end
document tables
The segments, tables and control registers that the CPU has loaded, from QEMU.
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
      set $physical = ($entry & 0xffc00000) + ($address & 0x3fffff)
      printf "  a large page\n0x%08x is 0x%08x in physical memory\n", $address, $physical
    else
      printf "  a page table\n"
      set $at = ($entry & ~0xfff) + 4 * ($address >> 12 & 0x3ff)
      set $table = $entry & ~0xfff
      set $entry = *(unsigned int *) $at
      printf "table     0x%08x, entry %4d: 0x%08x", $table, $address >> 12 & 0x3ff, $entry
      if ($entry & 1) == 0
        printf "  not present\n"
      else
        set $physical = ($entry & ~0xfff) + ($address & 0xfff)
        printf "  a page\n0x%08x is 0x%08x in physical memory\n", $address, $physical
      end
    end
  end
  set language auto
end
document walk
walk ADDRESS: the way from CR3 to the physical address of ADDRESS, entry by entry. The result is in $physical.
end

define threads
  set language c
  set $slot = 0
  set $ready = 0
  while $slot < 'threads::state::control_block::HIGH_WATER'.__0.value.value
    set $thread = 'threads::state::control_block::THREADS'.__0[$slot]
    printf "%2d  context at 0x%08x  ", $slot, ((unsigned int *) &thread_contexts)[$slot]
    output $thread.state.__0.value.value
    echo \n
    # A ThreadId is the slot plus one. The running thread and the idle one are not in the run queue.
    set $is_running = $slot + 1 == *(unsigned int *) &'threads::choice::scheduler::CURRENT'
    set $is_idle = $slot + 1 == *(unsigned int *) &'threads::choice::scheduler::IDLE'
    if !$is_running && !$is_idle && $thread.state.__0.value.value == 'threads::state::control_block::State::Ready'
      set $ready = $ready + 1
    end
    set $slot = $slot + 1
  end
  printf "thread %d is running; in the run queue:", *(unsigned int *) &'threads::choice::scheduler::CURRENT' - 1
  if $ready > 0
    set $next = (int) 'threads::choice::scheduler::RUN_QUEUE'.first.__0.value.value.Some.__0.__0.__0.__0
  end
  while $ready > 0
    printf " %d", $next - 1
    set $next = (int) ((unsigned int *) &'threads::choice::queue::NEXT')[$next - 1]
    set $ready = $ready - 1
  end
  echo \n
  set language auto
end
document threads
The threads (chapter 8): where the context of each lies, and what it is doing. Then the run queue.
end

define saved
  set language c
  set $context = ('threads::state::context::Context' *) ((unsigned int *) &thread_contexts)[$arg0]
  printf "EDI 0x%08x  ESI 0x%08x  EBX 0x%08x  EBP 0x%08x  returns to ", $context->edi, $context->esi, $context->ebx, $context->ebp
  info symbol $context->eip
  set language auto
end
document saved
saved THREAD: the context on the stack of a thread that is not running.
end
