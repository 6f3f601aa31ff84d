-- Stands alone: makes the store where there is none. ARGV[1] is the keys' prefix.
local meta = ARGV[1] .. 'meta'
if redis.call('EXISTS', meta) == 0 then
  redis.call('HSET', meta, 'format', '1', 'vtime', 0, 'sequence', 0, 'event', 0, 's0', 0, 's1', 0, 's2', 0,
    's3', 0, 's4', 0, 's5', 0)
end
return {0}
