# chapter 7
#
# The registers of the interrupt controllers: as the BIOS left them, during a tick, and after it. The slave's requests
# depend on the real-time clock by then, so only the master's mask and in-service registers are shown.

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
