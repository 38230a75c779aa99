# chapter 9
#
# Both sides of a fork.

## parent
source book/gdb/kernel.gdb
continue
break multitasking::task::system_call::handle
continue
backtrace 2
x/17xw frame
print/x $cr3
threads
## switch
break switch_space
continue
print/x $cr3
threads
x/16i $eip
## space
stepi 9
x/4xw $esp
stepi
print/x $cr3
x/4xw $esp
stepi
print/x $esp
x/5xw $esp
## child
stepi 5
x/17xw $esp
