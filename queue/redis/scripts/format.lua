-- Stands alone: the format of the store that is there, '' for none. ARGV[1] is the keys' prefix.
local kind = redis.call('TYPE', ARGV[1] .. 'meta').ok
if kind == 'none' then return {0, ''} end
return {0, kind == 'hash' and redis.call('HGET', ARGV[1] .. 'meta', 'format') or 'of another program'}
