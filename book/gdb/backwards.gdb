# chapter 9
# recorded
#
# From the end of a replay backwards: to the last switch, and to the last write of a variable.

## end
backtrace
## switch
break switch_space
reverse-continue
reverse-stepi
reverse-stepi
stepi
stepi
## write
delete
watch *(0xc000010c as *mut u32)
reverse-continue
backtrace 3
