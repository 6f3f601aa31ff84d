-- Stands alone: makes the store where there is none, and brings one of format 1 to 2 (what is new there is
-- made when it is first needed). ARGV[1] is the keys' prefix, ARGV[6] who the store will be.
local meta = ARGV[1] .. 'meta'
if redis.call('EXISTS', meta) == 0 then
  redis.call('HSET', meta, 'format', '2', 'vtime', 0, 'sequence', 0, 'event', 0, 's0', 0, 's1', 0, 's2', 0,
    's3', 0, 's4', 0, 's5', 0)
elseif redis.call('HGET', meta, 'format') == '1' then
  redis.call('HSET', meta, 'format', '2')
end
redis.call('HSETNX', meta, 'identity', ARGV[6])
return {0}
