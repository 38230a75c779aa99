# chapter 8
#
# The scheduler's table, a switch, and a timeslice that the timer ends.

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
x/3xw $esp
stepi 8
print/x $esp
x/5xw $esp
stepi 5
## next
continue
threads
saved 0
## timer
delete
break threads::scheduler::decide
continue
backtrace
