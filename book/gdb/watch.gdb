# chapter 9
#
# A variable of the stack and one of the heap, watched in two address spaces.

## child
source book/gdb/kernel.gdb
continue
tbreak ch09_multitasking::write
continue
info args
print/x $cr3
walk 0xbfffffd4
walk 0xc000c00c
watch *(0xbfffffd4 as *mut u32)
watch *(0xc000c00c as *mut u32)
continue
backtrace 3
continue
## parent
continue
print/x $cr3
walk 0xbfffffd4
walk 0xc000c00c
continue
## one
delete
break ch09_multitasking::tell if $cr3 == 0x170000
continue
x/dw 0xbfffffd4
x/dw 0xc000c00c
## many
break paging::frames::frame_table::FrameTable::give_back
info breakpoints
