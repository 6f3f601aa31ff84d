-- The one of the lowest number has waited longest, unless it was put back.
local oldest = call('ZRANGE', P .. 'state:' .. QUEUED, 0, 0)
local since = oldest[1] and call('HGET', P .. 'job:' .. oldest[1], 'submitted')
return {0, call('HGETALL', P .. 'meta'), since and whole(math.max(0, now - tonumber(since))) or '0'}
