# chapter 7
#
# The registers of the interrupt controllers: as the BIOS has left them, within a tick, and after it. What the slave is asked
# for then depends on the real-time clock, so only the master's masks and what is in service are shown.

## entry
continue
pipe monitor info pic | grep ^pic
## tick
break timer::tick::tick
continue
pipe monitor info pic | grep ^pic0 | cut -d ' ' -f 1,3,4
## after
finish
pipe monitor info pic | grep ^pic0 | cut -d ' ' -f 1,3,4
