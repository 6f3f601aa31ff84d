-- As hf_queue_floor: 1,024 epochs a millisecond; and 2^20 at least, however the clock was set meanwhile.
local before = tonumber(call('HGET', P .. 'meta', 'floor') or '0')
call('HSET', P .. 'meta', 'floor', whole(math.max(before + 1048576, now * 1024)))
return done({0})
