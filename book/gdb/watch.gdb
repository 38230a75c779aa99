# chapter 9
#
# A variable on the stack and one on the heap, watched in two address spaces.

## child
source book/gdb/kernel.gdb
continue
tbreak ch09_multitasking::write
continue
info args
set $child = $cr3
set $stack = on_stack as usize
set $heap = &(*shared).value as usize
print/x $cr3
walk $stack
walk $heap
watch *($stack as *mut u32)
watch *($heap as *mut u32)
continue
backtrace 3
continue
## parent
continue
print/x $cr3
walk $stack
walk $heap
continue
## one
delete
break ch09_multitasking::tell if $cr3 == $child
continue
x/dw $stack
x/dw $heap
## many
break paging::frames::frame_table::FrameTable::give_back
info breakpoints
