call('HINCRBY', P .. 'meta', 'readings', 1)
local m = call('HMGET', P .. 'meta', 'identity', 'floor', 'readings')
return done({0, m[1], m[2] or '0', m[3], whole(now)})
