# chapter 8
#
# The thread control blocks, a switch, and a timeslice that the timer ends.

## table
source book/gdb/kernel.gdb
continue
info threads
break switch
continue
backtrace 4
threads
saved 2
## switch
x/11i $eip
info registers ecx edx esp
stepi 6
print/x $esp
x/5xw $esp
stepi 5
## next
continue
threads
saved 0
## timer
delete
break threads::choice::scheduler::give_way
continue
backtrace
