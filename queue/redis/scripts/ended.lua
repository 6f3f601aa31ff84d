-- Jobs that ended before a time, by that time; those that stay are passed over by their number.
local before, offset, most = text(), text(), text()
local reply = {0}
for i, seq in ipairs(call('ZRANGEBYSCORE', P .. 'ended', '-inf', '(' .. before, 'LIMIT', offset, most)) do
  reply[i + 1] = call('HGETALL', P .. 'job:' .. seq)
end
return reply
