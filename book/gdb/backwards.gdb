# chapter 9
# recorded
#
# From the end of a replay backwards: to the last write of a variable, through the switch before it into the thread that
# left, and through the fork to the moment when the parent's stack was copied.

## end
backtrace
## write
watch *(0xc000010c as *mut u32)
reverse-continue
backtrace 3
## switch
delete
break switch_space
reverse-continue
info registers ecx edx
stepi 11
print/x $cr3
print/x $esp
reverse-stepi
print/x $esp
reverse-stepi
print/x $cr3
## leaver
reverse-continue
reverse-stepi
backtrace 9
## before
reverse-continue
info registers ecx edx
## fork
source book/gdb/kernel.gdb
stepi 16
x/17xw $esp
walk $esp+44
delete
watch *(char *) $physical
## zero
reverse-continue
up 7
## copy
reverse-continue
backtrace 4
x/2i $eip
info registers esi edi
x/xw $esi-4
