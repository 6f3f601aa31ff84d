-- One chunk of an artifact; with the last one the artifact is there. What is there already is
-- written only where it differs, so that the same bytes again take no room and mend what is damaged.
local digest, size, chunks, index, data = text(), text(), number(), number(), text()
local key = P .. 'artifact:' .. digest
local there = call('EXISTS', key) == 1
if not there and chunks > 1 then call('ZADD', P .. 'uploads', whole(now), digest .. ':' .. chunks) end
if chunks > 0 and call('GET', P .. 'chunk:' .. digest .. ':' .. index) ~= data then
  call('SET', P .. 'chunk:' .. digest .. ':' .. index, data)
end
if index + 1 < chunks then return {0, 1} end
local total = 0
for i = 0, chunks - 1 do total = total + call('STRLEN', P .. 'chunk:' .. digest .. ':' .. i) end
if total ~= tonumber(size) then return {0, 0} end -- chunks were swept meanwhile: send them again
call('ZREM', P .. 'uploads', digest .. ':' .. chunks)
call('HSET', key, 'size', size, 'chunks', chunks, 'put', whole(now))
call('HSETNX', key, 'refs', 0)
if call('HGET', key, 'refs') == '0' then call('ZADD', P .. 'loose', whole(now), digest) end
return {0, 1}
