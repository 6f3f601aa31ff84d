local max_losses, most = number(), number()
local changed = reap(max_losses, most)
if changed == 0 then return {0, 0} end
return done({0, changed})
